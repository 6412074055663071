//! The dictionary of a file: numbers for event types and decisions.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::frame::{self, Kind};
use crate::filter::Decision;

/// Maximum size of an event type, in bytes; the rest is cut off.
const TYPE_BYTES: usize = 256;

/// An entry, as a file has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Definition {
    Type { number: u16, name: String },
    Decision { number: u16, decision: Decision },
}

/// The event types and decisions of a file, by number.
#[derive(Debug, Default)]
pub struct Dictionary {
    types: Vec<Arc<str>>,
    decisions: Vec<Decision>,
    type_numbers: FxHashMap<Arc<str>, u16>,
    decision_numbers: FxHashMap<Decision, u16>,
}

impl Dictionary {
    /// The event type with this number; empty for 0 and for a number that is not defined.
    pub fn event_type(&self, number: u16) -> &str {
        let index = usize::from(number).checked_sub(1);
        index
            .and_then(|index| self.types.get(index))
            .map_or("", |name| name)
    }

    /// The decision with this number; none for the row of an outcome.
    pub fn decision(&self, number: u16) -> Option<&Decision> {
        self.decisions.get(usize::from(number).checked_sub(1)?)
    }

    /// Whether the decision with this number accepts.
    pub fn accepts(&self, number: u16) -> bool {
        matches!(self.decision(number), Some(Decision::Accepted))
    }

    /// The number of a type. A new one is appended to `out` as a frame; 0 once all numbers are used.
    pub(super) fn number_type(&mut self, name: &str, out: &mut Vec<u8>) -> u16 {
        let name = &name[..name.floor_char_boundary(TYPE_BYTES)];
        if let Some(number) = self.type_numbers.get(name) {
            return *number;
        }
        let Ok(number) = u16::try_from(self.types.len() + 1) else {
            return 0;
        };
        let name = name.to_owned();
        self.define(Definition::Type { number, name }, out);
        number
    }

    /// The number of a decision, as [`Self::number_type`].
    pub(super) fn number_decision(&mut self, decision: &Decision, out: &mut Vec<u8>) -> u16 {
        if let Some(number) = self.decision_numbers.get(decision) {
            return *number;
        }
        let Ok(number) = u16::try_from(self.decisions.len() + 1) else {
            return 0;
        };
        let decision = decision.clone();
        self.define(Definition::Decision { number, decision }, out);
        number
    }

    fn define(&mut self, entry: Definition, out: &mut Vec<u8>) {
        let text = serde_json::to_vec(&entry).expect("every field can be serialized into memory");
        frame::push(out, Kind::Dictionary, &text);
        self.add(entry);
    }

    /// Adds the entry of a frame. Returns false where it does not follow the last one.
    pub(super) fn read(&mut self, content: &[u8]) -> bool {
        serde_json::from_slice(content).is_ok_and(|entry| self.add(entry))
    }

    fn add(&mut self, entry: Definition) -> bool {
        match entry {
            Definition::Type { number, name } => {
                let name: Arc<str> = name.into();
                self.types.push(name.clone());
                self.type_numbers.insert(name, number);
                self.types.len() == usize::from(number)
            }
            Definition::Decision { number, decision } => {
                self.decisions.push(decision.clone());
                self.decision_numbers.insert(decision, number);
                self.decisions.len() == usize::from(number)
            }
        }
    }
}
