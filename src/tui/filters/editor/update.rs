//! Key presses in the rule editor.

use crossterm::event::{KeyCode, KeyEvent};

use crate::tui::action::Effect;
use crate::tui::filters::editor::state::RuleEditor;
use crate::tui::filters::state::FilterCursor;
use crate::tui::filters::update::{apply, edit};
use crate::tui::frame::popup::Popup;
use crate::tui::state::State;
use crate::tui::widget::condition_input::remember;

pub(crate) fn type_rule(
    state: &mut State,
    mut editor: Box<RuleEditor>,
    key: KeyEvent,
) -> Vec<Effect> {
    match key.code {
        KeyCode::Esc => return Vec::new(),
        KeyCode::Enter => return finish_rule(state, editor),
        _ => editor.type_key(key, &state.catalog, &state.conditions),
    }
    state.popup = Some(Popup::Rule(editor));
    Vec::new()
}

/// Applies the rule together with the draft, since the preview showed both. A rule with an error
/// stays in the editor.
pub(crate) fn finish_rule(state: &mut State, mut editor: Box<RuleEditor>) -> Vec<Effect> {
    let mut filters = state.edited().clone();
    match editor.put_into(&mut filters) {
        Ok(index) => {
            state.filter_cursor = FilterCursor::Rule(index);
            remember(&mut state.conditions, editor.when.value().trim());
            edit(state, |draft| *draft = filters);
            apply(state)
        }
        Err(refusal) => {
            editor.field = refusal.field;
            state.notify_error(refusal.why);
            state.popup = Some(Popup::Rule(editor));
            Vec::new()
        }
    }
}
