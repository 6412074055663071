//! The rows of the list that has the focus, as texts.

use crate::delivery::spool::dead_letters::DeadLetter;
use crate::tui::customerio::query::Entry;
use crate::tui::dead_letters::state::DeadLetters;
use crate::tui::frame::focus::Pane;
use crate::tui::frame::overlays::Overlay;
use crate::tui::inspector::update::document;
use crate::tui::stages::query::rows;
use crate::tui::stages::update::cursor;
use crate::tui::state::State;

/// The texts of a list's rows, and the row of its cursor.
pub(crate) struct Labels {
    /// What the rows are.
    pub(crate) name: &'static str,
    pub(crate) rows: Vec<String>,
    pub(crate) row: usize,
}

impl Labels {
    /// The number of rows that contain the text.
    pub(crate) fn matches(&self, text: &str) -> usize {
        self.rows.iter().filter(|row| contains(row, text)).count()
    }
}

/// Whether a row contains the text, in upper or lower case.
pub(crate) fn contains(row: &str, text: &str) -> bool {
    row.to_lowercase().contains(&text.to_lowercase())
}

/// The list that has the focus. None among events, which a search finds, and where there is no list.
pub(crate) fn labels(state: &State) -> Option<Labels> {
    let (name, texts, row) = match state.overlays.top() {
        Some(Overlay::DeadLetters(open)) => return dead_letters(open, state),
        Some(Overlay::Inspector(open)) => {
            let lines = document(open);
            let paths = lines.into_iter().map(|line| line.path);
            ("fields", paths.collect(), open.line)
        }
        Some(Overlay::Limit(open)) => {
            let groups = open.breakdown.iter().flat_map(|found| &found.groups);
            let rows = groups.map(|group| format!("{} {}", group.event_type, group.path));
            ("violations", rows.collect(), open.row)
        }
        Some(Overlay::Properties(open)) => {
            let found = open.found.iter().flat_map(|found| &found.all);
            let rows = found.map(|property| property.path.clone());
            ("properties", rows.collect(), open.row)
        }
        Some(Overlay::Stages(open)) => {
            let names = rows(state.shown()).into_iter().map(|row| row.name);
            ("stages", names.collect(), cursor(state, open))
        }
        Some(Overlay::Why(open)) => {
            let events = open.answer.iter().flat_map(|answer| &answer.timeline);
            let names = events.map(|record| record.event_type().to_owned());
            ("events", names.collect(), open.row())
        }
        Some(Overlay::CustomerIo(open)) => {
            let entries = open.found().into_iter().flat_map(|found| &found.timeline);
            ("rows", entries.map(Entry::label).collect(), open.cursor())
        }
        None if state.focus == Pane::Filters => {
            let types = state.types();
            let names = types.iter().map(|row| row.name.to_string());
            let rules = state.edited().rules.iter().map(|rule| rule.name.clone());
            let row = state.filter_row(&types);
            ("event types and rules", names.chain(rules).collect(), row)
        }
        None if state.focus == Pane::Violations => {
            let limits = state.shown_limits().iter();
            let rows = limits.map(|row| format!("{} {}", row.code, row.worst_type));
            ("limits", rows.collect(), state.violation)
        }
        Some(Overlay::Person(_) | Overlay::Audit(_)) | None => return None,
    };
    Some(Labels {
        name,
        rows: texts,
        row,
    })
}

fn dead_letters(open: &DeadLetters, state: &State) -> Option<Labels> {
    let Some(opened) = &open.opened else {
        let groups = state.snapshot.dead_letters.iter().map(|row| &row.group);
        let rows = groups.map(|group| format!("{} {}", group.event_type, group.reason));
        return Some(Labels {
            name: "dead letters",
            rows: rows.collect(),
            row: open.row,
        });
    };
    if opened.line.is_some() {
        return None;
    }
    let letters = opened.dead_letters.iter().flatten();
    Some(Labels {
        name: "people",
        rows: letters.map(DeadLetter::person).collect(),
        row: opened.cursor,
    })
}
