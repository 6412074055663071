//! A dead letter as JSON.

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::customerio::{Item, Route};
use crate::delivery::spool::dead_letters::DeadLetter;
use crate::delivery::{Accepted, History, Part, Undelivered};

/// A dead letter.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireLetter {
    number: i64,
    at_ms: UnixMs,
    why: Undelivered,
    reason: String,
    field: String,
    answer: String,
    message: String,
    history: History,
    again: bool,
    /// As text: a number of 128 bits is none of JSON.
    id: String,
    person: u64,
    route: Route,
    body: String,
    sequence: u64,
    part: Part,
    event_type: String,
    happened_ms: UnixMs,
    received_ms: UnixMs,
}

impl WireLetter {
    pub(super) fn of(letter: DeadLetter) -> Self {
        let Accepted {
            item,
            sequence,
            part,
            event_type,
            happened_ms,
            received_ms,
            origin: _,
        } = letter.accepted;
        Self {
            number: letter.number,
            at_ms: letter.at_ms,
            why: letter.why,
            reason: letter.reason,
            field: letter.field,
            answer: letter.answer,
            message: letter.message,
            history: letter.history,
            again: letter.again,
            id: item.id.to_string(),
            person: item.person,
            route: item.route,
            body: String::from_utf8_lossy(&item.body).into_owned(),
            sequence,
            part,
            event_type: event_type.as_ref().to_owned(),
            happened_ms,
            received_ms,
        }
    }

    pub(super) fn into_letter(self) -> DeadLetter {
        let item = Item {
            // One that can't be read is shown as the first of all.
            id: self.id.parse().unwrap_or_default(),
            person: self.person,
            route: self.route,
            body: self.body.into(),
        };
        DeadLetter {
            number: self.number,
            at_ms: self.at_ms,
            why: self.why,
            reason: self.reason,
            field: self.field,
            answer: self.answer,
            message: self.message,
            history: self.history,
            again: self.again,
            accepted: Accepted {
                item,
                // The events of another process have other numbers here.
                sequence: 0,
                part: self.part,
                event_type: self.event_type.into(),
                happened_ms: self.happened_ms,
                received_ms: self.received_ms,
                origin: None,
            },
        }
    }
}
