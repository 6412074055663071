//! The filters as the operator edits them and the configuration file keeps them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::amplitude::Event;

use super::decision::BlockedBy;
use super::rule::Rule;

/// The filters: event-type toggles, then rules in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filters {
    /// The toggle of event types that are not in `types`.
    pub unseen_types: Switch,
    /// The toggles by event type.
    pub types: BTreeMap<String, Switch>,
    /// The rules, in order of evaluation.
    pub rules: Vec<Rule>,
}

impl Default for Filters {
    fn default() -> Self {
        Self {
            unseen_types: Switch::On,
            types: BTreeMap::new(),
            rules: Vec::new(),
        }
    }
}

impl Filters {
    /// Whether this event type is on.
    pub fn selects(&self, event_type: &str) -> bool {
        self.types
            .get(event_type)
            .copied()
            .unwrap_or(self.unseen_types)
            == Switch::On
    }

    /// Returns the reason why events of this type are filtered out, if they are.
    pub(super) fn type_blocker(&self, event_type: &str, send_users: bool) -> Option<BlockedBy> {
        let is_update = matches!(event_type, "$identify" | "$groupidentify");
        if is_update && !(send_users && event_type == "$identify") {
            return Some(BlockedBy::PropertyUpdate);
        }
        if self.selects(event_type) {
            return None;
        }
        let is_listed = self.types.contains_key(event_type);
        Some(if is_listed {
            BlockedBy::Type
        } else {
            BlockedBy::UnseenType
        })
    }

    /// Returns the index of the first enabled rule that filters out `event`. Calls `matches` with
    /// the index of each rule whose condition it needs.
    pub(super) fn blocking_rule(
        &self,
        event: &Event,
        mut matches: impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        let mut rules = self.rules.iter().enumerate().filter(|(_, rule)| rule.on);
        let found = rules.find(|(index, rule)| rule.filters_out(event, matches(*index)));
        found.map(|(index, _)| index)
    }
}

/// A toggle, as the configuration file writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// Events pass.
    On,
    /// Events are filtered out.
    Off,
}

impl From<bool> for Switch {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}
