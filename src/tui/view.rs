//! Drawing the screen. Each pane has a file of its own.
//!
//! ```text
//! ┌ header ──────────────────────────────────┐  workspace, feed, gate, spool, clock
//! │ banner                                   │  the alert, if there is one
//! │ strip                                    │  the stages of the pipeline, from 120 columns on
//! ├ throughput ────────┬ delivery ───────────┤  rates and their history │ outcomes
//! ├ filters ───┬ events ─────────────────────┤  types and rules │ one event per row
//! │            │                             │
//! ├ violations ┴─────────────────────────────┤  violated limits
//! └ footer ──────────────────────────────────┘  keys, or a prompt; above it the last notice
//! ```
//! On a wide screen the detail pane is beside the events, on a tall one below them. It shows the event
//! under the cursor. An overlay, such as the inspector, takes the place of the three lower panes. A
//! popup lies over everything.
//!
//! A frame on a full ring, with every pane filled, takes 0.17 ms at 80x24 and 0.90 ms at 200x60
//! (`cargo bench --bench frame`, a virtual machine with 2 cores of an Intel Xeon).

use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal};

use crate::tui::audit::view as audit;
use crate::tui::compare::view as compare;
use crate::tui::copy::format as copy;
use crate::tui::customerio::view as customerio;
use crate::tui::dead_letters::{detail_view as dead_letters_detail, view as dead_letters};
use crate::tui::delivery::{drain_view, view as delivery};
use crate::tui::detail::view as detail;
use crate::tui::events::columns::view as columns;
use crate::tui::events::{export, find_view, view as events};
use crate::tui::filters::conflict::view as conflict;
use crate::tui::filters::editor::view as editor;
use crate::tui::filters::history::view as history;
use crate::tui::filters::presets::view as presets;
use crate::tui::filters::preview::view as preview;
use crate::tui::filters::view as filters;
use crate::tui::frame::focus::PopupKind;
use crate::tui::frame::layout::{PaneAreas, is_small};
use crate::tui::frame::overlays::Overlay;
use crate::tui::frame::popup::Popup;
use crate::tui::frame::{banner, confirm, footer, header, miniature, notice_view};
use crate::tui::input::help::view as help;
use crate::tui::input::palette::view as palette;
use crate::tui::inspector::view as inspector;
use crate::tui::limits::{view as limits, violations};
use crate::tui::person::view as person;
use crate::tui::privacy::buffer;
use crate::tui::privacy::on_screen::{ids_on_screen, servers_on_screen};
use crate::tui::properties::view as properties;
use crate::tui::row::exclude;
use crate::tui::searches::view as searches;
use crate::tui::stages::{strip, view as stages};
use crate::tui::state::State;
use crate::tui::throughput::view as throughput;
use crate::tui::tour::view as tour;
use crate::tui::watches::view as watches;
use crate::tui::why::view as why;
use crate::tui::widget::ascii::to_ascii;
use crate::tui::widget::choice::{Choices, choice};
use crate::tui::widget::theme::Theme;

/// Draws a state without a terminal. Two states with the same picture look the same to the
/// operator.
pub fn picture(state: &State) -> Buffer {
    let (columns, rows) = state.size;
    let theme = Theme::of(state.colours, false);
    // Drawing to memory cannot fail.
    let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, rows));
    let Ok(_) = terminal.draw(|frame| draw(frame, state, &theme));
    terminal.backend().buffer().clone()
}

/// Draws the screen.
pub fn draw(frame: &mut Frame<'_>, state: &State, theme: &Theme) {
    let area = frame.area();
    if is_small(area) {
        miniature(frame, area, state, theme);
    } else {
        panes(frame, area, state, theme);
    }
    if state.privacy.is_some() {
        let (ids, servers) = (ids_on_screen(state), servers_on_screen(state));
        buffer::mask_buffer(frame.buffer_mut(), &ids, &servers);
    }
    if theme.ascii {
        to_ascii(frame.buffer_mut());
    }
}

/// Draws the most important figures, and events if there is room.
fn miniature(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let areas = state.areas();
    miniature::render(frame, areas.header, state, theme);
    if areas.events.area() > 0 {
        events::render(frame, areas.events, state, theme);
    }
    let is_prompt = |popup: &Popup| {
        matches!(
            popup,
            Popup::Find(_)
                | Popup::ForTime(_)
                | Popup::GoTo(_)
                | Popup::ListFind(_)
                | Popup::Why(_)
        )
    };
    if state.popup.as_ref().is_some_and(is_prompt) {
        footer::render(frame, areas.footer, state, theme);
    }
    popups(frame, area, state, theme);
    if let Some(notice) = &state.notice {
        notice_view::render(frame, areas.footer, notice, theme);
    }
}

fn panes(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let areas = state.areas();
    header::render(frame, areas.header, state, theme);
    if let Some(alert) = state.alert {
        banner::render(frame, areas.banner, alert, state, theme);
    }
    if areas.strip.area() > 0 {
        strip::render(frame, areas.strip, state, theme);
    }
    let overlay = state.overlays.top();
    let drawn = |room: Rect| room.area() > 0;
    if drawn(areas.throughput) && !(overlay.is_some() && state.zoomed) {
        throughput::render(frame, areas.throughput, state, theme);
    }
    if drawn(areas.delivery) && !(overlay.is_some() && state.zoomed) {
        delivery::render(frame, areas.delivery, state, theme);
    }
    let is_docked = drawn(areas.detail);
    let main = match overlay {
        Some(Overlay::Inspector(_)) if is_docked => state.overlays.under_inspector(),
        overlay => overlay,
    };
    match main {
        Some(overlay) => draw_overlay(frame, &areas, overlay, state, theme),
        None => lower_panes(frame, &areas, state, theme),
    }
    if is_docked {
        draw_detail(frame, areas.detail, state, theme);
    }
    footer::render(frame, areas.footer, state, theme);
    popups(frame, area, state, theme);
    if let Some(notice) = &state.notice {
        notice_view::render(frame, areas.footer, notice, theme);
    }
}

/// Draws the pane beside the list.
fn draw_detail(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    match state.overlays.top() {
        Some(Overlay::DeadLetters(open)) => {
            dead_letters_detail::render(frame, area, open, state, theme);
        }
        _ => detail::render(frame, area, state, theme),
    }
}

fn draw_overlay(
    frame: &mut Frame<'_>,
    areas: &PaneAreas,
    overlay: &Overlay,
    state: &State,
    theme: &Theme,
) {
    let area = areas.overlay;
    match overlay {
        Overlay::DeadLetters(open) => dead_letters::render(frame, area, open, state, theme),
        Overlay::Inspector(open) => inspector::render(frame, areas.inspector, open, state, theme),
        Overlay::Properties(open) => properties::render(frame, area, open, state.privacy, theme),
        Overlay::Person(open) => person::render(frame, area, open, state, theme),
        Overlay::Limit(open) => limits::render(frame, area, open, state, theme),
        Overlay::CustomerIo(open) => customerio::render(frame, area, open, state, theme),
        Overlay::Audit(open) => audit::render(frame, area, open, state, theme),
        Overlay::Why(open) => why::render(frame, area, open, state, theme),
        Overlay::Stages(open) => stages::render(frame, area, open, state, theme),
    }
}

/// Draws filters, events and violations.
fn lower_panes(frame: &mut Frame<'_>, areas: &PaneAreas, state: &State, theme: &Theme) {
    if areas.filters.area() > 0 {
        filters::render(frame, areas.filters, state, theme);
    }
    if areas.events.area() > 0 {
        match &state.draft {
            Some(draft) if !draft.shows_events => {
                preview::render(frame, areas.events, state, theme);
            }
            _ => events::render(frame, areas.events, state, theme),
        }
    }
    if areas.violations.area() > 0 {
        violations::render(frame, areas.violations, state, theme);
    }
}

/// Draws the popup.
fn popups(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    if state.draining {
        drain_view::render(frame, area, state, theme);
        return;
    }
    match &state.popup {
        Some(Popup::Help(open)) => help::render(frame, area, open, state, theme),
        Some(Popup::Confirm(confirm)) => confirm::render(frame, area, confirm, state, theme),
        Some(Popup::Rule(open)) => editor::render(frame, area, open, state, theme),
        Some(Popup::Copy(_)) => {
            let choices = copy::CHOICES.map(|(_, message)| message);
            let shown = Choices {
                kind: PopupKind::Copy,
                title: "Copy",
                all: &choices,
            };
            choice(frame, area, &shown, &state.keymap, theme);
        }
        Some(Popup::Exclude(_)) => {
            let shown = Choices {
                kind: PopupKind::Exclude,
                title: "Exclude",
                all: &exclude::CHOICES,
            };
            choice(frame, area, &shown, &state.keymap, theme);
        }
        Some(Popup::Export) => {
            let title = export::title(&state.labels.folder, area.width);
            let shown = Choices {
                kind: PopupKind::Export,
                title: &title,
                all: &export::CHOICES,
            };
            choice(frame, area, &shown, &state.keymap, theme);
        }
        Some(Popup::History(scroll)) => history::render(frame, area, *scroll, state, theme),
        Some(Popup::Watches(list)) => watches::render(frame, area, list, state, theme),
        Some(Popup::Columns(open)) => columns::render(frame, area, open, state, theme),
        Some(Popup::Compare(open)) => compare::render(frame, area, open, &state.keymap, theme),
        Some(Popup::Presets(open)) => presets::render(frame, area, open, state, theme),
        Some(Popup::Tour(open)) => tour::render(frame, area, *open, state, theme),
        Some(Popup::Conflict(open)) => conflict::render(frame, area, open, state, theme),
        Some(Popup::Palette(open)) => palette::render(frame, area, open, state, theme),
        Some(Popup::Searches(list)) => searches::render(frame, area, list, state, theme),
        Some(Popup::Find(prompt)) => find_view::render(frame, area, prompt, state, theme),
        Some(Popup::ForTime(_) | Popup::GoTo(_) | Popup::ListFind(_) | Popup::Why(_)) | None => {}
    }
}
