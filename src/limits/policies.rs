//! The policy of each limit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::policy::{Policy, Scope};
use super::table::{Code, LIMITS, Limit};

/// The policy of each limit: the settings under `[limits]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Policies(BTreeMap<Code, Policy>);

impl Default for Policies {
    fn default() -> Self {
        Self(LIMITS.iter().map(|l| (l.code, l.policy)).collect())
    }
}

impl Policies {
    /// The policy of a limit.
    pub fn of(&self, code: Code) -> Policy {
        self.0.get(&code).copied().unwrap_or(code.limit().policy)
    }

    /// Limits that always reject although the settings say otherwise.
    pub fn impossible(&self) -> impl Iterator<Item = &'static Limit> {
        let required = LIMITS.iter().filter(|l| l.scope == Scope::Required);
        required.filter(|limit| self.of(limit.code) != Policy::Reject)
    }

    /// Sets the policy of a limit.
    pub fn set(&mut self, code: Code, policy: Policy) {
        self.0.insert(code, policy);
    }
}
