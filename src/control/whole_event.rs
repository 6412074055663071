//! The whole of an event of which a screen has only a summary.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::telemetry::ring::SharedRing;

use super::refusal::{Refusal, answer};
use super::wire::{Detail, WireRecord};

/// An event, by the process that received it and its sequence number there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventNumber {
    pid: u32,
    sequence: u64,
}

/// Answers with an event that is still in the ring.
pub(super) fn whole(ring: &SharedRing, number: &EventNumber) -> Result<Response, Refusal> {
    let is_here = number.pid == std::process::id();
    let record = is_here.then(|| ring.lock().get(number.sequence).cloned());
    let record = record.flatten();
    match record.and_then(|record| WireRecord::of(&record, Detail::Full)) {
        Some(record) => Ok(answer(StatusCode::OK, &record)),
        None => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "the forwarder remembers this event no longer",
        )),
    }
}
