//! Events as they come, a JSON object a line.
//!
//! A client that reads slowly gets fewer events and is told how many it missed: the forwarder keeps
//! nothing for it and never waits for it.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::amplitude::time::UnixMs;
use crate::amplitude::{Reading, json};
use crate::filter::Decision;
use crate::filter::expression::{Condition, Evaluation, Variables};
use crate::limits::Violation;
use crate::privacy::ViewerMask;
use crate::protocol::{Content, Outcome, Record};
use crate::telemetry::ring::SharedRing;

use super::refusal::Refusal;

/// Interval at which new events are sent.
const EVERY: Duration = Duration::from_millis(100);
/// Maximum events that a client may be behind before it misses some.
const MAX_BEHIND: u64 = 4_096;
/// Maximum events of one interval; further ones are missed. 20,000 a second are more than anyone reads.
const MAX_LINES: usize = 2_048;

/// What a client asks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EventQuery {
    /// A condition; all events without it.
    #[serde(rename = "where")]
    condition: String,
    /// Begin with the oldest event that is remembered, and not with the next one.
    recent: bool,
    /// End after the newest event, and don't wait for others.
    end: bool,
}

/// A line of the answer.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'r> {
    Event {
        sequence: u64,
        received_ms: UnixMs,
        event_type: &'r str,
        decision: &'r Option<Decision>,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        violations: &'r [Violation],
        outcome: &'r Outcome,
        event: &'r RawValue,
    },
    Malformed {
        sequence: u64,
        received_ms: UnixMs,
        malformed: &'r str,
        text: &'r str,
    },
    Missed {
        missed: u64,
    },
}

/// Answers with the events that meet the query. With a mask the condition is evaluated on the masked
/// events: nobody can find a value out by asking for it.
pub(super) fn stream(
    ring: SharedRing,
    mask: Option<ViewerMask>,
    query: &EventQuery,
) -> Result<Response, Refusal> {
    let condition = match query.condition.trim() {
        "" => None,
        source => Some(Condition::compile(source).map_err(|error| {
            Refusal::bad_request(format!("the condition can't be used: {error}"))
        })?),
    };
    let next = if query.recent || query.end {
        ring.lock().first()
    } else {
        ring.lock().end()
    };
    let tail = Tail {
        ring,
        mask,
        condition,
        next,
        ends: query.end,
    };
    let body = Body::from_stream(stream::unfold(tail, |mut tail| async move {
        let lines = tail.next_lines().await?;
        Some((Ok::<_, Infallible>(lines), tail))
    }));
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((StatusCode::OK, headers, body).into_response())
}

/// A place among the events.
struct Tail {
    ring: SharedRing,
    mask: Option<ViewerMask>,
    condition: Option<Condition>,
    /// The sequence number of the next event.
    next: u64,
    ends: bool,
}

impl Tail {
    /// Waits for events, and returns their lines; none at the end.
    async fn next_lines(&mut self) -> Option<Bytes> {
        loop {
            let lines = self.lines();
            if !lines.is_empty() {
                return Some(lines.into());
            }
            if self.ends {
                return None;
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// The lines of the events since the last time.
    fn lines(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let missed = self.skip_missed();
        if missed > 0 {
            write(&mut out, &Line::Missed { missed });
        }
        let mut count = 0;
        // The ring is not locked while conditions are evaluated.
        while count < MAX_LINES
            && let Some(mut records) = self.ring.copy_batch(&mut self.next, |r| Some(r.clone()))
        {
            if let Some(mask) = &self.mask {
                records = records.iter().map(|record| mask.record(record)).collect();
            }
            for record in records.iter().filter(|record| self.meets(record)) {
                count += 1;
                write_record(&mut out, record);
            }
        }
        out
    }

    /// Goes past what has left the ring, and past what a slow client would never catch up with. Returns
    /// the number of these events.
    fn skip_missed(&mut self) -> u64 {
        let ring = self.ring.lock();
        let mut from = ring.first();
        if !self.ends {
            from = from.max(ring.end().saturating_sub(MAX_BEHIND));
        }
        // The ring was empty before.
        let missed = from.saturating_sub(self.next.max(1));
        self.next = self.next.max(from);
        missed
    }

    fn meets(&self, record: &Record) -> bool {
        let Some(condition) = &self.condition else {
            return true;
        };
        let Some(event) = record.event() else {
            return false;
        };
        let reading = Reading::new(event);
        condition.evaluate(&Variables::new(&reading).context()) == Evaluation::True
    }
}

fn write_record(out: &mut Vec<u8>, record: &Record) {
    let (sequence, received_ms) = (record.sequence, record.received_ms);
    match &record.content {
        Content::Event { event, event_type } => {
            let text = json::on_one_line(event.text());
            let Ok(event) = serde_json::from_str(&text) else {
                return;
            };
            let line = Line::Event {
                sequence,
                received_ms,
                event_type,
                decision: &record.story.decision,
                violations: &record.story.violations,
                outcome: &record.story.outcome,
                event,
            };
            write(out, &line);
        }
        Content::Malformed { malformed, text } => {
            let line = Line::Malformed {
                sequence,
                received_ms,
                malformed: &malformed.why,
                text,
            };
            write(out, &line);
        }
    }
}

fn write(out: &mut Vec<u8>, line: &Line<'_>) {
    let before = out.len();
    match serde_json::to_writer(&mut *out, line) {
        Ok(()) => out.push(b'\n'),
        Err(_) => out.truncate(before),
    }
}
