//! Key presses in popups.

use crossterm::event::{KeyCode, KeyEvent};

use crate::protocol::Command as PipelineCommand;
use crate::tui::action::Effect;
use crate::tui::copy::update as copy;
use crate::tui::delivery::retry_now;
use crate::tui::delivery::update::drain;
use crate::tui::events::find_prompt::type_find;
use crate::tui::events::jump;
use crate::tui::filters::editor::update::type_rule;
use crate::tui::filters::for_time;
use crate::tui::filters::history::update::type_history;
use crate::tui::filters::presets::update as presets;
use crate::tui::frame::popup::{Confirm, Popup};
use crate::tui::input::palette::update as palette;
use crate::tui::state::State;
use crate::tui::watches::update as watches;
use crate::tui::widget::list::scrolled;

pub(crate) fn type_into_popup(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    let Some(popup) = state.popup.take() else {
        return Vec::new();
    };
    match popup {
        Popup::Help(scroll) => {
            state.popup = scrolled(scroll, key.code).map(Popup::Help);
            Vec::new()
        }
        Popup::Confirm(confirm) => match key.code {
            KeyCode::Char('y') => confirmed(state, confirm),
            KeyCode::Char('n' | 'q') | KeyCode::Esc => Vec::new(),
            _ => {
                state.popup = Some(Popup::Confirm(confirm));
                Vec::new()
            }
        },
        Popup::Find(input) => type_find(state, input, key),
        Popup::Palette(palette) => palette::type_key(state, palette, key),
        Popup::Rule(editor) => type_rule(state, editor, key),
        Popup::History(scroll) => type_history(state, scroll, key),
        Popup::ForTime(input) => for_time::type_time(state, input, key),
        Popup::Copy => copy::chosen(state, key.code),
        Popup::GoTo(input) => jump::type_time(state, input, key),
        Popup::Export => jump::export(state, key.code),
        Popup::Watches(list) => watches::type_key(state, list, key),
        Popup::Presets(open) => presets::type_key(state, open, key),
    }
}

pub(crate) fn confirmed(state: &mut State, confirm: Confirm) -> Vec<Effect> {
    match confirm {
        Confirm::Gate(mode) => vec![Effect::Pipeline(PipelineCommand::SetGate(mode))],
        Confirm::Resume => retry_now::ask(state),
        Confirm::Quit => drain(state),
        Confirm::RetryDeadLetters(which, _) => {
            vec![Effect::Pipeline(PipelineCommand::RetryDeadLetters(which))]
        }
        Confirm::DiscardDeadLetters(which, _) => {
            vec![Effect::Pipeline(PipelineCommand::DiscardDeadLetters(which))]
        }
    }
}
