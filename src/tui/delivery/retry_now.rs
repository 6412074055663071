//! The key that asks Customer.io now instead of waiting, and its answer.

use crate::delivery::BreakerState;
use crate::protocol::{Command as PipelineCommand, Snapshot};
use crate::text::{counted, duration};
use crate::tui::action::Effect;
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::delivery::state::AskedRetry;
use crate::tui::frame::notice::Subject;
use crate::tui::state::State;

/// Maximum time that the answer is waited for, in milliseconds: longer than a request may take.
const WAIT_MS: i64 = 60_000;

/// Asks for a retry.
pub(crate) fn ask(state: &mut State) -> Vec<Effect> {
    let (asked, message) = message(&state.snapshot);
    state.notify_about(Subject::Destination, message);
    state.asked_retry = asked.then(|| AskedRetry {
        requests: state.snapshot.totals.requests,
        until_ms: state.snapshot.at_ms + WAIT_MS,
    });
    if asked && let Some(notice) = &mut state.notice {
        notice.until_ms = state.snapshot.at_ms + WAIT_MS;
    }
    vec![Effect::Pipeline(PipelineCommand::Resume)]
}

/// Whether Customer.io is asked, and the first notice.
fn message(snapshot: &Snapshot) -> (bool, String) {
    let delivery = &snapshot.delivery;
    let reason = QueueReason::of(delivery);
    let is_down = matches!(reason, Some(QueueReason::Down | QueueReason::Refused));
    if is_down && delivery.gate_shut {
        return (false, "the gate is not open: nothing is sent".to_owned());
    }
    if is_down && delivery.spool.items == 0 {
        let message = "nothing is queued: Customer.io is asked with the next accepted event";
        return (false, message.to_owned());
    }
    if is_down {
        return (true, "asking Customer.io now…".to_owned());
    }
    let next = delivery
        .next_retry_ms
        .map(|at| duration((at - snapshot.at_ms).max(0)));
    let message = match (delivery.retrying, next) {
        (0, _) | (_, None) => "Customer.io is not down: nothing waits for a retry".to_owned(),
        (retrying, Some(next)) => format!(
            "Customer.io is not down: {} retried by themselves, the next in {next}",
            match retrying {
                1 => "1 item is".to_owned(),
                count => format!("{} are", counted(count, "item")),
            }
        ),
    };
    (false, message)
}

/// Tells the answer to a retry, once the new snapshot has it.
pub(crate) fn on_snapshot(state: &mut State) {
    let Some(asked) = state.asked_retry else {
        return;
    };
    let snapshot = &state.snapshot;
    let has_answer = snapshot.totals.requests > asked.requests;
    let answer = match &snapshot.delivery.breaker {
        BreakerState::Closed => {
            let queued = counted(snapshot.delivery.spool.items, "queued item");
            Some(format!("Customer.io answers again: sending {queued}"))
        }
        BreakerState::Open { why, probe_ms, .. } if has_answer && *probe_ms > snapshot.at_ms => {
            let next = duration(probe_ms - snapshot.at_ms);
            Some(format!("still down: {why}; next try in {next}"))
        }
        BreakerState::Refused { why, .. } if has_answer => Some(format!("still refused: {why}")),
        _ => None,
    };
    let is_over = snapshot.at_ms > asked.until_ms;
    if let Some(answer) = answer {
        state.notify_about(Subject::Destination, answer);
        state.asked_retry = None;
    } else if is_over {
        state.asked_retry = None;
    }
}
