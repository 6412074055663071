//! The history of the filters: undo, redo, and a log of the changes.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;

use crate::amplitude::time::{self, UnixMs};
use crate::filter::Filters;
use crate::filter::change::{Change, changes_among, summary};
use crate::protocol::{Snapshot, TypeRow};

/// Maximum changes kept for undo, and in the log.
const KEPT: usize = 500;

/// The cause of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeCause {
    /// A draft was applied.
    Applied,
    /// A change was undone.
    Undone,
    /// An undone change was redone.
    Redone,
    /// The configuration was reloaded.
    Read,
    /// A temporary change ended.
    TimeOver,
}

/// The time of a change, and the event types that were seen by then.
#[derive(Debug, Clone)]
pub struct Observed {
    ms: UnixMs,
    types: Arc<Vec<TypeRow>>,
}

impl Observed {
    /// The time and the types of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        Self {
            ms: snapshot.at_ms,
            types: snapshot.types.clone(),
        }
    }
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The time.
    pub at_ms: UnixMs,
    /// The cause.
    pub cause: ChangeCause,
    /// The changes.
    pub changes: Vec<Change>,
}

/// All changes since the screen was opened.
#[derive(Debug, Default)]
pub struct History {
    undo: VecDeque<Filters>,
    redo: Vec<Filters>,
    log: VecDeque<Entry>,
}

impl History {
    /// Adds a change from `before` to `now`.
    pub fn change(&mut self, before: Filters, now: &Filters, cause: ChangeCause, at: &Observed) {
        self.tell(&before, now, cause, at);
        self.redo.clear();
        self.undo.push_back(before);
        if self.undo.len() > KEPT {
            self.undo.pop_front();
        }
    }

    /// Undoes the last change. Returns the filters before it; `now` are the present ones.
    pub fn undo(&mut self, now: &Filters, at: &Observed) -> Option<Filters> {
        let before = self.undo.pop_back()?;
        self.tell(now, &before, ChangeCause::Undone, at);
        self.redo.push(now.clone());
        Some(before)
    }

    /// Redoes the last undone change. Returns the filters after it.
    pub fn redo(&mut self, now: &Filters, at: &Observed) -> Option<Filters> {
        let again = self.redo.pop()?;
        self.tell(now, &again, ChangeCause::Redone, at);
        self.undo.push_back(now.clone());
        Some(again)
    }

    /// Whether there is a change to undo.
    pub fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }

    /// Whether there is an undone change to redo.
    pub fn can_redo(&self) -> bool {
        !self.redo.is_empty()
    }

    /// The entries, the oldest first.
    pub fn log(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.log.iter()
    }

    /// The entries as NDJSON, one per line.
    pub fn to_ndjson(&self) -> String {
        #[derive(Serialize)]
        struct Line {
            at: String,
            how: ChangeCause,
            what: Vec<String>,
        }
        let line = |entry: &Entry| {
            let line = Line {
                at: time::to_export(entry.at_ms),
                how: entry.cause,
                what: entry.changes.iter().map(Change::to_string).collect(),
            };
            serde_json::to_string(&line).unwrap_or_default() + "\n"
        };
        self.log.iter().map(line).collect()
    }

    fn tell(&mut self, before: &Filters, now: &Filters, cause: ChangeCause, at: &Observed) {
        let seen = at.types.iter().map(|row| &*row.name);
        self.log.push_back(Entry {
            at_ms: at.ms,
            cause,
            changes: changes_among(before, now, seen),
        });
        if self.log.len() > KEPT {
            self.log.pop_front();
        }
    }
}

impl Entry {
    /// The changes in one line.
    pub fn summary(&self) -> String {
        summary(&self.changes)
    }
}

impl ChangeCause {
    /// A word for the history.
    pub fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Undone => "undone",
            Self::Redone => "redone",
            Self::Read => "reloaded",
            Self::TimeOver => "time over",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn off(names: &[&str]) -> Filters {
        Filters {
            types: names
                .iter()
                .map(|name| ((*name).to_owned(), false.into()))
                .collect(),
            ..Filters::default()
        }
    }

    fn at(ms: UnixMs) -> Observed {
        Observed {
            ms,
            types: Arc::default(),
        }
    }

    #[test]
    fn changes_are_undone_redone_and_logged() {
        let mut history = History::default();
        let (none, one, two) = (off(&[]), off(&["A"]), off(&["A", "B"]));
        history.change(none.clone(), &one, ChangeCause::Applied, &at(1));
        history.change(one.clone(), &two, ChangeCause::Applied, &at(2));
        assert_eq!(history.undo(&two, &at(3)), Some(one.clone()));
        assert_eq!(history.undo(&one, &at(4)), Some(none.clone()));
        assert_eq!(history.undo(&none, &at(5)), None);
        assert_eq!(history.redo(&none, &at(6)), Some(one.clone()));
        // Another change clears the redo list.
        history.change(one, &off(&["A", "C"]), ChangeCause::Read, &at(7));
        assert_eq!(history.redo(&none, &at(8)), None);
        let results: Vec<String> = history
            .log()
            .map(|entry| format!("{} {} {}", entry.at_ms, entry.cause.word(), entry.summary()))
            .collect();
        assert_eq!(
            results,
            [
                "1 applied A off",
                "2 applied B off",
                "3 undone B on",
                "4 undone A on",
                "6 redone A off",
                "7 reloaded C off",
            ]
        );
        let first = history.to_ndjson().lines().next().map(str::to_owned);
        assert_eq!(
            first.as_deref(),
            Some(r#"{"at":"1970-01-01 00:00:00.001000","how":"applied","what":["A off"]}"#)
        );
    }
}
