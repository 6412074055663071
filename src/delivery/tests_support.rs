//! Items for tests.

use bytes::Bytes;
use ulid::Ulid;

use crate::customerio::Item;
use crate::customerio::Route;

use super::batch::Batch;
use super::{Accepted, History, Part, Queued, SpoolPosition};

/// Item `number` of `person`, with `text` as its body.
pub(crate) fn accepted(number: u64, person: u64, text: &str) -> Accepted {
    let item = Item {
        id: Ulid::from_parts(number, 0),
        person,
        route: Route::Batch,
        body: Bytes::copy_from_slice(text.as_bytes()),
    };
    Accepted {
        item,
        sequence: number,
        part: Part::Event,
        event_type: "Step".into(),
        happened_ms: 1_800_000_000_000,
        received_ms: 1_800_000_000_500,
        origin: None,
    }
}

/// Item `sequence` of `person`, with a body of `bytes`; its position is its sequence.
pub(crate) fn queued(sequence: u64, person: u64, bytes: usize) -> Queued {
    let mut accepted = accepted(sequence, person, "");
    accepted.item.body = Bytes::from(vec![b' '; bytes]);
    Queued {
        accepted,
        position: SpoolPosition {
            chunk: sequence,
            item: 0,
        },
        history: History::default(),
    }
}

/// One that goes by v1.
pub(crate) fn alone(sequence: u64, person: u64) -> Queued {
    let mut queued = queued(sequence, person, 40_000);
    queued.accepted.item.route = Route::V1 {
        put: false,
        path: "/api/v1/events".to_owned(),
    };
    queued
}

pub(crate) fn sequences(batch: &Batch) -> Vec<u64> {
    match batch {
        Batch::InMemory(items) => items.iter().map(|q| q.accepted.sequence).collect(),
        Batch::Spooled(refs) => refs.iter().map(|t| t.position.chunk).collect(),
    }
}
