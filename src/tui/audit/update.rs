//! Starting and stopping an audit, its answers, and the cursor over hours and events.

use ulid::Ulid;

use crate::text::{counted, grouped};
use crate::tui::action::Effect;
use crate::tui::audit::state::{Course, Finding, OpenedAudit};
use crate::tui::detail::update as detail;
use crate::tui::frame::focus::OverlayKind;
use crate::tui::frame::overlays::Overlay;
use crate::tui::input::keymap::Command;
use crate::tui::state::State;
use crate::tui::widget::list::stepped;

/// Hours that up and down move by.
const DAY_HOURS: i64 = 24;

/// Opens the view. Starts an audit if none was made, or if the view is open already.
pub(crate) fn open(state: &mut State) -> Vec<Effect> {
    let is_open = state.overlays.top_kind() == Some(OverlayKind::Audit);
    if !is_open {
        state.overlays.push(Overlay::Audit(OpenedAudit::default()));
    }
    match state.audit.course {
        Course::Reading(..) => Vec::new(),
        Course::Done(_) if !is_open => Vec::new(),
        _ => {
            state.audit.run += 1;
            state.audit.course = Course::Reading(0, 0);
            vec![Effect::Audit(state.audit.run)]
        }
    }
}

/// Stops the audit that is being made.
pub(crate) fn stop(state: &mut State) -> Vec<Effect> {
    if !matches!(state.audit.course, Course::Reading(..)) {
        state.notify("no audit is being made");
        return Vec::new();
    }
    state.audit.run += 1;
    state.audit.course = Course::Stopped;
    vec![Effect::StopAudit]
}

/// Takes over the progress of the run.
pub(crate) fn reads(state: &mut State, run: u64, done: usize, of: usize) {
    if state.audit.run == run
        && let Course::Reading(before, _) = state.audit.course
    {
        // Several threads report.
        state.audit.course = Course::Reading(done.max(before), of);
    }
}

/// Takes over the result of the run. Tells it where the view is not open.
pub(crate) fn audited(state: &mut State, run: u64, found: Result<Box<Finding>, String>) {
    if state.audit.run != run {
        return;
    }
    state.audit.course = match found {
        Ok(found) => Course::Done(found),
        Err(why) => Course::Failed(why),
    };
    if state.overlays.top_kind() == Some(OverlayKind::Audit) {
        return;
    }
    let key = state.key(Command::Audit);
    let message = match &state.audit.course {
        Course::Done(found) => format!(
            "audit: {} missing, {} undelivered ({key} shows it)",
            counted(found.total.missing, "event"),
            grouped(found.total.undelivered())
        ),
        _ => format!("the audit could not be made ({key} says why)"),
    };
    state.notify(message);
}

/// Moves the cursor by hours, or by events of an open hour.
pub(crate) fn move_by(state: &mut State, by: i64) {
    let Course::Done(finding) = &state.audit.course else {
        return;
    };
    let Some(Overlay::Audit(open)) = state.overlays.top_mut() else {
        return;
    };
    if let Some(row) = open.example {
        let last = open.examples(finding).len().saturating_sub(1);
        open.example = Some(stepped(row, by, last));
        return;
    }
    let index = open.index(finding);
    let Some((hour, ..)) = finding.hours.get(index) else {
        return;
    };
    let last = finding.hours.len() - 1;
    // A step of one hour is one to the next hour with events; others go to the hour of that time.
    let wanted = match by.abs() {
        1 => stepped(index, by, last),
        _ => {
            let at = finding.hours.partition_point(|(at, ..)| *at < hour + by);
            at.min(last)
        }
    };
    open.hour = finding.hours.get(wanted).map(|(hour, ..)| *hour);
}

/// Moves up and down: by days, or by events of an open hour.
pub(crate) fn move_cursor(state: &mut State, by: i64) {
    let is_in_hour =
        matches!(state.overlays.top(), Some(Overlay::Audit(open)) if open.example.is_some());
    move_by(state, if is_in_hour { by } else { by * DAY_HOURS });
}

/// Opens the hour under the cursor, or the event under the cursor of an open hour.
pub(crate) fn choose(state: &mut State) -> Vec<Effect> {
    let Course::Done(finding) = &state.audit.course else {
        return Vec::new();
    };
    let Some(Overlay::Audit(open)) = state.overlays.top_mut() else {
        return Vec::new();
    };
    let examples = open.examples(finding);
    match open.example.and_then(|row| examples.get(row)) {
        Some(example) => vec![Effect::FindAudited(example.id)],
        None if examples.is_empty() => {
            state.notify("every event of this hour arrived, or was not to be sent");
            Vec::new()
        }
        None => {
            open.example = Some(0);
            Vec::new()
        }
    }
}

/// Opens the event in the inspector, if it is still in memory. Otherwise tells what the ledger knows.
pub(crate) fn found(state: &mut State, id: Ulid, sequence: Option<u64>) -> Vec<Effect> {
    if let Some(sequence) = sequence {
        state.overlays.close(OverlayKind::Inspector);
        return detail::open(state, sequence);
    }
    let Course::Done(finding) = &state.audit.course else {
        return Vec::new();
    };
    let mut examples = finding.hours.iter().flat_map(|(_, it)| &it.examples);
    if let Some(example) = examples.find(|example| example.id == id) {
        let message = format!(
            "not among the recent events; the ledger says: {}, {}",
            example.kind.name(),
            example.cause
        );
        state.notify(message);
    }
    Vec::new()
}

/// Leaves the open hour, or the view.
pub(crate) fn back(state: &mut State) {
    match state.overlays.top_mut() {
        Some(Overlay::Audit(open)) if open.example.is_some() => open.example = None,
        _ => {
            state.overlays.close(OverlayKind::Audit);
        }
    }
}
