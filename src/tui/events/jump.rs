//! Jumps to events, and bookmarks.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::alerting::AlertState;
use crate::amplitude::time::UnixMs;
use crate::tui::action::Effect;
use crate::tui::events::current::at;
use crate::tui::events::export::Events;
use crate::tui::events::list::EventList;
use crate::tui::events::seek::{Direction, Seek, ago, parse_time};
use crate::tui::frame::alert::AlertKind;
use crate::tui::frame::focus::{OverlayKind, Pane};
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::{Command, JumpTarget, PopupCommand};
use crate::tui::inspector::update::inspect;
use crate::tui::state::State;
use crate::tui::throughput::state::Incident;
use crate::tui::throughput::update as throughput;
use crate::tui::widget::text;

pub(crate) fn next(state: &mut State, what: JumpTarget, direction: Direction) -> Vec<Effect> {
    let seek = match what {
        JumpTarget::Violation => {
            // The banner names a limit, and this key to go to one of its violations.
            let alert = state
                .alert
                .filter(|alert| alert.kind == AlertKind::State(AlertState::RejectedOver));
            let code = alert.and_then(|_| state.snapshot.worst_limit());
            Seek::Violation(direction, code)
        }
        JumpTarget::Failure => Seek::Failure(direction),
    };
    // Without a cursor, the newest event is a target too.
    let from = match state.overlays.inspector().map(|i| i.sequence) {
        Some(sequence) => Some(sequence),
        None => state.events.cursor,
    };
    vec![Effect::Seek(seek, from)]
}

pub(crate) fn found(state: &mut State, seek: Seek, found: Option<u64>) -> Vec<Effect> {
    let Some(sequence) = found else {
        let events = &state.events;
        let mut nothing = "event in the ring".to_owned();
        let mut hint = String::new();
        let back = state.key(Command::Back);
        let among_matches = !events.in_context || matches!(seek, Seek::Next(_));
        if let Some(find) = events.find.as_ref().filter(|_| among_matches) {
            nothing = format!("match of “{}”", text::cut(&find.text, 30));
            hint = format!(" ({back} clears the search)");
        } else if state.range.is_some() {
            nothing = "event in the range".to_owned();
            hint = format!(" ({back} removes the range)");
        } else if events.list != EventList::All {
            nothing = format!("event in this list ({})", events.list.name());
            hint = format!(" ({back} shows all events)");
        }
        let message = format!("{}{hint}", seek.not_found(&nothing));
        state.notify(message);
        return Vec::new();
    };
    if let Seek::Time(at) = seek {
        let now = state.snapshot.at_ms;
        state.notify(format!("events up to {}", ago(at, now)));
    }
    go(state, sequence)
}

/// Moves the cursor to the event, in the upper part of the pane, so that the events before it are
/// visible.
fn go(state: &mut State, sequence: u64) -> Vec<Effect> {
    let events = &mut state.events;
    let is_shown = events.page.rows.iter().any(|row| row.sequence == sequence);
    if events.following || !is_shown {
        events.following = false;
        events.top = sequence;
        // Newer is up.
        events.shift = -(events.room as i64 / 4);
    }
    events.cursor = Some(sequence);
    if state.overlays.top_kind() == Some(OverlayKind::Inspector) {
        return inspect(state, sequence);
    }
    // These would hide the event.
    for kind in [
        OverlayKind::Limit,
        OverlayKind::DeadLetters,
        OverlayKind::Properties,
        OverlayKind::Stages,
        OverlayKind::Why,
        OverlayKind::CustomerIo,
        OverlayKind::Audit,
    ] {
        state.overlays.close(kind);
    }
    if let Some(draft) = &mut state.draft {
        draft.shows_events = true;
    }
    if state.overlays.inspector().is_some() {
        return inspect(state, sequence);
    }
    state.focus = Pane::Events;
    Vec::new()
}

pub(crate) fn type_time(state: &mut State, mut input: Input, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Esc => return Vec::new(),
        KeyCode::Enter => match parse_time(input.value(), state.snapshot.at_ms) {
            Some(at) => return vec![Effect::Seek(Seek::Time(at), None)],
            None => {
                let message = "write a time such as 14:02:31 (UTC) or 2026-11-25 14:02, or an age such as 5min";
                state.notify_error(message);
            }
        },
        _ => {
            input.handle_event(&TerminalEvent::Key(key));
            state.notice = None;
        }
    }
    state.popup = Some(Popup::GoTo(input));
    Vec::new()
}

pub(crate) fn bookmark(state: &mut State) {
    let Some(sequence) = at(state) else {
        state.notify("no event yet");
        return;
    };
    let at_ms = received_ms(state, sequence);
    let message = if state.events.bookmarks.remove(&sequence) {
        if let Some(at_ms) = at_ms {
            throughput::remove_bookmark(state, at_ms);
        }
        "bookmark removed".to_owned()
    } else {
        state.events.bookmarks.insert(sequence);
        if let Some(at_ms) = at_ms {
            throughput::add(state, at_ms, Incident::Bookmark);
        }
        let [back, export] =
            [Command::NextBookmark, Command::ExportEvents].map(|does| state.key(does));
        format!("bookmark set: {back} returns to it, {export} exports it")
    };
    state.notify(message);
}

/// When an event on the screen was received.
fn received_ms(state: &State, sequence: u64) -> Option<UnixMs> {
    let inspected = state
        .overlays
        .inspector()
        .filter(|i| i.sequence == sequence);
    let inspected = inspected.and_then(|i| i.found.as_ref());
    let mut rows = state.events.page.rows.iter();
    let row = rows.find(|row| row.sequence == sequence);
    row.map(|row| row.received_ms)
        .or_else(|| inspected.map(|found| found.record.received_ms))
}

pub(crate) fn next_bookmark(state: &mut State) -> Vec<Effect> {
    let bookmarks = &state.events.bookmarks;
    let cursor = match state.overlays.inspector() {
        Some(inspector) => Some(inspector.sequence),
        None => state.events.cursor,
    };
    let older = bookmarks.range(..cursor.unwrap_or(u64::MAX)).next_back();
    let Some(sequence) = older.or_else(|| bookmarks.last()).copied() else {
        let message = format!("no bookmark yet: {} sets one", state.key(Command::Bookmark));
        state.notify(message);
        return Vec::new();
    };
    let number = bookmarks.range(sequence..).count();
    let message = format!("bookmark {number} of {}", bookmarks.len());
    state.notify(message);
    go(state, sequence)
}

pub(crate) fn export(state: &mut State, command: Option<Command>) -> Vec<Effect> {
    const FOUND: u8 = 1;
    const SELECTED: u8 = 5;
    let number = match command {
        Some(Command::InPopup(PopupCommand::Choice(number))) => number,
        Some(Command::Back) => return Vec::new(),
        _ => {
            state.popup = Some(Popup::Export);
            return Vec::new();
        }
    };
    let events = match number {
        0 => at(state).map(Events::One),
        FOUND => state.events.find.clone().map(Events::Found),
        2 => Some(Events::FilteredOut),
        3 => Some(Events::Bookmarked(state.events.bookmarks.clone())),
        SELECTED if state.events.selected.is_empty() => {
            let key = state.key(Command::Select);
            let message = format!("no event is selected: {key} in the events selects one");
            state.notify_error(message);
            return Vec::new();
        }
        SELECTED => Some(Events::Selected(state.events.selected.clone())),
        6 => Some(Events::Listed(state.events.list.clone())),
        _ => Some(Events::All),
    };
    match events {
        Some(events) => vec![Effect::ExportEvents(events)],
        None if number == FOUND => {
            let message = format!(
                "no search is active: {} starts one",
                state.key(Command::Find)
            );
            state.notify_error(message);
            Vec::new()
        }
        None => {
            state.notify("no event yet");
            Vec::new()
        }
    }
}
