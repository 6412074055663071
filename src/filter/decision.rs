//! The decision on an event.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limits::Code;

/// The decision on an event, and its reason.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The filters and limits accepted it.
    Accepted,
    /// A type, a rule or the mode filtered it out.
    Filtered {
        /// The reason.
        by: BlockedBy,
    },
    /// A limit rejected it.
    Rejected {
        /// The limit.
        code: Code,
    },
}

/// The reason why an event was filtered out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockedBy {
    /// The gate is shut.
    Shut,
    /// The event's type is off.
    Type,
    /// The event's type is not listed, and unlisted types are off.
    UnseenType,
    /// A rule.
    Rule {
        /// Its position among the rules, from 1.
        number: u16,
        /// Its name.
        name: Arc<str>,
    },
    /// The event only updates properties, and there is nothing to send of it: `send_users` is off,
    /// or Customer.io takes none of these properties.
    PropertyUpdate,
}

impl BlockedBy {
    /// Creates the reason for the rule at `index`, counted from 0.
    pub(super) fn rule(index: usize, name: Arc<str>) -> Self {
        Self::Rule {
            number: u16::try_from(index + 1).unwrap_or(u16::MAX),
            name,
        }
    }
}

impl fmt::Display for BlockedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shut => f.write_str("gate shut"),
            Self::Type => f.write_str("type not selected"),
            Self::UnseenType => f.write_str("new type, not selected"),
            Self::Rule { number, name } => write!(f, "rule {number} “{name}”"),
            Self::PropertyUpdate => f.write_str("property update, send users is off"),
        }
    }
}
