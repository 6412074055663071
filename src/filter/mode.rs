//! The mode of the gate.

use serde::{Deserialize, Serialize};

/// The mode of the gate: whether accepted events are sent to Customer.io.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Accepted events are sent.
    Open,
    /// Every event that the filters accept is filtered out (dropped), and nothing is sent.
    Shut,
    /// Events are decided and mapped as in [`Mode::Open`], but nothing is sent.
    DryRun,
}

impl Mode {
    /// Its name in settings and commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Shut => "shut",
            Self::DryRun => "dry-run",
        }
    }
}
