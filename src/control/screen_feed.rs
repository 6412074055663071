//! The lines for an attached screen, compressed.
//!
//! A screen on this machine gets the ticks of the [hub](super::screen_hub) as they are, which costs
//! nothing more for each further screen. One on a line with little room, and one that wants summaries
//! only, has a stream of its own: compressed as a whole, and within the bytes a second that it asked for.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::amplitude::time::UnixMs;
use crate::protocol::Record;

use super::about::About;
use super::access::Role;
use super::screen_hub::{Joined, ScreenHub};
use super::screen_stream::ScreenStream;
use super::screen_tick::{Fragment, LEVEL, Tick, fragment, write_line, write_list, write_missed};
use super::wire::{Detail, Line, WireRecord, WireStory};

/// The newest events that a new screen gets, in bytes.
const HISTORY_BYTES: usize = 4 << 20;
/// The same for a screen with a limit: a second or two on a line of 100 kB/s.
const LIMITED_HISTORY_BYTES: usize = 512 << 10;
/// The size of a summary among them.
const SUMMARY_BYTES: usize = 256;
/// Maximum stories that are sent again to a screen that may have missed changes of them.
const MAX_STORIES: u64 = 4_096;

/// What a screen asks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ScreenQuery {
    /// The process that it was connected to, and when that was started.
    pid: u32,
    started_ms: UnixMs,
    /// The last event that it has.
    after: u64,
    /// The first of its events whose story may have changed since.
    pending: u64,
    /// Whether it wants summaries of events only.
    lite: bool,
    /// Maximum bytes a second; none for as many as there are.
    bytes_per_second: Option<u32>,
}

/// The sources of a screen.
pub(super) struct ScreenSources {
    pub(super) about: About,
    pub(super) role: Role,
    pub(super) hub: Arc<ScreenHub>,
}

/// Answers with the lines for a screen, until it disconnects or the pipeline ends.
pub(super) fn stream(sources: ScreenSources, query: &ScreenQuery) -> Response {
    let body = match ScreenFeed::new(sources, query) {
        Ok(feed) => Body::from_stream(stream::unfold(feed, |mut feed| async move {
            let part = feed.next().await?;
            Some((Ok::<_, Infallible>(part), feed))
        })),
        Err(error) => {
            let why = format!("compression can't start: {error}");
            return (StatusCode::INTERNAL_SERVER_ERROR, why).into_response();
        }
    };
    let headers = [(header::CONTENT_TYPE, "application/zstd")];
    (StatusCode::OK, headers, body).into_response()
}

struct ScreenFeed {
    hub: Arc<ScreenHub>,
    joined: Joined,
    /// The first part, until it is sent.
    first: Option<Bytes>,
    /// The sequence number of the next event.
    next: u64,
    /// None for a screen that gets the ticks as they are.
    own: Option<ScreenStream>,
}

impl ScreenFeed {
    fn new(sources: ScreenSources, query: &ScreenQuery) -> io::Result<Self> {
        let ScreenSources { about, role, hub } = sources;
        let joined = hub.join(role);
        let detail = if query.lite {
            Detail::Summary
        } else {
            Detail::Full
        };
        let mut own = if query.lite || query.bytes_per_second.is_some() {
            Some(ScreenStream::new(
                detail,
                query.bytes_per_second,
                Instant::now(),
            )?)
        } else {
            None
        };
        let is_same = (query.pid, query.started_ms) == (about.pid, about.started_ms);
        let goes_on = is_same && query.after > 0;
        let mut lines = Vec::new();
        let hello = Line::Hello {
            forwarder: about,
            role,
            people_masked: hub.masks_people(),
        };
        write_line(&mut lines, &hello)?;
        // The state comes before the events, which may take some time.
        write_line(&mut lines, &Line::Snapshot(hub.snapshot()))?;
        if goes_on && query.pending > 0 {
            write_stories(&hub, query.pending, query.after, &mut lines)?;
        }
        let known = if goes_on { query.after } else { 0 };
        write_history(&hub, (known, joined.next), query, &mut lines)?;
        let first = match &mut own {
            Some(own) => own.compress(&lines)?,
            None => zstd::stream::encode_all(lines.as_slice(), LEVEL)?,
        };
        Ok(Self {
            first: Some(first.into()),
            next: joined.next,
            hub,
            joined,
            own,
        })
    }

    /// Waits for the next part; none once the pipeline has ended.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            let part = match self.joined.ticks.recv().await {
                Ok(tick) => self.part(&tick),
                Err(RecvError::Lagged(_)) => self.missed_stories(),
                Err(RecvError::Closed) => return None,
            };
            let part = part.ok()?;
            if !part.is_empty() {
                return Some(part);
            }
        }
    }

    fn part(&mut self, tick: &Tick) -> io::Result<Bytes> {
        let next = std::mem::replace(&mut self.next, tick.end);
        if let Some(own) = &mut self.own {
            return own.write(tick, next, Instant::now()).map(Bytes::from);
        }
        if tick.from == next {
            return Ok(tick.frame());
        }
        let mut lines = Vec::new();
        write_missed(&mut lines, tick.from.saturating_sub(next))?;
        let mut part = zstd::stream::encode_all(lines.as_slice(), LEVEL)?;
        part.extend_from_slice(&tick.frame());
        Ok(part.into())
    }

    /// The stories that may have changed in ticks which this screen was too slow for.
    fn missed_stories(&mut self) -> io::Result<Bytes> {
        let last = self.next.saturating_sub(1);
        let mut lines = Vec::new();
        write_stories(&self.hub, 0, last, &mut lines)?;
        let part = match &mut self.own {
            Some(own) => own.compress(&lines)?,
            None => zstd::stream::encode_all(lines.as_slice(), LEVEL)?,
        };
        Ok(part.into())
    }
}

/// Writes the events after `known` and before `end`; of many the newest.
fn write_history(
    hub: &ScreenHub,
    (known, end): (u64, u64),
    query: &ScreenQuery,
    lines: &mut Vec<u8>,
) -> io::Result<()> {
    let most = match query.bytes_per_second {
        Some(_) => LIMITED_HISTORY_BYTES,
        None => HISTORY_BYTES,
    };
    let (detail, size): (_, fn(&Record) -> usize) = if query.lite {
        (Detail::Summary, |_| SUMMARY_BYTES)
    } else {
        (Detail::Full, Record::bytes)
    };
    let records: Vec<Record> = {
        let ring = hub.ring().lock();
        let mut bytes = 0;
        let newest = ring.from(known + 1).rev();
        let mut newest: Vec<Record> = newest
            .filter(|record| record.sequence < end)
            .take_while(|record| {
                bytes += size(record);
                bytes <= most
            })
            .cloned()
            .collect();
        newest.reverse();
        newest
    };
    let records = hub.masked_records(records);
    let first = records.first().map_or(end, |record| record.sequence);
    if known > 0 {
        write_missed(lines, first.saturating_sub(known + 1))?;
    }
    // Not too many in a line: the other side reads a line at a time.
    for some in records.chunks(1_000) {
        let fragments: Vec<Fragment> = some
            .iter()
            .filter_map(|record| fragment(record.sequence, &WireRecord::of(record, detail)?))
            .collect();
        write_list(lines, "records", &fragments)?;
    }
    Ok(())
}

/// Writes the stories of the events from `first` to `last`; of many those of the newest.
fn write_stories(hub: &ScreenHub, first: u64, last: u64, lines: &mut Vec<u8>) -> io::Result<()> {
    let first = first.max((last + 1).saturating_sub(MAX_STORIES));
    let stories: Vec<_> = {
        let ring = hub.ring().lock();
        let records = ring
            .from(first)
            .take_while(|record| record.sequence <= last);
        records
            .map(|record| (record.sequence, record.story.clone()))
            .collect()
    };
    let fragments: Vec<Fragment> = hub
        .masked_stories(stories)
        .iter()
        .filter_map(|(number, story)| fragment(*number, &(*number, WireStory::of(story))))
        .collect();
    write_list(lines, "stories", &fragments)
}
