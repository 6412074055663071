//! The history of the filters: undo, redo, and a log of the changes.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;

use crate::amplitude::time::{self, UnixMs};
use crate::filter::Filters;
use crate::filter::change::{Change, changes_among, revert, summary};
use crate::filter::rebase::rebase;
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
    /// Somebody else changed them.
    Other,
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
    /// The name of whoever made them, if that was somebody else.
    pub by: Option<String>,
}

/// All changes since the screen was opened.
#[derive(Debug, Default)]
pub struct History {
    undo: VecDeque<Step>,
    redo: Vec<Step>,
    log: VecDeque<Entry>,
}

/// A change that can be undone. Those of others, made since, stay.
#[derive(Debug)]
struct Step {
    before: Arc<Filters>,
    after: Arc<Filters>,
}

impl History {
    /// Adds a change from `before` to `now`.
    pub fn change(&mut self, before: Filters, now: &Filters, cause: ChangeCause, at: &Observed) {
        self.tell((&before, now), cause, at);
        self.redo.clear();
        // Most changes begin with the filters that the last one ended with.
        let last = self.undo.back().map(|last| &last.after);
        let before = match last.filter(|last| ***last == before) {
            Some(last) => last.clone(),
            None => Arc::new(before),
        };
        let after = Arc::new(now.clone());
        self.undo.push_back(Step { before, after });
        if self.undo.len() > KEPT {
            self.undo.pop_front();
        }
    }

    /// Logs a change of somebody else, with their name if it is known. It can't be undone here.
    pub fn change_of_other(
        &mut self,
        before: &Filters,
        now: &Filters,
        by: Option<String>,
        at: &Observed,
    ) {
        self.tell((before, now), ChangeCause::Other, at);
        if let Some(entry) = self.log.back_mut() {
            entry.by = by;
        }
    }

    /// Undoes the last change. Returns the filters without it; `now` are the present ones.
    pub fn undo(&mut self, now: &Filters, at: &Observed) -> Option<Filters> {
        let step = self.undo.pop_back()?;
        let without = if *now == *step.after {
            Filters::clone(&step.before)
        } else {
            revert(now, &step.before, &step.after)
        };
        self.tell((now, &without), ChangeCause::Undone, at);
        self.redo.push(step);
        Some(without)
    }

    /// Redoes the last undone change. Returns the filters with it; `now` are the present ones.
    pub fn redo(&mut self, now: &Filters, at: &Observed) -> Option<Filters> {
        let step = self.redo.pop()?;
        let with = if *now == *step.before {
            Filters::clone(&step.after)
        } else {
            rebase(&step.before, &step.after, now)
        };
        self.tell((now, &with), ChangeCause::Redone, at);
        self.undo.push_back(step);
        Some(with)
    }

    /// Takes back the last change, which was refused.
    pub fn withdraw(&mut self, cause: ChangeCause) {
        self.log.pop_back();
        match cause {
            ChangeCause::Undone => self.undo.extend(self.redo.pop()),
            ChangeCause::Redone => self.redo.extend(self.undo.pop_back()),
            _ => _ = self.undo.pop_back(),
        }
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
            #[serde(skip_serializing_if = "Option::is_none")]
            by: Option<String>,
            what: Vec<String>,
        }
        let line = |entry: &Entry| {
            let line = Line {
                at: time::to_export(entry.at_ms),
                how: entry.cause,
                by: entry.by.clone(),
                what: entry.changes.iter().map(Change::to_string).collect(),
            };
            serde_json::to_string(&line).unwrap_or_default() + "\n"
        };
        self.log.iter().map(line).collect()
    }

    fn tell(&mut self, (before, now): (&Filters, &Filters), cause: ChangeCause, at: &Observed) {
        let seen = at.types.iter().map(|row| &*row.name);
        self.log.push_back(Entry {
            at_ms: at.ms,
            cause,
            changes: changes_among(before, now, seen),
            by: None,
        });
        if self.log.len() > KEPT {
            self.log.pop_front();
        }
    }
}

impl Entry {
    /// A word for the history: whoever made the changes, or their cause.
    pub fn origin(&self) -> &str {
        self.by.as_deref().unwrap_or_else(|| self.cause.word())
    }

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
            Self::Other => "by others",
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
        history.change(one.clone(), &off(&["A", "C"]), ChangeCause::Read, &at(7));
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
        // A change that is refused is none.
        history.change(two.clone(), &one, ChangeCause::Applied, &at(8));
        history.withdraw(ChangeCause::Applied);
        assert_eq!(history.log().len(), 6);
        let first = history.to_ndjson().lines().next().map(str::to_owned);
        assert_eq!(
            first.as_deref(),
            Some(r#"{"at":"1970-01-01 00:00:00.001000","how":"applied","what":["A off"]}"#)
        );
    }
    #[test]
    fn an_undo_takes_back_ones_own_change_and_leaves_those_of_others() {
        let mut history = History::default();
        let (none, mine, both) = (off(&[]), off(&["A"]), off(&["A", "B"]));
        history.change(none, &mine, ChangeCause::Applied, &at(1));
        history.change_of_other(&mine, &both, Some("bob".to_owned()), &at(2));
        let undone = history.undo(&both, &at(3)).unwrap();
        assert!(undone.selects("A") && !undone.selects("B"));
        let redone = history.redo(&undone, &at(4)).unwrap();
        assert!(!redone.selects("A") && !redone.selects("B"));
        let origins: Vec<&str> = history.log().map(Entry::origin).collect();
        assert_eq!(origins, ["applied", "bob", "undone", "redone"]);
        // An undo that is refused can be tried again.
        let undone = history.undo(&redone, &at(5));
        history.withdraw(ChangeCause::Undone);
        assert_eq!(history.undo(&redone, &at(6)), undone);
    }
}
