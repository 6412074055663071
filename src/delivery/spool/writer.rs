//! How others speak to the thread that owns the spool: by orders, which never wait, and by
//! what it tells.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use crate::amplitude::time::UnixMs;

use super::board::Board;
use super::dead_letters::{DeadLetter, LetterRow};
use super::thread::Thread;
use super::{Accepted, History, Place, Queued, Spool, SpoolRow};

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

pub(super) enum Order {
    Append(Handful),
    Settle(Settlement),
    Read(Read),
    Retune(Settings),
    End,
    Close,
}

/// Something to be read back.
pub(super) enum Read {
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
#[derive(Debug, Clone, Default, PartialEq)]
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
    /// Appends what a few frames brought; whether there is anyone who does.
    pub fn append(&self, handful: Handful) -> bool {
        self.orders.send(Order::Append(handful)).is_ok()
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
    let board = Board::new(publish, notices);
    let writer = Thread::new(spool, settings, feed, inbox, told, board);
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
