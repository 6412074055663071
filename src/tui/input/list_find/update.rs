//! Key presses in the type-ahead: the cursor follows the typing.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::backend::crossterm::EventHandler;

use crate::tui::action::Effect;
use crate::tui::frame::popup::Popup;
use crate::tui::input::list_find::labels::{Labels, contains, labels};
use crate::tui::input::list_find::state::ListFind;
use crate::tui::input::navigate::move_cursor;
use crate::tui::state::State;

/// Opens the type-ahead of the list that has the focus. Returns false if there is none.
pub(crate) fn open(state: &mut State) -> bool {
    let Some(list) = labels(state) else {
        return false;
    };
    state.notice = None;
    state.popup = Some(Popup::ListFind(ListFind {
        start: list.row,
        ..ListFind::default()
    }));
    true
}

/// Handles a key.
pub(crate) fn type_key(state: &mut State, mut prompt: ListFind, key: KeyEvent) -> Vec<Effect> {
    let Some(list) = labels(state) else {
        return Vec::new();
    };
    let target = match key.code {
        KeyCode::Enter => {
            // What is looked for may have come after it was typed.
            let text = prompt.input.value();
            let is_there = list
                .rows
                .get(list.row)
                .is_some_and(|row| contains(row, text));
            if !is_there && let Some(found) = after(&list, text, prompt.start) {
                go(state, list.row, found);
            }
            return Vec::new();
        }
        KeyCode::Esc => {
            go(state, list.row, prompt.start);
            return Vec::new();
        }
        KeyCode::Down | KeyCode::Tab => after(&list, prompt.input.value(), list.row + 1),
        KeyCode::Up | KeyCode::BackTab => before(&list, prompt.input.value(), list.row),
        _ => {
            prompt.input.handle_event(&TerminalEvent::Key(key));
            after(&list, prompt.input.value(), prompt.start)
        }
    };
    if let Some(target) = target {
        go(state, list.row, target);
    }
    state.popup = Some(Popup::ListFind(prompt));
    Vec::new()
}

fn go(state: &mut State, from: usize, to: usize) {
    move_cursor(state, to as i64 - from as i64);
}

/// The first matching row from `row` on, then from the top.
fn after(list: &Labels, text: &str, row: usize) -> Option<usize> {
    let count = list.rows.len();
    let mut rows = (row..count).chain(0..row.min(count));
    rows.find(|row| contains(&list.rows[*row], text))
}

/// The last matching row above `row`, then from the bottom.
fn before(list: &Labels, text: &str, row: usize) -> Option<usize> {
    let count = list.rows.len();
    let mut rows = (0..row.min(count))
        .rev()
        .chain((row.min(count)..count).rev());
    rows.find(|row| contains(&list.rows[*row], text))
}
