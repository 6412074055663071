//! The thread that owns the spool: it takes orders, commits them together by age and size,
//! and tells whoever waits once their part is on disk.
//!
//! Orders never wait; what is appended does. Where nothing can be written, because the quota
//! is reached or the disk refuses, appended items stay here, their frames keep their share of
//! the feed's room, and so the feed is not read. What is settled meanwhile is kept until it
//! can be written.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::ErrorCode;
use tokio::sync::{mpsc, oneshot, watch};

use crate::amplitude::time::{self, UnixMs};

use super::dead_letters::{DeadLetter, LetterRow};
use super::{Accepted, History, Place, Queued, Spool, SpoolRow};

/// What is settled is written down at least this often.
const SETTLE_AGE: Duration = Duration::from_millis(500);
/// Where nothing could be written, it is tried again this often.
const AGAIN: Duration = Duration::from_secs(1);
/// How often others' changes are looked for, and how it stands is told.
const LOOK: Duration = Duration::from_millis(250);
/// Dead letters are listed anew at most this often.
const LIST: Duration = Duration::from_secs(1);
/// How often dead letters are looked through for those whose time is over.
const RETENTION: Duration = Duration::from_secs(60);

/// The figures of the spool; settings under `[spool]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// At this size, dead letters included, the feed is not read, in bytes.
    pub quota_bytes: u64,
    /// A commit is made at this size, in bytes.
    pub commit_bytes: usize,
    /// A commit is made when its oldest item has waited this long.
    pub commit_age: Duration,
    /// Dead letters leave after this time; never where it is zero.
    pub keep_dead_letters: Duration,
}

/// What a few frames brought.
pub struct Handful {
    /// What was accepted of it.
    pub accepted: Vec<Accepted>,
    /// The feed's last message in it.
    pub message: Option<Arc<str>>,
    /// Called once it is durable.
    pub then: Box<dyn FnOnce() + Send>,
}

impl std::fmt::Debug for Handful {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handful")
            .field("accepted", &self.accepted.len())
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

/// What became of some items.
#[derive(Debug, Default)]
pub struct Settlement {
    /// Those that are delivered.
    pub settled: Vec<Place>,
    /// Those that will be tried again, with their attempts.
    pub put_off: Vec<(Place, History)>,
    /// When these are tried again at the earliest.
    pub next_ms: UnixMs,
    /// Those that can't be delivered, with their letters.
    pub letters: Vec<(Place, DeadLetter)>,
}

/// What the spool tells whoever delivers.
#[derive(Debug)]
pub enum Told {
    /// These are durable now.
    Committed {
        /// The number of their chunk.
        chunk: u64,
        /// What is in it.
        items: Vec<Queued>,
    },
    /// These were read back.
    Loaded {
        /// What is in the chunks, and when each may be tried again at the earliest.
        items: Vec<(Queued, Option<UnixMs>)>,
        /// The number of the last chunk that was read.
        upto: u64,
    },
    /// Nothing more will be appended.
    Ended,
}

enum Order {
    Append(Handful),
    Settle(Settlement),
    Read(Read),
    Retune(Settings),
    End,
    Close,
}

/// Something to be read back.
enum Read {
    Chunks {
        after: u64,
        bytes: u64,
    },
    Items {
        places: Vec<(Place, History)>,
        reply: oneshot::Sender<Vec<Queued>>,
    },
}

/// What is published of a spool.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// How it stands.
    pub row: SpoolRow,
    /// Its dead letters, by reason and type.
    pub letters: Arc<Vec<LetterRow>>,
}

/// How others speak to the thread.
#[derive(Debug, Clone)]
pub struct Handle {
    orders: Sender<Order>,
    published: watch::Receiver<Published>,
    thread: Arc<Mutex<Option<JoinHandle<u64>>>>,
    folder: PathBuf,
}

impl Handle {
    /// Appends what a few frames brought.
    pub fn append(&self, handful: Handful) {
        self.order(Order::Append(handful));
    }

    /// Writes down what became of some items.
    pub fn settle(&self, settlement: Settlement) {
        self.order(Order::Settle(settlement));
    }

    /// Asks for the chunks behind `after`, about `bytes` of them: [`Told::Loaded`] answers.
    pub fn load(&self, after: u64, bytes: u64) {
        self.order(Order::Read(Read::Chunks { after, bytes }));
    }

    /// Reads items back, each with the history that it comes with. Those that are damaged are
    /// left out.
    pub async fn fetch(&self, places: Vec<(Place, History)>) -> Vec<Queued> {
        let (reply, items) = oneshot::channel();
        self.order(Order::Read(Read::Items { places, reply }));
        // A thread that has ended has nothing to give.
        items.await.unwrap_or_default()
    }

    /// Changes its figures.
    pub fn retune(&self, settings: Settings) {
        self.order(Order::Retune(settings));
    }

    /// Says that nothing more is appended.
    pub fn end(&self) {
        self.order(Order::End);
    }

    /// Writes down what is not written yet, and closes the file. How many items could never be
    /// written, and so were never accepted.
    pub fn close(&self) -> u64 {
        self.order(Order::Close);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // Its panic was printed when it happened.
        thread.map_or(0, |thread| thread.join().unwrap_or(0))
    }

    /// How it stands, as it is published.
    pub fn published(&self) -> watch::Receiver<Published> {
        self.published.clone()
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn order(&self, order: Order) {
        // A thread that has ended was told to, or its panic was printed.
        let _ = self.orders.send(order);
    }
}

/// Starts the thread. `feed` is where messages come from, `told` where what is durable goes,
/// `notices` where the operator is told.
pub fn start(
    spool: Spool,
    settings: Settings,
    feed: String,
    told: mpsc::Sender<Told>,
    notices: mpsc::UnboundedSender<String>,
) -> std::io::Result<Handle> {
    let (orders, inbox) = channel();
    let (publish, published) = watch::channel(Published::default());
    let folder = spool.folder();
    let now = Instant::now();
    let mut writer = Writer {
        spool,
        settings,
        feed,
        inbox,
        told,
        notices,
        publish,
        waiting: VecDeque::new(),
        admitted: Vec::new(),
        oldest: None,
        unwritten: None,
        reads: VecDeque::new(),
        fault: None,
        retry_at: None,
        full: false,
        warned: false,
        ended: false,
        letters_changed: true,
        looked: None,
        listed: None,
        retained: now,
    };
    writer.look(now);
    let thread = std::thread::Builder::new()
        .name("spool".to_owned())
        .spawn(move || writer.run())?;
    Ok(Handle {
        orders,
        published,
        thread: Arc::new(Mutex::new(Some(thread))),
        folder,
    })
}

struct Writer {
    spool: Spool,
    settings: Settings,
    feed: String,
    inbox: Receiver<Order>,
    told: mpsc::Sender<Told>,
    notices: mpsc::UnboundedSender<String>,
    publish: watch::Sender<Published>,
    /// What waits to be appended.
    waiting: VecDeque<Handful>,
    /// Whom to tell when what was appended is durable.
    admitted: Vec<Box<dyn FnOnce() + Send>>,
    /// Since when the oldest of it waits.
    oldest: Option<Instant>,
    /// Since when something that is settled is not written.
    unwritten: Option<Instant>,
    /// What is to be read back.
    reads: VecDeque<Read>,
    fault: Option<String>,
    retry_at: Option<Instant>,
    full: bool,
    warned: bool,
    ended: bool,
    letters_changed: bool,
    looked: Option<Instant>,
    listed: Option<Instant>,
    retained: Instant,
}

impl Writer {
    /// Runs until it is closed; how many items could not be written.
    fn run(mut self) -> u64 {
        loop {
            let order = self.inbox.recv_timeout(self.patience());
            let mut close = match order {
                Ok(order) => self.take(order),
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            // What came meanwhile goes into the same commit, up to its size.
            while !close
                && self.spool.appended_bytes() < self.settings.commit_bytes
                && let Ok(order) = self.inbox.try_recv()
            {
                close = self.take(order);
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
            if self.looked.is_none_or(|at| now - at >= LOOK) {
                self.look(now);
            }
        }
    }

    /// Does what can be done at once; whether it is to close.
    fn take(&mut self, order: Order) -> bool {
        match order {
            Order::Append(handful) => self.waiting.push_back(handful),
            Order::Settle(settlement) => self.settle(settlement),
            Order::Read(read) => self.reads.push_back(read),
            Order::Retune(settings) => self.settings = settings,
            Order::End => self.ended = true,
            Order::Close => return true,
        }
        false
    }

    fn settle(&mut self, settlement: Settlement) {
        let now = Instant::now();
        self.unwritten.get_or_insert(now);
        if !settlement.letters.is_empty() {
            // Someone may be looking for them.
            self.letters_changed = true;
            self.oldest.get_or_insert(now);
        }
        self.spool.settle(settlement.settled);
        self.spool.put_off(settlement.put_off, settlement.next_ms);
        for (place, letter) in settlement.letters {
            self.spool.bury(place, letter);
        }
    }

    /// Reads back what was asked for. Where that fails it is tried again, as a commit is.
    fn read(&mut self, now: Instant) {
        while self.retry_at.is_none_or(|at| at <= now)
            && let Some(read) = self.reads.pop_front()
        {
            let done = match &read {
                Read::Chunks { after, bytes } => self.read_chunks(*after, *bytes),
                // Whoever asked may have been cut off.
                Read::Items { reply, .. } if reply.is_closed() => Ok(None),
                Read::Items { places, .. } => self.spool.fetch(places, time::now()).map(Some),
            };
            match (done, read) {
                (Ok(Some(items)), Read::Items { reply, .. }) => _ = reply.send(items),
                (Ok(_), _) => {}
                (Err(error), read) => {
                    self.reads.push_front(read);
                    if !self.spool.mend(&error) {
                        self.fail(&error, now);
                        return;
                    }
                }
            }
        }
    }

    fn read_chunks(&mut self, after: u64, bytes: u64) -> rusqlite::Result<Option<Vec<Queued>>> {
        let loaded = self.spool.load(after, bytes, time::now())?;
        let told = Told::Loaded {
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
        while self.fault.is_none()
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
        if let Some(at) = self.retry_at {
            return at <= now;
        }
        let aged = |since: Option<Instant>, age| since.is_some_and(|since| now - since >= age);
        self.spool.appended_bytes() >= self.settings.commit_bytes
            || aged(self.oldest, self.settings.commit_age)
            || aged(self.unwritten, SETTLE_AGE)
            || (self.ended && self.oldest.is_some())
    }

    /// How long there is nothing to do unless an order comes.
    fn patience(&self) -> Duration {
        let now = Instant::now();
        let next = [
            self.retry_at
                .or(self.oldest.map(|at| at + self.settings.commit_age)),
            self.retry_at.or(self.unwritten.map(|at| at + SETTLE_AGE)),
            self.looked.map(|at| at + LOOK),
        ];
        let next = next.into_iter().flatten().min();
        let more = !self.waiting.is_empty() && self.fault.is_none() && !self.full;
        if more {
            return Duration::ZERO;
        }
        next.map_or(LOOK, |at| at.saturating_duration_since(now))
    }

    fn commit(&mut self, now: Instant, last: bool) {
        let with_progress = last || self.unwritten.is_some_and(|at| now - at >= SETTLE_AGE);
        match self.spool.commit(time::now(), with_progress) {
            Ok(committed) => {
                self.oldest = None;
                if with_progress {
                    self.unwritten = None;
                }
                self.recover();
                if !committed.items.is_empty() {
                    let told = Told::Committed {
                        chunk: committed.chunk,
                        items: committed.items,
                    };
                    // Where nobody delivers any more, they stay in the spool.
                    let _ = self.told.blocking_send(told);
                }
                for then in self.admitted.drain(..) {
                    then();
                }
            }
            Err(error) => self.fail(&error, now),
        }
    }

    /// Tells the end once everything that was appended is durable.
    fn finish(&mut self) {
        if self.ended && self.waiting.is_empty() && self.admitted.is_empty() {
            self.ended = false;
            let _ = self.told.blocking_send(Told::Ended);
        }
    }

    fn fail(&mut self, error: &rusqlite::Error, now: Instant) {
        let fault = in_words(error, self.spool.folder());
        if self.fault.as_ref() != Some(&fault) {
            self.tell(format!(
                "{fault}; the feed is not read until it can be written, nothing is lost"
            ));
        }
        self.fault = Some(fault);
        self.retry_at = Some(now + AGAIN);
        self.publish(now);
    }

    fn recover(&mut self) {
        self.retry_at = None;
        if self.fault.take().is_some() {
            self.tell("the spool can be written again".to_owned());
        }
    }

    /// Looks for what others changed, and tells how it stands.
    fn look(&mut self, now: Instant) {
        self.looked = Some(now);
        match self.spool.look_around() {
            Ok(false) => {}
            Ok(true) => {
                self.letters_changed = true;
                if self.spool.appended_bytes() > 0 {
                    self.oldest.get_or_insert(now);
                }
            }
            Err(error) => tracing::warn!("{}", in_words(&error, self.spool.folder())),
        }
        if now - self.retained >= RETENTION && !self.settings.keep_dead_letters.is_zero() {
            self.retained = now;
            self.retain(now);
        }
        for told in self.spool.take_damage().told {
            self.tell(told);
        }
        self.publish(now);
    }

    fn retain(&mut self, now: Instant) {
        let keep = self.settings.keep_dead_letters.as_millis() as i64;
        match self.spool.forget_letters(time::now() - keep) {
            Ok(0) => {}
            Ok(count) => {
                self.unwritten.get_or_insert(now);
                self.letters_changed = true;
                self.tell(format!(
                    "{count} dead letters are older than spool.keep_dead_letters and are gone"
                ));
            }
            Err(error) => tracing::warn!("{}", in_words(&error, self.spool.folder())),
        }
    }

    fn publish(&mut self, now: Instant) {
        let mut row = self.spool.row();
        row.quota_bytes = self.settings.quota_bytes;
        row.fault.clone_from(&self.fault);
        row.full = self.full;
        if row.is_nearly_full() != self.warned {
            self.warned = row.is_nearly_full();
            if self.warned {
                self.tell(format!(
                    "the spool has reached {} % of its quota; at 100 % the feed is not read",
                    row.percent()
                ));
            }
        }
        let mut letters = self.publish.borrow().letters.clone();
        let stale = self.letters_changed || row.letters != self.publish.borrow().row.letters;
        if stale && self.listed.is_none_or(|at| now - at >= LIST) {
            match self.spool.letter_rows() {
                Ok(rows) => letters = Arc::new(rows),
                Err(error) => tracing::warn!("{}", in_words(&error, self.spool.folder())),
            }
            self.letters_changed = false;
            self.listed = Some(now);
        }
        self.letters_changed |= stale && self.listed != Some(now);
        self.publish.send_replace(Published { row, letters });
    }

    fn tell(&self, notice: String) {
        // The observer ends last.
        let _ = self.notices.send(notice);
    }
}

/// What went wrong with the file, to what, and what to do.
fn in_words(error: &rusqlite::Error, folder: PathBuf) -> String {
    let folder = folder.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            format!("the disk with the spool {folder} is full: make room on it")
        }
        Some(ErrorCode::ReadOnly) => {
            format!("the spool {folder} can't be written to: make it writable")
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            format!("the spool {folder} can't be opened any more: check its rights")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            format!("another process holds the spool {folder} for long")
        }
        _ => format!("the spool {folder} can't be used: {error}"),
    }
}
