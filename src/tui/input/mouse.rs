//! The mouse: it selects rows, opens them, scrolls, and drags the borders of panes.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Margin, Position, Rect};

use crate::tui::action::Effect;
use crate::tui::detail::update as detail;
use crate::tui::events::columns::state::has_titles;
use crate::tui::events::update::stop_following;
use crate::tui::filters::state::FilterCursor;
use crate::tui::filters::update as filters;
use crate::tui::filters::view::row_at as filter_at;
use crate::tui::frame::focus::{OverlayKind, Pane};
use crate::tui::frame::footer;
use crate::tui::frame::layout::{PaneAreas, is_small};
use crate::tui::input::navigate::{move_cursor, open};
use crate::tui::input::perform::perform;
use crate::tui::input::{mouse_overlay, mouse_popup, popup};
use crate::tui::limits::violations::row_at as limit_at;
use crate::tui::stages::{strip, update as stages};
use crate::tui::state::State;
use crate::tui::throughput::layout::point_at;
use crate::tui::throughput::update as throughput;
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
    let areas = state.areas();
    let is_over_detail = areas.detail.contains(at);
    if is_over_detail && !has_inspector(state) && state.overlays.dead_letters().is_none() {
        return detail::focus(state);
    }
    if areas.detail.area() > 0 && !is_over_detail && has_inspector(state) {
        detail::release(state);
    }
    if state.overlays.is_empty()
        && let Some((pane, _)) = areas.pane_at(at)
    {
        state.focus = pane;
    }
    move_cursor(state, by)
}

fn has_inspector(state: &State) -> bool {
    state.overlays.top_kind() == Some(OverlayKind::Inspector)
}

fn press(state: &mut State, at: Position) -> Vec<Effect> {
    let screen = Rect::new(0, 0, state.size.0, state.size.1);
    // A small screen has no keys in its last row.
    if at.y + 1 == screen.height && !is_small(screen) {
        let command = footer::command_at(state, at.x);
        return command.map_or_else(Vec::new, |command| perform(state, command));
    }
    let areas = state.areas();
    if let Some(effects) = press_detail(state, &areas, at) {
        return effects;
    }
    // The strip is above the overlays.
    if areas.strip.contains(at) {
        if let Some(stage) = strip::stage_at(state, at.x) {
            stages::open_at(state, stage);
        }
        return Vec::new();
    }
    if state.overlays.top_kind() == Some(OverlayKind::Person) {
        return press_event(state, state.events_area(), at);
    }
    if !state.overlays.is_empty() {
        return mouse_overlay::press(state, at);
    }
    if !state.zoomed
        && let Some(border) = areas.border_at(at)
    {
        state.dragged = Some(border);
        return Vec::new();
    }
    match areas.pane_at(at) {
        Some((pane, room)) => press_pane(state, pane, room, at),
        None => Vec::new(),
    }
}

/// Gives the focus to a pane, and selects the row under the mouse.
fn press_pane(state: &mut State, pane: Pane, room: Rect, at: Position) -> Vec<Effect> {
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
        Pane::Throughput => press_chart(state, room, at),
        // The second press lists the dead letters, as Enter does.
        Pane::Delivery if had_focus => open(state),
        Pane::Delivery => Vec::new(),
    }
}

/// The first press moves the time cursor to a point of the charts, the second one goes to its events.
fn press_chart(state: &mut State, room: Rect, at: Position) -> Vec<Effect> {
    match point_at(room, state.watches.len(), at) {
        Some(point) if throughput::is_at(state, point) => throughput::events_then(state),
        Some(point) => {
            throughput::place_cursor(state, point);
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// A click in the detail pane gives it the focus, one elsewhere takes it away. None: the click is for
/// another pane.
fn press_detail(state: &mut State, areas: &PaneAreas, at: Position) -> Option<Vec<Effect>> {
    if let Some(border) = areas.detail_border_at(state.host(), at) {
        state.dragged = Some(border);
        return Some(Vec::new());
    }
    let has_focus = has_inspector(state);
    if areas.detail.contains(at) {
        return Some(if has_focus {
            mouse_overlay::press(state, at)
        } else {
            detail::focus(state)
        });
    }
    if areas.detail.area() > 0 && has_focus {
        detail::release(state);
    }
    None
}

/// The first click moves the cursor to a row, the second one opens it.
fn press_event(state: &mut State, room: Rect, at: Position) -> Vec<Effect> {
    let titles = u16::from(has_titles(&state.event_columns()));
    let inside = room.inner(Margin::new(1, 1));
    let row = at.y.checked_sub(inside.y + titles).map(usize::from);
    let row = row.filter(|_| inside.contains(at));
    let row = row.and_then(|row| state.events.page.rows.get(row));
    let Some(sequence) = row.map(|row| row.sequence) else {
        return Vec::new();
    };
    if state.events.cursor == Some(sequence) {
        return open(state);
    }
    stop_following(state);
    state.events.cursor = Some(sequence);
    Vec::new()
}
