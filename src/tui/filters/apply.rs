//! Putting filters in force: for good or for a time. The screen shows them at once; a change that the
//! forwarder refuses is taken back, and its draft is open again.

use std::sync::Arc;

use crate::filter::Filters;
use crate::filter::change::{changes, revert, summary};
use crate::protocol::{Command as PipelineCommand, FiltersConflict, VersionedFilters};
use crate::text::duration;
use crate::tui::action::{CommandFailure, Effect};
use crate::tui::filters::conflict::state::Conflict;
use crate::tui::filters::history::log::{ChangeCause, Observed};
use crate::tui::filters::state::{Draft, TemporaryChange, UnconfirmedChange};
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::Command;
use crate::tui::state::State;

/// Applies the draft.
pub(crate) fn apply(state: &mut State) -> Vec<Effect> {
    if is_waiting(state) {
        return Vec::new();
    }
    let Some(draft) = state.draft.take() else {
        state.notify("no draft to apply");
        return Vec::new();
    };
    let before = state.versioned_filters();
    let (base, filters) = (draft.base.version, draft.filters.clone());
    let message = summary(&state.changes(&before.filters, &filters));
    let undo = state.key(Command::Undo);
    let notice = format!("Applied: {message} ({undo} to undo)");
    let now = Observed::of(&state.snapshot);
    let old = Filters::clone(&before.filters);
    state
        .history
        .change(old, &filters, ChangeCause::Applied, &now);
    let change = UnconfirmedChange {
        draft: Some(draft),
        ..UnconfirmedChange::of(before, ChangeCause::Applied, notice)
    };
    put_in_force(state, change, (base, filters))
}

/// Applies the draft for this number of milliseconds, then undoes it.
pub(crate) fn apply_for(state: &mut State, ms: i64) -> Vec<Effect> {
    if is_waiting(state) {
        return Vec::new();
    }
    // A temporary change that is still active ends together with this one.
    let temporary = state.temporary_change.take();
    let before = match &temporary {
        Some(armed) => revert(&state.filters, &armed.before, &armed.after),
        None => state.filters.clone(),
    };
    let effects = apply(state);
    let message = summary(&state.changes(&before, &state.filters));
    let Some(change) = &mut state.unconfirmed else {
        state.temporary_change = temporary;
        return effects;
    };
    change.notice = format!("Applied for {}: {message}", duration(ms));
    change.temporary = temporary;
    change.for_ms = Some(ms);
    state.temporary_change = Some(TemporaryChange {
        before,
        after: state.filters.clone(),
        until_ms: state.snapshot.at_ms.saturating_add(ms),
    });
    effects
}

/// Undoes a temporary change at its end. Later changes stay.
pub(crate) fn end_temporary_change(state: &mut State) -> Vec<Effect> {
    if state.unconfirmed.is_some() {
        return Vec::new();
    }
    let now = state.snapshot.at_ms;
    let over = |armed: &mut TemporaryChange| armed.until_ms <= now;
    let Some(armed) = state.temporary_change.take_if(over) else {
        return Vec::new();
    };
    let back = revert(&state.filters, &armed.before, &armed.after);
    let message = state.changes(&state.filters, &back);
    if message.is_empty() {
        return Vec::new();
    }
    let before = state.versioned_filters();
    let base = before.version;
    let now = Observed::of(&state.snapshot);
    let old = Filters::clone(&before.filters);
    state
        .history
        .change(old, &back, ChangeCause::TimeOver, &now);
    let notice = format!("time is over: {}", summary(&message));
    let change = UnconfirmedChange {
        temporary: Some(armed),
        ..UnconfirmedChange::of(before, ChangeCause::TimeOver, notice)
    };
    put_in_force(state, change, (base, back))
}

/// Puts other filters in force, which the history has already: a change undone, or redone.
pub(crate) fn step(state: &mut State, filters: Filters, cause: ChangeCause) -> Vec<Effect> {
    let how = match cause {
        ChangeCause::Redone => "Redone",
        _ => "Undone",
    };
    let message = summary(&state.changes(&state.filters, &filters));
    let before = state.versioned_filters();
    let base = before.version;
    let notice = format!("{how}: {message}");
    let change = UnconfirmedChange::of(before, cause, notice);
    put_in_force(state, change, (base, filters))
}

impl UnconfirmedChange {
    fn of(before: VersionedFilters, cause: ChangeCause, notice: String) -> Self {
        Self {
            before,
            cause,
            draft: None,
            temporary: None,
            for_ms: None,
            notice,
        }
    }
}

/// Whether a change is not confirmed yet, so that the next one would be made from filters that may
/// never come. Says so.
pub(crate) fn is_waiting(state: &mut State) -> bool {
    let is_waiting = state.unconfirmed.is_some();
    if is_waiting {
        state.notify("the last change of the filters is not confirmed yet: try again in a moment");
    }
    is_waiting
}

fn put_in_force(
    state: &mut State,
    mut change: UnconfirmedChange,
    (base, filters): (u64, Filters),
) -> Vec<Effect> {
    state.preview = None;
    state.closed_draft = None;
    if change.temporary.is_none() {
        change.temporary.clone_from(&state.temporary_change);
    }
    state.unconfirmed = Some(change);
    state.filters = filters.clone();
    // The version that it makes, if it is not refused.
    state.filters_version = base + 1;
    let base = Some(base);
    vec![Effect::Pipeline(PipelineCommand::SetFilters {
        base,
        filters,
    })]
}

/// The forwarder has made the change.
pub(crate) fn confirmed(state: &mut State, version: u64) {
    let Some(change) = state.unconfirmed.take() else {
        return;
    };
    // A draft that was opened meanwhile.
    if let Some(draft) = &mut state.draft
        && draft.base.version == state.filters_version
    {
        draft.base.version = version;
    }
    state.filters_version = version;
    state.report(Ok(change.notice));
    take_newer(state);
}

/// The forwarder has refused the change: the filters are what they were, or what somebody else has made
/// of them, and the draft is open again.
pub(crate) fn refused(state: &mut State, failure: CommandFailure) {
    let Some(change) = state.unconfirmed.take() else {
        state.report(Err(failure.to_string()));
        return;
    };
    state.history.withdraw(change.cause);
    state.temporary_change = change.temporary;
    let is_of_draft = change.draft.is_some();
    state.draft = reopened(change.draft, state.draft.take(), &change.before);
    state.filters = Arc::unwrap_or_clone(change.before.filters);
    state.filters_version = change.before.version;
    let CommandFailure::Conflict(conflict) = failure else {
        take_newer(state);
        state.report(Err(failure.to_string()));
        return;
    };
    let shown = conflict.to_string();
    let FiltersConflict {
        version,
        filters,
        changes,
    } = *conflict;
    let by = changes.last().map(|change| change.author.name.clone());
    take_over(state, &VersionedFilters { version, filters }, by);
    if is_of_draft {
        state.notice = None;
        let for_ms = change.for_ms;
        state.popup = Some(Popup::Conflict(Conflict { changes, for_ms }));
        return;
    }
    let next = match change.cause {
        ChangeCause::TimeOver => "the temporary change ends in a moment",
        _ => "try again: only your own change is taken back",
    };
    state.report(Err(format!("{shown}; {next}")));
}

/// The draft of a refused change, with what was changed in a draft after it.
fn reopened(
    refused: Option<Draft>,
    newer: Option<Draft>,
    before: &VersionedFilters,
) -> Option<Draft> {
    match (refused, newer) {
        (Some(mut refused), Some(newer)) => {
            // The first of these steps is what was refused.
            refused.steps.extend(newer.steps);
            Some(Draft {
                base: refused.base,
                steps: refused.steps,
                ..newer
            })
        }
        (None, Some(newer)) => Some(Draft {
            base: before.clone(),
            ..newer
        }),
        (refused, None) => refused,
    }
}

/// Takes the filters of the snapshot as those in force if they are newer. A draft stays what it is.
pub(crate) fn take_newer(state: &mut State) {
    if state.unconfirmed.is_some() || state.snapshot.filters_version <= state.filters_version {
        return;
    }
    take_snapshots(state);
}

/// Takes the filters of another run of the forwarder, whose versions begin again.
pub(crate) fn take_other_run(state: &mut State) {
    take_snapshots(state);
    if let Some(draft) = &mut state.draft {
        let is_same = changes(&draft.base.filters, &state.filters).is_empty();
        // No filters have version 0: the draft is of others.
        draft.base.version = if is_same { state.filters_version } else { 0 };
    }
}

fn take_snapshots(state: &mut State) {
    let snapshot = state.snapshot.clone();
    let last = snapshot.last_change.as_ref();
    let by = last.filter(|change| change.is_of_filters());
    let new = VersionedFilters {
        version: snapshot.filters_version,
        filters: snapshot.filters.clone(),
    };
    if let (Some(Popup::Conflict(open)), Some(change)) = (&mut state.popup, by) {
        open.changes.push(change.clone());
    }
    take_over(state, &new, by.map(|change| change.author.name.clone()));
}

/// Takes filters that somebody else has put in force.
fn take_over(state: &mut State, new: &VersionedFilters, by: Option<String>) {
    state.filters_version = new.version;
    if changes(&state.filters, &new.filters).is_empty() {
        return;
    }
    let before = std::mem::replace(&mut state.filters, Filters::clone(&new.filters));
    let now = Observed::of(&state.snapshot);
    state
        .history
        .change_of_other(&before, &state.filters, by, &now);
}

/// Takes over the filters of a configuration that was reloaded from this screen.
pub(crate) fn read(state: &mut State, new: &VersionedFilters) {
    // What is not confirmed yet is refused, as these filters came before it.
    if state.unconfirmed.is_some() || new.version <= state.filters_version {
        return;
    }
    state.filters_version = new.version;
    if changes(&state.filters, &new.filters).is_empty() {
        return;
    }
    state.closed_draft = None;
    let before = std::mem::replace(&mut state.filters, Filters::clone(&new.filters));
    let now = Observed::of(&state.snapshot);
    state
        .history
        .change(before, &state.filters, ChangeCause::Read, &now);
}
