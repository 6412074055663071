//! One limit that one event breaks, as screens, reports and remotes read it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::policy::Policy;
use super::table::{Code, Unit};

/// One limit that one event breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The limit.
    pub code: Code,
    /// The effect on the event.
    pub policy: Policy,
    /// The measured value, in `unit`.
    pub measured: u64,
    /// The greatest value allowed, in `unit`.
    pub limit: u64,
    /// The unit of both.
    pub unit: Unit,
    /// The place in the event: `user_properties.bio`.
    pub path: Cow<'static, str>,
    /// A whole sentence about this event.
    #[serde(rename = "says")]
    pub sentence: String,
}
