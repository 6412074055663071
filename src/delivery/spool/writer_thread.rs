//! The thread that owns the spool. It takes requests, commits them together by age and size, and
//! reports once they are on disk.
//!
//! Requests never wait, but appended items do: where nothing can be written, because the quota is
//! reached or the disk refuses, they stay here. Their frames then keep their share of the feed's
//! room, so the feed is not read. Outcomes of items are kept until they can be written.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::amplitude::time;
use crate::delivery::Queued;

use super::fault;
use super::request::{Append, Read, Request, Settlement, SpoolEvent, SpoolSettings};
use super::spool::Spool;
use super::status_publisher::StatusPublisher;

/// Maximum time until a settled item is written.
const SETTLE_AGE: Duration = Duration::from_millis(500);
/// Delay before a failed write is tried again.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// Interval of upkeep: changes by other processes are read, and the state is published.
pub(super) const UPKEEP_INTERVAL: Duration = Duration::from_millis(250);

/// The thread's channels.
pub(super) struct Link {
    pub(super) inbox: Receiver<Request>,
    pub(super) events: mpsc::Sender<SpoolEvent>,
    pub(super) publisher: StatusPublisher,
}

/// The thread that owns the spool.
pub(super) struct WriterThread {
    pub(super) spool: Spool,
    pub(super) settings: SpoolSettings,
    feed: String,
    pub(super) link: Link,
    /// Items that wait for room.
    waiting: VecDeque<Append>,
    /// Callbacks of the items that the next commit makes durable.
    admitted: Vec<Box<dyn FnOnce() + Send>>,
    /// Since when the oldest item waits for a commit.
    pub(super) oldest: Option<Instant>,
    /// Since when an outcome is not written.
    pub(super) unwritten: Option<Instant>,
    reads: VecDeque<Read>,
    /// The reason why nothing can be written, and when it is tried again.
    pub(super) fault: Option<(String, Instant)>,
    /// Whether the quota is reached.
    pub(super) is_full: bool,
    /// Whether the disk has too little room for more items.
    pub(super) is_cramped: bool,
    ended: bool,
    /// When upkeep was last done, and its slower parts.
    pub(super) upkeep: Instant,
    pub(super) retention: Instant,
    pub(super) reserve: Instant,
}

impl WriterThread {
    pub(super) fn new(spool: Spool, settings: SpoolSettings, feed: String, link: Link) -> Self {
        let now = Instant::now();
        let mut thread = Self {
            spool,
            settings,
            feed,
            link,
            waiting: VecDeque::new(),
            admitted: Vec::new(),
            oldest: None,
            unwritten: None,
            reads: VecDeque::new(),
            fault: None,
            is_full: false,
            is_cramped: false,
            ended: false,
            upkeep: now,
            retention: now,
            reserve: now,
        };
        thread.keep_up(now);
        thread
    }

    /// Runs until it is closed. Returns the number of items that could not be written.
    pub(super) fn run(mut self) -> u64 {
        loop {
            let request = self.link.inbox.recv_timeout(self.patience());
            let mut close = match request {
                Ok(request) => self.handle(request),
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            // Requests that came meanwhile go into the same commit, up to its size.
            while !close
                && self.spool.appended_bytes() < self.settings.commit_bytes
                && let Ok(request) = self.link.inbox.try_recv()
            {
                close = self.handle(request);
            }
            let now = Instant::now();
            self.admit(now);
            if close || self.is_due(now) {
                self.commit(now, close);
                self.admit(now);
            }
            if close {
                self.publish(now);
                let waiting = self.waiting.iter().map(|append| append.accepted.len());
                return self.spool.appended() as u64 + waiting.sum::<usize>() as u64;
            }
            self.read(now);
            self.finish();
            let was_emptied = self.spool.is_empty() && !self.link.publisher.shows_empty();
            if was_emptied || now - self.upkeep >= UPKEEP_INTERVAL {
                self.keep_up(now);
            }
        }
    }

    /// Does what can be done at once. Returns whether to close.
    fn handle(&mut self, request: Request) -> bool {
        match request {
            Request::Append(append) => self.waiting.push_back(append),
            Request::Settle(settlement) => self.settle(settlement),
            Request::Read(read) => self.reads.push_back(read),
            Request::Configure(settings) => self.settings = settings,
            // Only a stream has partitions.
            Request::Release { .. } => {}
            Request::End => self.ended = true,
            Request::Close => return true,
        }
        false
    }

    fn settle(&mut self, settlement: Settlement) {
        let now = Instant::now();
        self.unwritten.get_or_insert(now);
        if !settlement.dead_letters.is_empty() {
            // Someone may be looking at the list.
            self.link.publisher.dead_letters_changed();
            self.oldest.get_or_insert(now);
        }
        self.spool.settle(settlement.settled);
        self.spool
            .reschedule(settlement.rescheduled, settlement.next_ms);
        for (position, letter) in settlement.dead_letters {
            self.spool.dead_letter(position, letter);
        }
    }

    /// Reads items back. Where that fails it is tried again, as a commit is.
    fn read(&mut self, now: Instant) {
        while self.fault.as_ref().is_none_or(|(_, again)| *again <= now)
            && let Some(read) = self.reads.pop_front()
        {
            let done = match &read {
                Read::Chunks { after, bytes } => self.read_chunks(*after, *bytes),
                // The requester may have been cut off.
                Read::Items { reply, .. } if reply.is_closed() => Ok(None),
                Read::Items { positions, .. } => self.spool.fetch(positions, time::now()).map(Some),
            };
            match (done, read) {
                (Ok(Some(items)), Read::Items { reply, .. }) => _ = reply.send(items),
                (Ok(_), _) => {}
                (Err(error), read) => {
                    self.reads.push_front(read);
                    if !self.spool.repair(&error) {
                        self.fail(&error, now);
                        return;
                    }
                }
            }
        }
    }

    fn read_chunks(&mut self, after: u64, bytes: u64) -> rusqlite::Result<Option<Vec<Queued>>> {
        let loaded = self.spool.load(after, bytes, time::now())?;
        self.send(SpoolEvent::Loaded {
            items: loaded.items,
            last_chunk: loaded.last_chunk,
        });
        Ok(None)
    }

    fn send(&self, event: SpoolEvent) {
        // Where the dispatcher has ended, the items stay in the spool.
        let _ = self.link.events.blocking_send(event);
    }

    /// Appends waiting items, as far as there is room.
    fn admit(&mut self, now: Instant) {
        self.is_full = false;
        self.is_cramped = !self.waiting.is_empty() && !self.spool.has_room();
        while self.fault.is_none()
            && !self.is_cramped
            && self.spool.appended_bytes() < self.settings.commit_bytes
            && let Some(append) = self.waiting.front()
        {
            let bytes: usize = append.accepted.iter().map(|a| a.item.body.len()).sum();
            let used = self.spool.used_bytes() + self.spool.appended_bytes() as u64;
            // Items that are larger than the quota are admitted into an empty spool.
            if bytes > 0 && used > 0 && used + bytes as u64 > self.settings.quota_bytes {
                self.is_full = true;
                return;
            }
            let Some(append) = self.waiting.pop_front() else {
                return;
            };
            if let Some(message) = &append.message {
                self.spool.note_message(&self.feed, message);
                self.unwritten.get_or_insert(now);
            }
            if append.accepted.is_empty() && self.admitted.is_empty() {
                // There is nothing to make durable.
                (append.on_durable)();
                continue;
            }
            self.spool.append(append.accepted);
            self.admitted.push(append.on_durable);
            self.oldest.get_or_insert(now);
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        if let Some((_, again)) = &self.fault {
            return *again <= now;
        }
        let is_aged = |since: Option<Instant>, age| since.is_some_and(|since| now - since >= age);
        self.spool.appended_bytes() >= self.settings.commit_bytes
            || is_aged(self.oldest, self.settings.commit_age)
            || is_aged(self.unwritten, SETTLE_AGE)
            || (self.ended && self.oldest.is_some())
    }

    /// Time until there is something to do without a request.
    fn patience(&self) -> Duration {
        let is_blocked = self.fault.is_some() || self.is_full || self.is_cramped;
        if !self.waiting.is_empty() && !is_blocked {
            return Duration::ZERO;
        }
        let commit = match &self.fault {
            Some((_, again)) => Some(*again),
            None => [
                self.oldest.map(|at| at + self.settings.commit_age),
                self.unwritten.map(|at| at + SETTLE_AGE),
            ]
            .into_iter()
            .flatten()
            .min(),
        };
        let upkeep = self.upkeep + UPKEEP_INTERVAL;
        let next = commit.map_or(upkeep, |at| at.min(upkeep));
        next.saturating_duration_since(Instant::now())
    }

    fn commit(&mut self, now: Instant, last: bool) {
        let with_progress = last || self.unwritten.is_some_and(|at| now - at >= SETTLE_AGE);
        match self.spool.commit(time::now(), with_progress) {
            Ok(committed) => {
                self.oldest = None;
                if with_progress {
                    self.unwritten = None;
                }
                self.fault = None;
                // Receipt is reported before delivery begins.
                for on_durable in self.admitted.drain(..) {
                    on_durable();
                }
                if !committed.items.is_empty() {
                    self.send(SpoolEvent::Committed {
                        chunk: committed.chunk,
                        items: committed.items,
                    });
                }
            }
            Err(error) => self.fail(&error, now),
        }
    }

    /// Reports the end once every appended item is durable.
    fn finish(&mut self) {
        if self.ended && self.waiting.is_empty() && self.admitted.is_empty() {
            self.ended = false;
            self.send(SpoolEvent::Ended);
        }
    }

    fn fail(&mut self, error: &rusqlite::Error, now: Instant) {
        let fault = fault::describe(error, &self.spool.folder());
        self.fault = Some((fault, now + RETRY_DELAY));
        self.publish(now);
    }
}
