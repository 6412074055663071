//! Applying a draft for a time only.

use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::tui::action::Effect;
use crate::tui::filters::update::apply_for;
use crate::tui::frame::popup::Popup;
use crate::tui::state::State;

/// For how long the draft is put in force.
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
                let says = "write 15min, 2h or 1day, and a week at the most";
                state.refuse(says);
            }
        },
        _ => {
            input.handle_event(&TerminalEvent::Key(key));
            state.message = None;
        }
    }
    state.popup = Some(Popup::ForTime(input));
    Vec::new()
}
