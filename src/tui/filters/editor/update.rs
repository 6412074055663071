//! Key presses in the rule editor.

use crossterm::event::{KeyCode, KeyEvent};

use crate::tui::action::Effect;
use crate::tui::filters::apply::apply;
use crate::tui::filters::editor::state::RuleEditor;
use crate::tui::filters::state::{Draft, FilterCursor};
use crate::tui::filters::update::edit;
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
    let draft = state.draft.as_ref();
    let mut filters = draft
        .map_or(&*editor.base.filters, |draft| &draft.filters)
        .clone();
    match editor.put_into(&mut filters) {
        Ok(index) => {
            state.filter_cursor = FilterCursor::Rule(index);
            remember(&mut state.conditions, editor.when.value().trim());
            if state.draft.is_none() {
                state.draft = Some(Draft::of(editor.base));
            }
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
