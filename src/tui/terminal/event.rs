//! Translates events of the terminal.

use std::io;

use crossterm::event::{Event as TerminalEvent, MouseEventKind};

use crate::tui::action::Action;

/// The action for an event of the terminal. None if it has no meaning.
pub(crate) fn terminal_action(event: Option<io::Result<TerminalEvent>>) -> Option<Action> {
    match event {
        Some(Ok(TerminalEvent::Key(key))) => Some(Action::Key(key)),
        // Mouse moves have no meaning.
        Some(Ok(TerminalEvent::Mouse(event))) => {
            (event.kind != MouseEventKind::Moved).then_some(Action::Mouse(event))
        }
        Some(Ok(TerminalEvent::Paste(text))) => Some(Action::Paste(text)),
        Some(Ok(TerminalEvent::Resize(columns, rows))) => Some(Action::Resized(columns, rows)),
        Some(Ok(_)) => None,
        Some(Err(_)) | None => Some(Action::TerminalGone),
    }
}
