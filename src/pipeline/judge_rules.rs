//! The settings that events are judged by, besides the gate.

use crate::config::Settings;
use crate::customerio::mapping::Mapping;
use crate::limits::Policies;

/// The settings that events are judged by, besides the gate. They change as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgeRules {
    /// The mapping to Customer.io's events.
    pub mapping: Mapping,
    /// The policy of each limit.
    pub policies: Policies,
}

impl JudgeRules {
    /// Takes them from `settings`.
    pub fn of(settings: &Settings) -> Self {
        Self {
            mapping: settings.mapping.clone(),
            policies: settings.limits.clone(),
        }
    }
}
