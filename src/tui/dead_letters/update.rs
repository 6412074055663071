//! Navigation in the dead letters, and the commands to retry, export and discard them.

use std::collections::BTreeSet;

use crate::delivery::spool::dead_letters::{DeadLetter, DeadLetterGroup, DeadLetterSelection};
use crate::protocol::Command as PipelineCommand;
use crate::tui::action::Effect;
use crate::tui::dead_letters::query::{previewed_group, row};
use crate::tui::dead_letters::state::{DeadLetters, NewestOfGroup, OpenedGroup};
use crate::tui::frame::popup::{Confirm, Popup};
use crate::tui::state::State;
use crate::tui::widget::json;
use crate::tui::widget::json::FOLDED_OVER;
use crate::tui::widget::list::stepped;

/// The group under the cursor, and its number of dead letters.
fn group(state: &State) -> Option<(DeadLetterGroup, u64)> {
    row(state).map(|row| (row.group.clone(), row.count))
}

/// The selection of a command: the dead letter under the cursor, or the group; and its number.
fn chosen(state: &State) -> Option<(DeadLetterSelection, u64)> {
    match &state.overlays.dead_letters()?.opened {
        Some(opened) if opened.selected.is_empty() || opened.line.is_some() => {
            Some((DeadLetterSelection::One(opened.at_cursor()?.number), 1))
        }
        Some(opened) => {
            let numbers: Vec<i64> = opened.selected.iter().copied().collect();
            let count = numbers.len() as u64;
            Some((DeadLetterSelection::Several(numbers), count))
        }
        None => group(state).map(|(group, count)| (DeadLetterSelection::Group(group), count)),
    }
}

/// Moves the cursor among `groups` groups, in the open group, or in the open document.
pub(crate) fn move_cursor(dead_letters: &mut DeadLetters, by: i64, groups: usize) {
    let last = groups.saturating_sub(1);
    let Some(opened) = &mut dead_letters.opened else {
        dead_letters.row = stepped(dead_letters.row.min(last), by, last);
        return;
    };
    match opened.line {
        Some(line) => {
            let last = document(opened).len().saturating_sub(1);
            opened.line = Some(stepped(line, by, last));
        }
        None => {
            let count = opened.dead_letters.as_ref().map_or(0, Vec::len);
            opened.cursor = stepped(opened.cursor, by, count.saturating_sub(1));
            fold_long(opened);
        }
    }
}

/// Selects the dead letter under the cursor, or takes it out of the selection, and moves to the next.
pub(crate) fn select(state: &mut State) {
    let groups = state.snapshot.dead_letters.len();
    let Some(open) = state.overlays.dead_letters_mut() else {
        return;
    };
    let group = open.opened.as_mut().filter(|opened| opened.line.is_none());
    let Some(group) = group else {
        state.notify("open a group first, with Enter: its dead letters can be selected");
        return;
    };
    let Some(number) = group.at_cursor().map(|dead_letter| dead_letter.number) else {
        return;
    };
    if !group.selected.remove(&number) {
        group.selected.insert(number);
    }
    move_cursor(open, 1, groups);
}

/// Opens the group under the cursor, or the dead letter in it.
pub(crate) fn open(state: &mut State) -> Vec<Effect> {
    let group = group(state);
    let Some(dead_letters) = state.overlays.dead_letters_mut() else {
        return Vec::new();
    };
    if let Some(opened) = &mut dead_letters.opened {
        if opened.at_cursor().is_some() {
            opened.line.get_or_insert(0);
        }
        return Vec::new();
    }
    let Some((group, _)) = group else {
        return Vec::new();
    };
    dead_letters.opened = Some(OpenedGroup {
        group: group.clone(),
        dead_letters: None,
        cursor: 0,
        selected: BTreeSet::new(),
        line: None,
        folded: BTreeSet::new(),
    });
    vec![Effect::DeadLetters(DeadLetterSelection::Group(group))]
}

pub(crate) fn back(state: &mut State) {
    let Some(dead_letters) = state.overlays.dead_letters_mut() else {
        return;
    };
    match &mut dead_letters.opened {
        Some(OpenedGroup { line, .. }) if line.is_some() => *line = None,
        Some(OpenedGroup { selected, .. }) if !selected.is_empty() => selected.clear(),
        Some(_) => dead_letters.opened = None,
        None => _ = state.overlays.pop(),
    }
}

pub(crate) fn found(state: &mut State, found: Result<Vec<DeadLetter>, String>) {
    let opened = state
        .overlays
        .dead_letters_mut()
        .and_then(|l| l.opened.as_mut());
    match (found, opened) {
        (Ok(found), Some(opened)) => {
            // Another group was opened in the meantime. Its dead letters follow.
            if found
                .iter()
                .any(|dead_letter| !is_of(dead_letter, &opened.group))
            {
                return;
            }
            if found.is_empty() {
                if let Some(dead_letters) = state.overlays.dead_letters_mut() {
                    dead_letters.opened = None;
                }
                return;
            }
            opened.cursor = opened.cursor.min(found.len() - 1);
            let is_here = |number: &i64| found.iter().any(|found| found.number == *number);
            opened.selected.retain(is_here);
            opened.dead_letters = Some(found);
            fold_long(opened);
        }
        (Ok(_), None) => {}
        (Err(why), _) => state.notify_error(why),
    }
}

/// Takes over the newest dead letter of a group, if the cursor is still on it.
pub(crate) fn newest_found(
    state: &mut State,
    group: DeadLetterGroup,
    found: Result<Option<DeadLetter>, String>,
) {
    if previewed_group(state) != Some(&group) {
        return;
    }
    let dead_letter = match found {
        Ok(dead_letter) => dead_letter,
        Err(why) => return state.notify_error(why),
    };
    let body = dead_letter.as_ref().map(body).unwrap_or_default();
    if let Some(dead_letters) = state.overlays.dead_letters_mut() {
        dead_letters.newest = Some(Box::new(NewestOfGroup {
            group,
            dead_letter,
            folded: json::long_ones(&body, FOLDED_OVER),
        }));
    }
}

fn is_of(dead_letter: &DeadLetter, group: &DeadLetterGroup) -> bool {
    dead_letter.why == group.why
        && dead_letter.reason == group.reason
        && dead_letter.field == group.field
        && *dead_letter.accepted.event_type == *group.event_type
}

/// Loads the open group again after a command.
pub(crate) fn look_again(state: &mut State) -> Vec<Effect> {
    match state
        .overlays
        .dead_letters()
        .and_then(|l| l.opened.as_ref())
    {
        Some(opened) => vec![Effect::DeadLetters(DeadLetterSelection::Group(
            opened.group.clone(),
        ))],
        None => Vec::new(),
    }
}

pub(crate) fn retry(state: &mut State) -> Vec<Effect> {
    ask_retry(state, chosen(state))
}

pub(crate) fn retry_reason(state: &mut State) -> Vec<Effect> {
    let reason = group(state).map(|(group, _)| group.reason);
    let chosen = reason.map(|reason| {
        let rows = state.snapshot.dead_letters.iter();
        let count = rows
            .filter(|row| row.group.reason == reason)
            .map(|row| row.count);
        let count = count.sum();
        (DeadLetterSelection::Reason(reason), count)
    });
    ask_retry(state, chosen)
}

/// Retries one dead letter at once. Asks before retrying more: people can get messages because of
/// them.
pub(crate) fn ask_retry(
    state: &mut State,
    chosen: Option<(DeadLetterSelection, u64)>,
) -> Vec<Effect> {
    match chosen {
        None => nothing(state),
        Some((which, 1)) => vec![Effect::Pipeline(PipelineCommand::RetryDeadLetters(which))],
        Some((which, count)) => {
            state.popup = Some(Popup::Confirm(Confirm::RetryDeadLetters(which, count)));
            Vec::new()
        }
    }
}

pub(crate) fn export(state: &mut State) -> Vec<Effect> {
    match chosen(state) {
        None => nothing(state),
        Some((which, _)) => vec![Effect::ExportDeadLetters(which)],
    }
}

pub(crate) fn discard(state: &mut State) {
    match chosen(state) {
        None => _ = nothing(state),
        Some((which, count)) => {
            state.popup = Some(Popup::Confirm(Confirm::DiscardDeadLetters(which, count)));
        }
    }
}

fn nothing(state: &mut State) -> Vec<Effect> {
    state.notify("no dead letter here");
    Vec::new()
}

fn body(dead_letter: &DeadLetter) -> String {
    String::from_utf8_lossy(&dead_letter.accepted.item.body).into_owned()
}

fn document(opened: &OpenedGroup) -> Vec<json::JsonLine> {
    let body = opened.at_cursor().map(body).unwrap_or_default();
    json::lines(&body, &opened.folded)
}

fn fold_long(opened: &mut OpenedGroup) {
    let body = opened.at_cursor().map(body).unwrap_or_default();
    opened.folded = json::long_ones(&body, FOLDED_OVER);
}

pub(crate) fn fold(state: &mut State) {
    let opened = state
        .overlays
        .dead_letters_mut()
        .and_then(|l| l.opened.as_mut());
    if let Some(opened) = opened
        && let Some(line) = opened.line
    {
        let lines = document(opened);
        if let Some(path) = json::path_to_fold(&lines, line) {
            if !opened.folded.remove(&path) {
                opened.folded.insert(path.clone());
            }
            let lines = document(opened);
            opened.line = lines.iter().position(|l| l.path == path).or(Some(0));
        }
    }
}
