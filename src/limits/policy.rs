//! The effect of breaking a limit.

use serde::{Deserialize, Serialize};

/// The effect that breaking a limit has on the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The event is not forwarded.
    Reject,
    /// The event is forwarded, and the violation is shown.
    Warn,
    /// The limit is not checked.
    Off,
}

impl Policy {
    /// The value of the setting: `reject`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Warn => "warn",
            Self::Off => "off",
        }
    }

    /// The policy as a verb, for a column of a table: `rejects`.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Reject => "rejects",
            Self::Warn => "warns",
            Self::Off => "off",
        }
    }
}

/// The part of the request that a limit is about. It restricts the policies that can be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The event: any policy.
    Event,
    /// A value without which no request can be made: the limit always rejects.
    Required,
    /// The identify: the limit only warns unless identifies are sent (`mapping.send_users`).
    Identify,
}
