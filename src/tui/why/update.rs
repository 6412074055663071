//! Asking, the cursor of the timeline, and the way to its events.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::tui::action::Effect;
use crate::tui::frame::overlays::Overlay;
use crate::tui::frame::popup::Popup;
use crate::tui::state::State;
use crate::tui::why::query::Answer;
use crate::tui::why::state::OpenedWhy;
use crate::tui::widget::list::stepped;

/// Opens the prompt. It begins with the person whose events are open.
pub(crate) fn ask(state: &mut State) {
    let person = state.overlays.person();
    let before = person.map_or("", |person| person.identity.id());
    state.notice = None;
    state.popup = Some(Popup::Why(Input::new(before.to_owned())));
}

pub(crate) fn type_question(state: &mut State, mut input: Input, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Esc => return Vec::new(),
        KeyCode::Enter if !input.value().trim().is_empty() => {
            let asked = input.value().trim().to_owned();
            state.overlays.push(Overlay::Why(OpenedWhy {
                asked,
                answer: None,
                cursor: None,
            }));
            return Vec::new();
        }
        KeyCode::Enter => state.notify_error("write an ID, an e-mail address or an event's name"),
        _ => {
            input.handle_event(&TerminalEvent::Key(key));
            state.notice = None;
        }
    }
    state.popup = Some(Popup::Why(input));
    Vec::new()
}

/// Takes over an answer, if it is to the open question.
pub(crate) fn answered(state: &mut State, asked: &str, answer: Answer) {
    if let Some(open) = state.overlays.why_mut()
        && open.asked == asked
    {
        open.answer = Some(Box::new(answer));
    }
}

pub(crate) fn move_cursor(open: &mut OpenedWhy, by: i64) {
    let Some(answer) = &open.answer else { return };
    let last = answer.timeline.len().saturating_sub(1);
    let row = stepped(open.row(), by, last);
    open.cursor = answer.timeline.get(row).map(|record| record.sequence);
}
