//! Drawing the screen: a file a pane.
//!
//! ```text
//! ┌ header ──────────────────────────────────┐  workspace, feed, gate, spool, clock
//! │ banner                                   │  what needs the operator, where something does
//! ├ throughput ────────┬ delivery ───────────┤  rates and their course │ what became of it
//! ├ filters ───┬ events ─────────────────────┤  types and rules │ one event a row
//! │            │                             │
//! ├ violations ┴─────────────────────────────┤  limits that are broken
//! └ footer ──────────────────────────────────┘  keys, or the last message
//! ```
//! The inspector, and the dead letters, take the room of the three lower panes; popups lie
//! over everything.

use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal};

use crate::tui::copy::format as copy;
use crate::tui::dead_letters::view as dead_letters;
use crate::tui::delivery::{drain_view, view as delivery};
use crate::tui::events::{export, view as events};
use crate::tui::filters::editor::view as editor;
use crate::tui::filters::history::view as history;
use crate::tui::filters::presets::view as presets;
use crate::tui::filters::preview::view as preview;
use crate::tui::filters::view as filters;
use crate::tui::frame::layout::PaneAreas;
use crate::tui::frame::overlays::Overlay;
use crate::tui::frame::popup::Popup;
use crate::tui::frame::{banner, confirm, footer, header};
use crate::tui::input::help;
use crate::tui::input::palette::view as palette;
use crate::tui::inspector::view as inspector;
use crate::tui::limits::{view as limits, violations};
use crate::tui::person::view as person;
use crate::tui::privacy::mask;
use crate::tui::privacy::on_screen::ids_on_screen;
use crate::tui::properties::view as properties;
use crate::tui::state::State;
use crate::tui::throughput::view as throughput;
use crate::tui::watches::view as watches;
use crate::tui::widget::ascii::to_ascii;
use crate::tui::widget::choice::choice;
use crate::tui::widget::theme::Theme;
use crate::tui::widget::too_small::too_small;

/// Below this the panes can't be told apart.
const LEAST: (u16, u16) = (80, 24);

/// What is seen of a state, without a terminal: two states that look alike are alike to the
/// operator.
pub fn picture(state: &State) -> Buffer {
    let (columns, rows) = state.size;
    let theme = Theme::of(state.colours, false);
    // Memory can be drawn on without an error.
    let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, rows));
    let Ok(_) = terminal.draw(|frame| draw(frame, state, &theme));
    terminal.backend().buffer().clone()
}

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, state: &State, theme: &Theme) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(frame, LEAST, theme);
    } else {
        panes(frame, area, state, theme);
    }
    if state.privacy.is_some() {
        mask::cast_net(frame.buffer_mut(), &ids_on_screen(state));
    }
    if theme.ascii {
        to_ascii(frame.buffer_mut());
    }
}

fn panes(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let rooms = state.rooms();
    header::render(frame, rooms.header, state, theme);
    if let Some(alert) = state.alert {
        banner::render(frame, rooms.banner, alert, state, theme);
    }
    let overlay = state.overlays.top();
    let drawn = |room: Rect| room.area() > 0;
    if drawn(rooms.throughput) && !(overlay.is_some() && state.zoomed) {
        throughput::render(frame, rooms.throughput, state, theme);
    }
    if drawn(rooms.delivery) && !(overlay.is_some() && state.zoomed) {
        delivery::render(frame, rooms.delivery, state, theme);
    }
    match overlay {
        Some(overlay) => draw_overlay(frame, rooms.inspector, overlay, state, theme),
        None => lower_panes(frame, &rooms, state, theme),
    }
    footer::render(frame, rooms.footer, state, theme);
    popups(frame, area, state, theme);
}

fn draw_overlay(
    frame: &mut Frame<'_>,
    area: Rect,
    overlay: &Overlay,
    state: &State,
    theme: &Theme,
) {
    match overlay {
        Overlay::DeadLetters(open) => dead_letters::render(frame, area, open, state, theme),
        Overlay::Inspector(open) => inspector::render(frame, area, open, state.privacy, theme),
        Overlay::Properties(open) => properties::render(frame, area, open, state.privacy, theme),
        Overlay::Person(open) => person::render(frame, area, open, state, theme),
        Overlay::Limit(open) => limits::render(frame, area, open, theme),
    }
}

/// Draws filters, events and violations.
fn lower_panes(frame: &mut Frame<'_>, rooms: &PaneAreas, state: &State, theme: &Theme) {
    if rooms.filters.area() > 0 {
        filters::render(frame, rooms.filters, state, theme);
    }
    if rooms.events.area() > 0 {
        match &state.draft {
            Some(draft) if !draft.shows_events => {
                preview::render(frame, rooms.events, state, theme);
            }
            _ => events::render(frame, rooms.events, state, theme),
        }
    }
    if rooms.violations.area() > 0 {
        violations::render(frame, rooms.violations, state, theme);
    }
}

/// Draws what is open over everything.
fn popups(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    if state.draining {
        drain_view::render(frame, area, state, theme);
        return;
    }
    match &state.popup {
        Some(Popup::Help(scroll)) => help::render(frame, area, *scroll, state, theme),
        Some(Popup::Confirm(confirm)) => confirm::render(frame, area, confirm, state, theme),
        Some(Popup::Rule(open)) => editor::render(frame, area, open, state, theme),
        Some(Popup::Copy) => {
            let choices = copy::CHOICES.iter().map(|(key, _, says)| (*key, *says));
            choice(frame, area, "Copy", choices, theme);
        }
        Some(Popup::Export) => {
            let choices = export::CHOICES.iter().copied();
            choice(frame, area, "Write events to a file", choices, theme);
        }
        Some(Popup::History(scroll)) => history::render(frame, area, *scroll, state, theme),
        Some(Popup::Watches(list)) => watches::render(frame, area, list, state, theme),
        Some(Popup::Presets(open)) => presets::render(frame, area, open, state, theme),
        Some(Popup::Palette(open)) => palette::render(frame, area, open, state, theme),
        Some(Popup::Find(_) | Popup::ForTime(_) | Popup::GoTo(_)) | None => {}
    }
}
