//! The lines for an attached screen, compressed.
//!
//! The forwarder keeps a place in the ring for each screen and nothing else: whatever a slow one could
//! not be sent in time it has missed, and is told how much that was.

use std::convert::Infallible;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use crate::filter::Mode;
use crate::protocol::Snapshot;
use crate::telemetry::ring::SharedRing;
use crate::telemetry::story_changes::Follower;

use super::about::About;
use super::access::Role;
use super::wire::{Line, WireRecord, WireStory};

/// Interval at which lines are sent.
const EVERY: Duration = Duration::from_millis(200);
/// Maximum interval of snapshots of which nothing but the time has changed.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(1);
/// Maximum events, and changed stories, in an interval: 1,000 a second are more than anyone reads.
const MAX_EACH: usize = 200;
/// The newest events that a new screen gets, in bytes.
const HISTORY_BYTES: usize = 4 << 20;
/// Level of compression: a snapshot differs little from the last one.
const LEVEL: i32 = 3;

/// The place from which a screen that was connected before goes on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ScreenQuery {
    /// The process that it was connected to.
    pid: u32,
    /// The last event that it has.
    after: u64,
}

/// The sources of a screen.
pub(super) struct ScreenSources {
    pub(super) about: About,
    pub(super) role: Role,
    pub(super) ring: SharedRing,
    pub(super) snapshots: watch::Receiver<Arc<Snapshot>>,
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
    sources: ScreenSources,
    follower: Follower,
    /// The sequence number of the next event.
    next: u64,
    /// When the last snapshot was sent, and what it said of filters and mode: a change is sent at once.
    sent: Instant,
    shown: (u64, Option<Mode>),
    tick: tokio::time::Interval,
    encoder: zstd::stream::write::Encoder<'static, Vec<u8>>,
    is_first: bool,
}

impl ScreenFeed {
    fn new(sources: ScreenSources, query: &ScreenQuery) -> std::io::Result<Self> {
        let mut ring = sources.ring.lock();
        let follower = ring.story_changes().follow();
        let goes_on = query.pid == sources.about.pid && query.after >= ring.first();
        let next = if goes_on {
            query.after + 1
        } else {
            let mut bytes = 0;
            let newest = ring.from(0).rev().take_while(|record| {
                bytes += record.bytes();
                bytes <= HISTORY_BYTES
            });
            newest.last().map_or(ring.end(), |record| record.sequence)
        };
        drop(ring);
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            sources,
            follower,
            next,
            sent: Instant::now(),
            shown: (0, None),
            tick,
            encoder: zstd::stream::write::Encoder::new(Vec::new(), LEVEL)?,
            is_first: true,
        })
    }

    /// Waits for the next part; none once the pipeline has ended.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            self.tick.tick().await;
            if self.sources.snapshots.has_changed().is_err() {
                return None;
            }
            self.write_lines().ok()?;
            self.encoder.flush().ok()?;
            let part = std::mem::take(self.encoder.get_mut());
            if !part.is_empty() {
                return Some(part.into());
            }
        }
    }

    fn write_lines(&mut self) -> std::io::Result<()> {
        if std::mem::take(&mut self.is_first) {
            let ScreenSources { about, role, .. } = &self.sources;
            let hello = Line::Hello {
                forwarder: about.clone(),
                role: *role,
            };
            write(&mut self.encoder, &hello)?;
            // The first snapshot comes before the history, which may take some time.
            self.write_snapshot()?;
            self.write_records(usize::MAX)?;
        }
        self.skip_missed()?;
        self.write_records(MAX_EACH)?;
        self.write_stories()?;
        let now = {
            let snapshot = self.sources.snapshots.borrow();
            (snapshot.filters_version, snapshot.mode)
        };
        let is_due = self.sent.elapsed() >= SNAPSHOT_EVERY || now != self.shown;
        if is_due && self.sources.snapshots.has_changed().unwrap_or_default() {
            self.write_snapshot()?;
        }
        Ok(())
    }

    fn write_snapshot(&mut self) -> std::io::Result<()> {
        self.sent = Instant::now();
        let snapshot = self.sources.snapshots.borrow_and_update().clone();
        self.shown = (snapshot.filters_version, snapshot.mode);
        write(&mut self.encoder, &Line::Snapshot(snapshot))
    }

    /// Goes past the events that are more than an interval's, so that the newest are always sent.
    fn skip_missed(&mut self) -> std::io::Result<()> {
        let missed = {
            let ring = self.sources.ring.lock();
            let behind = ring.end().saturating_sub(MAX_EACH as u64);
            let from = behind.max(ring.first());
            let missed = from.saturating_sub(self.next.max(1));
            self.next = self.next.max(from);
            missed
        };
        if missed == 0 {
            return Ok(());
        }
        write(&mut self.encoder, &Line::Missed(missed))
    }

    fn write_records(&mut self, most: usize) -> std::io::Result<()> {
        let mut count = 0;
        let (ring, next) = (&self.sources.ring, &mut self.next);
        while count < most
            && let Some(records) = ring.copy_batch(next, |record| Some(record.clone()))
        {
            count += records.len();
            let records = records.iter().filter_map(WireRecord::of).collect();
            write(&mut self.encoder, &Line::Records(records))?;
        }
        Ok(())
    }

    fn write_stories(&mut self) -> std::io::Result<()> {
        let changed = {
            let mut ring = self.sources.ring.lock();
            let mut numbers = ring.story_changes().next(&mut self.follower, 8 * MAX_EACH);
            // Of several changes the story tells the last; what was not sent is not needed.
            numbers.sort_unstable();
            numbers.dedup();
            numbers.truncate(4 * MAX_EACH);
            let stories = numbers.iter().filter_map(|number| ring.get(*number));
            stories
                .map(|record| (record.sequence, WireStory::of(&record.story)))
                .collect::<Vec<_>>()
        };
        if changed.is_empty() {
            return Ok(());
        }
        write(&mut self.encoder, &Line::Stories(changed))
    }
}

fn write(to: &mut impl std::io::Write, line: &Line) -> std::io::Result<()> {
    serde_json::to_writer(&mut *to, line)?;
    to.write_all(b"\n")
}
