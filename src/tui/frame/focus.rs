//! The panes, and where a key goes: to the overlay that is open, or to the pane with the focus.

use serde::{Deserialize, Serialize};

/// A pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pane {
    /// Rates and their course.
    Throughput,
    /// What became of what was accepted.
    Delivery,
    /// Event types and rules.
    Filters,
    /// The events.
    Events,
    /// The limits that are broken.
    Violations,
}

/// The panes in the order in which Tab goes.
pub const PANES: [Pane; 5] = [
    Pane::Filters,
    Pane::Events,
    Pane::Violations,
    Pane::Throughput,
    Pane::Delivery,
];

/// Where keys go: the same key means different things in different places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputContext {
    /// The pane that has the focus.
    pub pane: Pane,
    /// What lies over the lower panes.
    pub over: Overlay,
    /// Whether a draft of the filters is open.
    pub drafts: bool,
}

/// What lies over the lower panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlay {
    /// Nothing.
    Nothing,
    /// An event that is inspected.
    Inspector,
    /// The dead letters.
    DeadLetters,
    /// The events of a person.
    Person,
    /// Where a limit is broken.
    Limit,
    /// The properties of a type.
    Properties,
}
