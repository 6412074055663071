//! Undo and redo: of the steps of a draft, of its discarding, and of applied changes.

use crate::filter::Filters;
use crate::filter::change::{changes, summary};
use crate::tui::action::Effect;
use crate::tui::filters::apply::{is_waiting, step};
use crate::tui::filters::history::log::{ChangeCause, Observed};
use crate::tui::filters::state::{ClosedDraft, Draft};
use crate::tui::input::keymap::Command;
use crate::tui::state::State;

/// Discards the draft. Undo brings it back.
pub(crate) fn discard_draft(state: &mut State) {
    if let Some(draft) = state.draft.take() {
        state.preview = None;
        let undo = state.key(Command::Undo);
        let message = format!("draft discarded ({undo} brings it back)");
        state.report(Ok(message));
        state.closed_draft = Some(ClosedDraft::Discarded(draft));
    }
}

/// Undoes the last step: of the draft if one is open, else the discarding of a draft, else the last
/// applied change.
pub(crate) fn undo(state: &mut State) -> Vec<Effect> {
    if let Some(draft) = state.draft.take() {
        undo_in_draft(state, draft);
        return Vec::new();
    }
    if let Some(ClosedDraft::Discarded(draft)) = state
        .closed_draft
        .take_if(|c| matches!(c, ClosedDraft::Discarded(_)))
    {
        let message = summary(&state.changes(&draft.base.filters, &draft.filters));
        state.draft = Some(draft);
        state.report(Ok(format!("draft is back: {message}")));
        return Vec::new();
    }
    if is_waiting(state) {
        return Vec::new();
    }
    let now = Observed::of(&state.snapshot);
    match state.history.undo(&state.filters, &now) {
        Some(before) => step(state, before, ChangeCause::Undone),
        None => {
            state.notify("nothing to undo");
            Vec::new()
        }
    }
}

/// Redoes the last undone step: of the draft, or else of the applied changes.
pub(crate) fn redo(state: &mut State) -> Vec<Effect> {
    let undone = match (state.draft.take(), state.closed_draft.take()) {
        (Some(draft), _) | (None, Some(ClosedDraft::Undone(draft))) => Some(draft),
        (None, closed) => {
            state.closed_draft = closed;
            None
        }
    };
    if let Some(draft) = undone {
        redo_in_draft(state, draft);
        return Vec::new();
    }
    if is_waiting(state) {
        return Vec::new();
    }
    let now = Observed::of(&state.snapshot);
    match state.history.redo(&state.filters, &now) {
        Some(again) => step(state, again, ChangeCause::Redone),
        None => {
            state.notify("nothing to redo");
            Vec::new()
        }
    }
}

fn undo_in_draft(state: &mut State, mut draft: Draft) {
    let before = draft.steps.pop();
    let before = before.unwrap_or_else(|| Filters::clone(&draft.base.filters));
    let message = summary(&state.changes(&draft.filters, &before));
    let after = std::mem::replace(&mut draft.filters, before);
    draft.undone.push(after);
    if changes(&draft.base.filters, &draft.filters).is_empty() {
        state.preview = None;
        state.closed_draft = Some(ClosedDraft::Undone(draft));
        state.report(Ok(format!(
            "Undone in the draft: {message}; no draft is left"
        )));
    } else {
        state.draft = Some(draft);
        state.report(Ok(format!("Undone in the draft: {message}")));
    }
}

fn redo_in_draft(state: &mut State, mut draft: Draft) {
    match draft.undone.pop() {
        Some(again) => {
            let message = summary(&state.changes(&draft.filters, &again));
            draft
                .steps
                .push(std::mem::replace(&mut draft.filters, again));
            state.report(Ok(format!("Redone in the draft: {message}")));
        }
        None => state.notify("nothing to redo in the draft"),
    }
    state.draft = Some(draft);
}
