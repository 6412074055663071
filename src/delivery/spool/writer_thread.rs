//! The thread that owns the spool: it takes requests, commits them together by age and size,
//! and tells whoever waits once their part is on disk.
//!
//! Orders never wait; what is appended does. Where nothing can be written, because the quota
//! is reached or the disk refuses, appended items stay here, their frames keep their share of
//! the feed's room, and so the feed is not read. What is settled meanwhile is kept until it
//! can be written.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rusqlite::ErrorCode;
use tokio::sync::mpsc;

use crate::amplitude::time;
use crate::delivery::Queued;

use super::request::{Append, Read, Request, Settings, Settlement, SpoolEvent};
use super::status_publisher::StatusPublisher;
use super::{Spool, SpoolRow};

/// What is settled is written down at least this often.
const SETTLE_AGE: Duration = Duration::from_millis(500);
/// Where nothing could be written, it is tried again this often.
const AGAIN: Duration = Duration::from_secs(1);
/// How often others' changes are looked for, and how it stands is told.
const LOOK: Duration = Duration::from_millis(250);
/// How often the reserve is made again, where it was given up.
const RESERVE: Duration = Duration::from_secs(10);
/// How often dead letters are looked through for those whose time is over.
const RETENTION: Duration = Duration::from_secs(60);

/// The thread.
pub(super) struct WriterThread {
    spool: Spool,
    settings: Settings,
    feed: String,
    inbox: Receiver<Request>,
    told: mpsc::Sender<SpoolEvent>,
    publisher: StatusPublisher,
    /// What waits to be appended.
    waiting: VecDeque<Append>,
    /// Whom to tell when what was appended is durable.
    admitted: Vec<Box<dyn FnOnce() + Send>>,
    /// Since when the oldest of it waits.
    oldest: Option<Instant>,
    /// Since when something that is settled is not written.
    unwritten: Option<Instant>,
    /// What is to be read back.
    reads: VecDeque<Read>,
    /// Why nothing can be written, and when it is tried again.
    fault: Option<(String, Instant)>,
    /// Whether the quota is reached.
    full: bool,
    /// Whether the disk has too little room for more.
    cramped: bool,
    ended: bool,
    looked: Instant,
    retained: Instant,
    reserved: Instant,
}

impl WriterThread {
    pub(super) fn new(
        spool: Spool,
        settings: Settings,
        feed: String,
        inbox: Receiver<Request>,
        told: mpsc::Sender<SpoolEvent>,
        publisher: StatusPublisher,
    ) -> Self {
        let now = Instant::now();
        let mut thread = Self {
            spool,
            settings,
            feed,
            inbox,
            told,
            publisher,
            waiting: VecDeque::new(),
            admitted: Vec::new(),
            oldest: None,
            unwritten: None,
            reads: VecDeque::new(),
            fault: None,
            full: false,
            cramped: false,
            reserved: now,
            ended: false,
            looked: now,
            retained: now,
        };
        thread.look(now);
        thread
    }

    /// Runs until it is closed; how many items could not be written.
    pub(super) fn run(mut self) -> u64 {
        loop {
            let request = self.inbox.recv_timeout(self.patience());
            let mut close = match request {
                Ok(request) => self.take(request),
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            // What came meanwhile goes into the same commit, up to its size.
            while !close
                && self.spool.appended_bytes() < self.settings.commit_bytes
                && let Ok(request) = self.inbox.try_recv()
            {
                close = self.take(request);
            }
            let now = Instant::now();
            self.admit(now);
            if close || self.is_due(now) {
                self.commit(now, close);
                self.admit(now);
            }
            if close {
                self.publish(now);
                let waiting = self.waiting.iter().map(|handful| handful.accepted.len());
                return self.spool.appended() as u64 + waiting.sum::<usize>() as u64;
            }
            self.read(now);
            self.finish();
            let emptied = self.spool.is_empty() && !self.publisher.shows_empty();
            if emptied || now - self.looked >= LOOK {
                self.look(now);
            }
        }
    }

    /// Does what can be done at once; whether it is to close.
    fn take(&mut self, request: Request) -> bool {
        match request {
            Request::Append(handful) => self.waiting.push_back(handful),
            Request::Settle(settlement) => self.settle(settlement),
            Request::Read(read) => self.reads.push_back(read),
            Request::Retune(settings) => self.settings = settings,
            Request::End => self.ended = true,
            Request::Close => return true,
        }
        false
    }

    fn settle(&mut self, settlement: Settlement) {
        let now = Instant::now();
        self.unwritten.get_or_insert(now);
        if !settlement.dead_letters.is_empty() {
            // Someone may be looking for them.
            self.publisher.letters_changed();
            self.oldest.get_or_insert(now);
        }
        self.spool.settle(settlement.settled);
        self.spool
            .reschedule(settlement.rescheduled, settlement.next_ms);
        for (position, letter) in settlement.dead_letters {
            self.spool.dead_letter(position, letter);
        }
    }

    /// Reads back what was asked for. Where that fails it is tried again, as a commit is.
    fn read(&mut self, now: Instant) {
        while self.fault.as_ref().is_none_or(|(_, again)| *again <= now)
            && let Some(read) = self.reads.pop_front()
        {
            let done = match &read {
                Read::Chunks { after, bytes } => self.read_chunks(*after, *bytes),
                // Whoever asked may have been cut off.
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
        let told = SpoolEvent::Loaded {
            items: loaded.items,
            upto: loaded.upto,
        };
        // Where nobody delivers any more, nobody asks.
        let _ = self.told.blocking_send(told);
        Ok(None)
    }

    /// Lets what waits in, as far as there is room.
    fn admit(&mut self, now: Instant) {
        self.full = false;
        self.cramped = !self.waiting.is_empty() && !self.spool.has_room();
        while self.fault.is_none()
            && !self.cramped
            && self.spool.appended_bytes() < self.settings.commit_bytes
            && let Some(handful) = self.waiting.front()
        {
            let bytes: usize = handful.accepted.iter().map(|a| a.item.body.len()).sum();
            let used = self.spool.used_bytes() + self.spool.appended_bytes() as u64;
            // One that is larger than the quota gets in alone.
            if bytes > 0 && used > 0 && used + bytes as u64 > self.settings.quota_bytes {
                self.full = true;
                return;
            }
            let Some(handful) = self.waiting.pop_front() else {
                return;
            };
            if let Some(message) = &handful.message {
                self.spool.note_message(&self.feed, message);
                self.unwritten.get_or_insert(now);
            }
            if handful.accepted.is_empty() && self.admitted.is_empty() {
                // Nothing of it has to become durable.
                (handful.then)();
                continue;
            }
            self.spool.append(handful.accepted);
            self.admitted.push(handful.then);
            self.oldest.get_or_insert(now);
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        if let Some((_, again)) = &self.fault {
            return *again <= now;
        }
        let aged = |since: Option<Instant>, age| since.is_some_and(|since| now - since >= age);
        self.spool.appended_bytes() >= self.settings.commit_bytes
            || aged(self.oldest, self.settings.commit_age)
            || aged(self.unwritten, SETTLE_AGE)
            || (self.ended && self.oldest.is_some())
    }

    /// How long there is nothing to do unless a request comes.
    fn patience(&self) -> Duration {
        let stands = self.fault.is_some() || self.full || self.cramped;
        if !self.waiting.is_empty() && !stands {
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
        let look = self.looked + LOOK;
        let next = commit.map_or(look, |at| at.min(look));
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
                // Receipt is told before delivery begins.
                for then in self.admitted.drain(..) {
                    then();
                }
                if !committed.items.is_empty() {
                    let told = SpoolEvent::Committed {
                        chunk: committed.chunk,
                        items: committed.items,
                    };
                    // Where nobody delivers any more, they stay in the spool.
                    let _ = self.told.blocking_send(told);
                }
            }
            Err(error) => self.fail(&error, now),
        }
    }

    /// Tells the end once everything that was appended is durable.
    fn finish(&mut self) {
        if self.ended && self.waiting.is_empty() && self.admitted.is_empty() {
            self.ended = false;
            let _ = self.told.blocking_send(SpoolEvent::Ended);
        }
    }

    fn fail(&mut self, error: &rusqlite::Error, now: Instant) {
        let fault = in_words(error, &self.spool.folder());
        self.fault = Some((fault, now + AGAIN));
        self.publish(now);
    }

    /// Looks for what others changed, and tells how it stands.
    fn look(&mut self, now: Instant) {
        self.looked = now;
        match self.spool.look_around() {
            Ok(false) => {}
            Ok(true) => {
                self.publisher.letters_changed();
                if self.spool.appended_bytes() > 0 {
                    self.oldest.get_or_insert(now);
                }
            }
            Err(error) => tracing::warn!("{}", in_words(&error, &self.spool.folder())),
        }
        if now - self.reserved >= RESERVE {
            self.reserved = now;
            self.spool.restore_reserve();
        }
        if now - self.retained >= RETENTION && self.keep_letters_ms() > 0 {
            self.retained = now;
            self.retain(now);
        }
        for told in self.spool.take_damage().told {
            tracing::error!("{told}");
            self.publisher.tell(told);
        }
        self.publish(now);
    }

    fn retain(&mut self, now: Instant) {
        match self
            .spool
            .forget_letters(time::now() - self.keep_letters_ms())
        {
            Ok(0) => {}
            Ok(count) => {
                self.unwritten.get_or_insert(now);
                self.publisher.letters_changed();
                self.publisher.tell(format!(
                    "{count} dead letters are older than spool.keep_dead_letters and are gone"
                ));
            }
            Err(error) => tracing::warn!("{}", in_words(&error, &self.spool.folder())),
        }
    }

    fn keep_letters_ms(&self) -> i64 {
        i64::try_from(self.settings.keep_dead_letters.as_millis()).unwrap_or(0)
    }

    /// Why nothing more is taken, where the disk is why.
    fn trouble(&self) -> Option<String> {
        match &self.fault {
            Some((told, _)) => Some(told.clone()),
            None if self.cramped => Some(full(&self.spool.folder())),
            None => None,
        }
    }

    fn publish(&mut self, now: Instant) {
        let row = SpoolRow {
            quota_bytes: self.settings.quota_bytes,
            keep_letters_ms: self.keep_letters_ms(),
            fault: self.trouble(),
            full: self.full,
            ..self.spool.row()
        };
        self.publisher.show(row, &self.spool, now);
    }
}

/// What went wrong with the file, to what, and what to do.
fn in_words(error: &rusqlite::Error, folder: &Path) -> String {
    let shown = folder.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => full(folder),
        Some(ErrorCode::ReadOnly) if super::spool_dir::is_moved(error) => {
            format!(
                "the spool's file was moved or removed from {shown}: put it back, or start again"
            )
        }
        Some(ErrorCode::ReadOnly) => {
            format!("the spool {shown} can't be written to: make it writable")
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            format!("the spool {shown} can't be opened any more: check its rights")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            format!("another process holds the spool {shown} for long")
        }
        _ => format!("the spool {shown} can't be used: {error}"),
    }
}

fn full(folder: &Path) -> String {
    let folder = folder.display();
    format!("the disk with the spool {folder} is full: make room on it")
}
