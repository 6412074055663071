//! Retrying the dead letter of an event.

use crate::delivery::spool::dead_letters::{DeadLetter, DeadLetterSelection};
use crate::protocol::Outcome;
use crate::tui::action::Effect;
use crate::tui::dead_letters::update::ask_retry;
use crate::tui::events::current::at;
use crate::tui::events::outcome::outcome_of;
use crate::tui::input::keymap::Command;
use crate::tui::inspector::query::Inspected;
use crate::tui::person::query::Identity;
use crate::tui::row::retried_event::RetriedEvent;
use crate::tui::state::State;

/// Looks for the dead letters of the event, if it has become one.
pub(crate) fn look_up(state: &mut State, found: &Inspected) -> Vec<Effect> {
    let record = &found.record;
    let is_dead_letter = matches!(record.story.outcome, Outcome::Undelivered { .. });
    let person = record.event().and_then(Identity::of);
    match (person, found.id) {
        (Some(person), Some(id)) if is_dead_letter => {
            vec![Effect::FindDeadLetters(RetriedEvent {
                person: person.id().to_owned(),
                id,
                received_ms: record.received_ms,
            })]
        }
        _ => {
            let (_, _, outcome) = outcome_of(record, None);
            state.notify(format!("no dead letter to retry: {outcome}"));
            Vec::new()
        }
    }
}

/// Retries the dead letters of the event, as in the list of dead letters.
pub(crate) fn found(state: &mut State, found: Result<Vec<DeadLetter>, String>) -> Vec<Effect> {
    let letters = match found {
        Ok(letters) => letters,
        Err(why) => {
            state.notify_error(why);
            return Vec::new();
        }
    };
    if !letters.is_empty() && letters.iter().all(|letter| letter.again) {
        state.notify("it is marked already, and will be retried");
        return Vec::new();
    }
    let numbers: Vec<i64> = letters.iter().map(|letter| letter.number).collect();
    match numbers[..] {
        [] => {
            let list = state.key(Command::DeadLetters);
            let message = format!(
                "its dead letter is gone: it was retried or discarded ({list} lists what is left)"
            );
            state.notify(message);
            Vec::new()
        }
        [number] => ask_retry(state, Some((DeadLetterSelection::One(number), 1))),
        _ => {
            let count = numbers.len() as u64;
            ask_retry(state, Some((DeadLetterSelection::Several(numbers), count)))
        }
    }
}

/// Whether the current event has become a dead letter.
pub(crate) fn can_retry(state: &State) -> bool {
    if let Some(found) = state.overlays.inspector().and_then(|i| i.found.as_ref()) {
        return matches!(found.record.story.outcome, Outcome::Undelivered { .. });
    }
    let Some(sequence) = at(state) else {
        return false;
    };
    let mut rows = state.events.page.rows.iter();
    rows.any(|row| row.sequence == sequence && row.is_dead_letter)
}
