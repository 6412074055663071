//! The draft of the filters, temporary changes, and the cursor of the pane.

use std::sync::Arc;

use crate::filter::Filters;
use crate::filter::rebase::rebase;
use crate::protocol::VersionedFilters;
use crate::tui::filters::history::log::ChangeCause;

/// The order of event types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The most frequent first.
    #[default]
    Count,
    /// The highest rate first.
    Rate,
    /// By name.
    Name,
}

/// Filters that are not applied yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// The filters in force when the draft was opened: it replaces only those.
    pub base: VersionedFilters,
    /// The filters.
    pub filters: Filters,
    /// Whether the events pane shows the events as the draft would decide, instead of the preview.
    pub shows_events: bool,
    /// The filters before each step of the draft, the newest last.
    pub steps: Vec<Filters>,
    /// The filters after each undone step, the last undone last.
    pub undone: Vec<Filters>,
}

impl Draft {
    /// A draft without changes of the filters in force.
    pub fn of(base: VersionedFilters) -> Self {
        Self {
            filters: Filters::clone(&base.filters),
            base,
            ..Self::default()
        }
    }

    /// The draft's changes on top of filters that somebody else made of its base.
    #[must_use]
    pub fn rebased(&self, onto: VersionedFilters) -> Self {
        let rebased = |filters| rebase(&self.base.filters, filters, &onto.filters);
        Self {
            filters: rebased(&self.filters),
            shows_events: self.shows_events,
            steps: self.steps.iter().map(rebased).collect(),
            undone: self.undone.iter().map(rebased).collect(),
            base: onto,
        }
    }
}

/// A change of the filters that the forwarder has not confirmed yet.
#[derive(Debug, Clone, PartialEq)]
pub struct UnconfirmedChange {
    /// The filters before it.
    pub before: VersionedFilters,
    /// The cause.
    pub cause: ChangeCause,
    /// The draft that was applied. It is opened again if the change is refused.
    pub draft: Option<Draft>,
    /// The temporary change before it.
    pub temporary: Option<TemporaryChange>,
    /// The time for which the draft was applied, in milliseconds.
    pub for_ms: Option<i64>,
    /// The notice once it is confirmed.
    pub notice: String,
}

/// A draft that was closed without being applied.
#[derive(Debug, Clone, PartialEq)]
pub enum ClosedDraft {
    /// It was discarded: undo brings it back.
    Discarded(Draft),
    /// All its steps were undone: redo brings it back.
    Undone(Draft),
}

/// A change of the filters that ends at a set time.
#[derive(Debug, Clone, PartialEq)]
pub struct TemporaryChange {
    /// The filters before it.
    pub before: Filters,
    /// The filters with it.
    pub after: Filters,
    /// Its end, by the clock of the snapshots.
    pub until_ms: i64,
}

/// The cursor. It holds the name of a type, so that it follows a row that moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterCursor {
    /// On an event type. None: on the first one.
    Type(Option<Arc<str>>),
    /// On the rule with this index.
    Rule(usize),
}
