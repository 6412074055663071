//! The whole of an event of which a screen has only a summary.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::amplitude::time::UnixMs;
use crate::privacy::ViewerMask;
use crate::telemetry::ring::SharedRing;

use super::about::About;
use super::refusal::{Refusal, answer};
use super::wire::{Detail, WireRecord};

/// An event, by the process that received it, its start, and the event's sequence number there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventNumber {
    pid: u32,
    started_ms: UnixMs,
    sequence: u64,
}

/// Answers with an event that is still in the ring, as it may be seen through `mask`.
pub(super) fn whole(
    about: &About,
    ring: &SharedRing,
    mask: Option<ViewerMask>,
    number: &EventNumber,
) -> Result<Response, Refusal> {
    let is_here = (number.pid, number.started_ms) == (about.pid, about.started_ms);
    let record = is_here.then(|| ring.lock().get(number.sequence).cloned());
    let record = record.flatten().map(|record| match mask {
        Some(mask) => mask.record(&record),
        None => record,
    });
    match record.and_then(|record| WireRecord::of(&record, Detail::Full)) {
        Some(record) => Ok(answer(StatusCode::OK, &record)),
        None => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "the forwarder remembers this event no longer",
        )),
    }
}
