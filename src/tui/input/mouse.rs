//! The mouse: it selects rows, opens them, scrolls, and drags the borders of panes.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::tui::action::Effect;
use crate::tui::events::update::stop_following;
use crate::tui::filters::state::FilterCursor;
use crate::tui::filters::update as filters;
use crate::tui::filters::view::row_at as filter_at;
use crate::tui::frame::focus::Pane;
use crate::tui::frame::footer;
use crate::tui::input::navigate::{move_cursor, open};
use crate::tui::input::perform::perform;
use crate::tui::input::{mouse_popup, popup};
use crate::tui::limits::violations::row_at as limit_at;
use crate::tui::stages::{strip, update as stages};
use crate::tui::state::State;
use crate::tui::tour::update as tour;

/// Rows per step of the wheel.
const WHEEL: i64 = 3;

pub(crate) fn on_mouse(state: &mut State, event: MouseEvent) -> Vec<Effect> {
    if state.draining {
        return Vec::new();
    }
    let at = Position::new(event.column, event.row);
    if mouse_popup::leaves_tour(state, event.kind, at) {
        let mut effects = tour::end(state);
        effects.extend(on_mouse(state, event));
        return effects;
    }
    match event.kind {
        MouseEventKind::ScrollUp => scroll(state, at, -WHEEL),
        MouseEventKind::ScrollDown => scroll(state, at, WHEEL),
        MouseEventKind::Down(MouseButton::Left) if state.popup.is_some() => {
            mouse_popup::press(state, at)
        }
        _ if state.popup.is_some() => Vec::new(),
        MouseEventKind::Down(MouseButton::Left) => press(state, at),
        MouseEventKind::Drag(MouseButton::Left) => {
            if let Some(border) = state.dragged {
                let areas = state.areas();
                areas.drag(border, at, &mut state.layout);
            }
            Vec::new()
        }
        MouseEventKind::Up(_) => match state.dragged.take() {
            Some(_) => vec![Effect::Remember],
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The wheel acts like the arrow keys in the popup, the overlay, or the pane under the mouse.
fn scroll(state: &mut State, at: Position, by: i64) -> Vec<Effect> {
    if state.popup.is_some() {
        let code = if by < 0 { KeyCode::Up } else { KeyCode::Down };
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        return popup::type_into_popup(state, key);
    }
    if state.overlays.is_empty()
        && let Some((pane, _)) = state.areas().pane_at(at)
    {
        state.focus = pane;
    }
    move_cursor(state, by)
}

fn press(state: &mut State, at: Position) -> Vec<Effect> {
    if at.y + 1 == state.size.1 {
        let command = footer::command_at(state, at.x);
        return command.map_or_else(Vec::new, |command| perform(state, command));
    }
    if !state.overlays.is_empty() {
        return Vec::new();
    }
    let areas = state.areas();
    if areas.strip.contains(at) {
        if let Some(stage) = strip::stage_at(state, at.x) {
            stages::open_at(state, stage);
        }
        return Vec::new();
    }
    if !state.zoomed
        && let Some(border) = areas.border_at(at)
    {
        state.dragged = Some(border);
        return Vec::new();
    }
    let Some((pane, room)) = areas.pane_at(at) else {
        return Vec::new();
    };
    // The rows depend on the focus: look them up before it moves.
    let had_focus = state.focus == pane;
    let (filter, limit) = match pane {
        Pane::Filters => (filter_at(state, room, at), None),
        Pane::Violations => (None, limit_at(state, room, at)),
        _ => (None, None),
    };
    state.focus = pane;
    match pane {
        Pane::Events => press_event(state, room, at),
        Pane::Filters => {
            let types = state.types();
            let before = state.filter_row(&types);
            let Some(row) = filter else {
                return Vec::new();
            };
            state.filter_cursor = match types.get(row) {
                Some(found) => FilterCursor::Type(Some(found.name.clone())),
                None => FilterCursor::Rule(row - types.len()),
            };
            if row == before && had_focus {
                filters::toggle(state);
            }
            Vec::new()
        }
        Pane::Violations => {
            let Some(row) = limit else {
                return Vec::new();
            };
            if state.violation == row && had_focus {
                return open(state);
            }
            state.violation = row;
            Vec::new()
        }
        Pane::Throughput | Pane::Delivery => Vec::new(),
    }
}

/// The first click moves the cursor to a row, the second one opens it.
fn press_event(state: &mut State, room: Rect, at: Position) -> Vec<Effect> {
    let row = usize::from(at.y.saturating_sub(room.y + 1));
    let Some(sequence) = state.events.page.rows.get(row).map(|row| row.sequence) else {
        return Vec::new();
    };
    if state.events.cursor == Some(sequence) {
        return open(state);
    }
    stop_following(state);
    state.events.cursor = Some(sequence);
    Vec::new()
}
