//! The prompt for a temporary change of the filters.

use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::tui::action::Effect;
use crate::tui::filters::apply::apply_for;
use crate::tui::frame::popup::Popup;
use crate::tui::state::State;

/// Handles a key in the prompt for the duration.
pub(crate) fn type_time(state: &mut State, mut input: Input, key: KeyEvent) -> Vec<Effect> {
    const MOST: Duration = Duration::from_secs(7 * 86_400);
    match key.code {
        KeyCode::Esc => return Vec::new(),
        KeyCode::Enter => match humantime::parse_duration(input.value().trim()) {
            Ok(time) if !time.is_zero() && time <= MOST => {
                let ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
                return apply_for(state, ms);
            }
            _ => {
                let message = "write a duration such as 15min, 2h or 1day; at most a week";
                state.notify_error(message);
            }
        },
        _ => {
            input.handle_event(&TerminalEvent::Key(key));
            state.notice = None;
        }
    }
    state.popup = Some(Popup::ForTime(input));
    Vec::new()
}
