//! The mouse in popups: it chooses rows and answers, and closes a popup from outside.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::tui::action::Effect;
use crate::tui::compare::view as compare;
use crate::tui::copy::format as copy;
use crate::tui::events::columns::state::entries;
use crate::tui::events::columns::view as columns;
use crate::tui::events::export;
use crate::tui::filters::history::view as history;
use crate::tui::filters::presets::view as presets;
use crate::tui::frame::focus::PopupKind;
use crate::tui::frame::popup::Popup;
use crate::tui::frame::{confirm, footer};
use crate::tui::input::help::view as help;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::input::palette::view as palette;
use crate::tui::input::popup::carry_out;
use crate::tui::row::exclude;
use crate::tui::searches::view as searches;
use crate::tui::state::State;
use crate::tui::tour::update as tour;
use crate::tui::tour::view as tour_view;
use crate::tui::watches::view as watches;
use crate::tui::widget::choice;
use crate::tui::widget::list::scroll;

/// What is under the mouse.
enum Target {
    /// A row of a list, by its index.
    Row(usize),
    /// A command.
    Command(PopupCommand),
    /// Another part of the popup, or a popup that is not closed from outside.
    Nothing,
    /// Another part of the screen.
    Outside,
}

/// Handles a press of the left button.
pub(crate) fn press(state: &mut State, at: Position) -> Vec<Effect> {
    // The keys of the rule editor are in the footer.
    if at.y + 1 == state.size.1
        && matches!(state.popup, Some(Popup::Rule(_)))
        && let Some(Command::InPopup(does)) = footer::command_at(state, at.x)
    {
        return command(state, does);
    }
    match state.popup.as_ref().map(|popup| target(state, popup, at)) {
        Some(Target::Row(row)) => choose(state, row),
        Some(Target::Command(does)) => command(state, does),
        Some(Target::Outside) => {
            state.popup = None;
            Vec::new()
        }
        Some(Target::Nothing) => match state.popup {
            Some(Popup::Tour(open)) => {
                tour::type_key(state, open, KeyCode::Enter).unwrap_or_default()
            }
            _ => Vec::new(),
        },
        None => Vec::new(),
    }
}

/// Whether the mouse leaves the tour for the panes: by the wheel, or by a press outside of it.
pub(crate) fn leaves_tour(state: &State, kind: MouseEventKind, at: Position) -> bool {
    let Some(Popup::Tour(open)) = state.popup else {
        return false;
    };
    let screen = Rect::new(0, 0, state.size.0, state.size.1);
    match kind {
        MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => true,
        MouseEventKind::Down(_) => !tour_view::area_of(screen, open, state).contains(at),
        _ => false,
    }
}

fn target(state: &State, popup: &Popup, at: Position) -> Target {
    let screen = Rect::new(0, 0, state.size.0, state.size.1);
    match popup {
        Popup::Confirm(asked) => match confirm::answer_at(state, asked, at) {
            Some(answer) => Target::Command(answer),
            None => Target::Nothing,
        },
        Popup::Copy(_) | Popup::Export | Popup::Exclude(_) => {
            let count = match popup {
                Popup::Copy(_) => copy::CHOICES.len(),
                Popup::Export => export::CHOICES.len(),
                _ => exclude::CHOICES.len(),
            };
            let area = choice::area_of(screen, count);
            match row_at(area, at, 1, (0, count)) {
                Target::Row(row) => Target::Command(PopupCommand::Choice(row as u8)),
                other => other,
            }
        }
        Popup::Palette(open) => {
            let area = palette::area_of(screen);
            let found = state
                .keymap
                .palette(open.input.value(), state.input_context());
            let height = usize::from(area.height).saturating_sub(3);
            let first = scroll(open.row.min(found.len()), height, found.len());
            row_at(area, at, 1, (first, found.len()))
        }
        Popup::Watches(list) if list.editor.is_none() => {
            let area = watches::area_of(screen, list, state);
            listed(area, at, (list.row, state.watches.len()))
        }
        Popup::Searches(list) if list.editor.is_none() => {
            let area = searches::area_of(screen, list, state);
            listed(area, at, (list.row, state.searches.len()))
        }
        Popup::Columns(open) if open.field.is_none() => {
            let area = columns::area_of(screen, state);
            let count = entries(&state.event_columns()).len();
            let listed = columns::listed(area);
            let first = scroll(open.row.min(count - 1), listed, count);
            row_at(area, at, 0, (first, count.min(first + listed)))
        }
        Popup::Presets(open) if open.prompt.is_none() => {
            let area = presets::area_of(screen, state);
            let count = state.presets.len();
            let first = scroll(open.row, presets::ROWS, count);
            row_at(area, at, 0, (first, count.min(first + presets::ROWS)))
        }
        Popup::Help(open) => match help::part_at(screen, open, state, at) {
            Some(part) => Target::Row(part),
            None => inside(help::area_of(screen), at),
        },
        Popup::History(_) => inside(history::area_of(screen, state), at),
        Popup::Compare(open) => inside(compare::area_of(screen, open), at),
        _ => Target::Nothing,
    }
}

/// A popup without rows that can be chosen. It is closed from outside.
fn inside(area: Rect, at: Position) -> Target {
    if area.contains(at) {
        Target::Nothing
    } else {
        Target::Outside
    }
}

/// A row of a list that fills a popup; the cursor is at `row` of `count`.
fn listed(area: Rect, at: Position, (row, count): (usize, usize)) -> Target {
    let height = usize::from(area.height).saturating_sub(2);
    row_at(area, at, 0, (scroll(row, height, count), count))
}

/// A row of a popup with `lead` lines above its rows, which begin with `first`, of `count`.
fn row_at(area: Rect, at: Position, lead: u16, (first, count): (usize, usize)) -> Target {
    if !area.contains(at) {
        return Target::Outside;
    }
    let top = area.y + 1 + lead;
    let is_row = at.y >= top && at.y + 1 < area.bottom();
    let row = first + usize::from(at.y.saturating_sub(top));
    if is_row && row < count {
        Target::Row(row)
    } else {
        Target::Nothing
    }
}

/// The first press moves the cursor to a row, the second one uses it.
fn choose(state: &mut State, row: usize) -> Vec<Effect> {
    let at = match &mut state.popup {
        Some(Popup::Help(open)) => {
            (open.part, open.scroll) = (row, 0);
            return Vec::new();
        }
        Some(Popup::Palette(open)) => &mut open.row,
        Some(Popup::Watches(list)) => &mut list.row,
        Some(Popup::Searches(list)) => &mut list.row,
        Some(Popup::Presets(open)) => &mut open.row,
        Some(Popup::Columns(open)) => &mut open.row,
        _ => return Vec::new(),
    };
    if std::mem::replace(at, row) != row {
        return Vec::new();
    }
    let is_text = state.popup.as_ref().map(Popup::kind) == Some(PopupKind::Text);
    command(
        state,
        if is_text {
            PopupCommand::Accept
        } else {
            PopupCommand::Choose
        },
    )
}

fn command(state: &mut State, does: PopupCommand) -> Vec<Effect> {
    let no_key = KeyEvent::new(KeyCode::Null, KeyModifiers::NONE);
    carry_out(state, Some(Command::InPopup(does)), no_key)
}
