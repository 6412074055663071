//! The panes, and the context of a key: the overlay on top, or the pane with the focus.

use serde::{Deserialize, Serialize};

/// A pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pane {
    /// Rates and their history.
    Throughput,
    /// The outcome of accepted events.
    Delivery,
    /// Event types and rules.
    Filters,
    /// The list of events.
    Events,
    /// The violated limits.
    Violations,
}

/// The panes in the order of Tab.
pub const PANES: [Pane; 5] = [
    Pane::Filters,
    Pane::Events,
    Pane::Violations,
    Pane::Throughput,
    Pane::Delivery,
];

/// Everything that the meaning of a key depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputContext {
    /// The pane that has the focus.
    pub pane: Pane,
    /// The overlay on top, which gets the keys before the pane.
    pub overlay: Option<OverlayKind>,
    /// Whether a draft of the filters is open.
    pub has_draft: bool,
}

/// The kinds of overlays over the lower panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverlayKind {
    /// An event in full.
    Inspector,
    /// The dead letters.
    DeadLetters,
    /// The events of a person.
    Person,
    /// The events that violate a limit.
    Limit,
    /// The properties of an event type.
    Properties,
    /// The stages of the pipeline.
    Stages,
    /// The answer to a question.
    Why,
    /// The answer of Customer.io.
    CustomerIo,
    /// The audit.
    Audit,
}

/// The kinds of popups, by the keys that they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PopupKind {
    /// A question with yes and no.
    Question,
    /// A list, such as that of the presets.
    List,
    /// A text that is typed: a prompt, an editor, the palette.
    Text,
    /// The help.
    Help,
    /// The history of the filters.
    History,
    /// The choice of a format to copy.
    Copy,
    /// The choice of events to export.
    Export,
    /// The choice of what to exclude.
    Exclude,
    /// The chooser of columns.
    Columns,
    /// The comparison of two events or ranges.
    Compare,
    /// What to do with a draft whose filters somebody else has changed.
    Conflict,
}
