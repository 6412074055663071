//! The handle to the spool's thread. Requests never wait; the thread answers with events.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot, watch};

use crate::delivery::fence::Fence;
use crate::delivery::{History, Queued, SpoolPosition};

use super::lock::FolderLock;
use super::request::{Read, Request};
use super::spool::Spool;
use super::status_publisher::StatusPublisher;
use super::stream_items::{StreamItems, StreamLink};
use super::writer_thread::{Link, WriterThread};

pub use super::request::{Append, Published, Settlement, SpoolEvent, SpoolSettings};
pub use super::stream_items::StreamOutcome;

/// A handle to the spool's thread.
#[derive(Debug, Clone)]
pub struct SpoolHandle {
    requests: Sender<Request>,
    published: watch::Receiver<Published>,
    thread: Arc<Mutex<Option<JoinHandle<u64>>>>,
    folder: PathBuf,
}

impl SpoolHandle {
    /// Appends items. Returns whether the thread still runs.
    pub fn append(&self, append: Append) -> bool {
        self.requests.send(Request::Append(append)).is_ok()
    }

    /// Records the outcomes of items.
    pub fn settle(&self, settlement: Settlement) {
        self.send(Request::Settle(settlement));
    }

    /// Reads about `bytes` of the chunks behind `after`; [`SpoolEvent::Loaded`] answers.
    pub fn load(&self, after: u64, bytes: u64) {
        self.send(Request::Read(Read::Chunks { after, bytes }));
    }

    /// Reads items back, each with the given history. Damaged items are left out.
    pub async fn fetch(&self, positions: Vec<(SpoolPosition, History)>) -> Vec<Queued> {
        let (reply, items) = oneshot::channel();
        self.send(Request::Read(Read::Items { positions, reply }));
        // A thread that has ended replies nothing.
        items.await.unwrap_or_default()
    }

    /// Changes its settings.
    pub fn configure(&self, settings: SpoolSettings) {
        self.send(Request::Configure(settings));
    }

    /// Forgets the items of a partition of a shared stream, whose next holder sends them.
    pub fn release(&self, partition: u16, holding: u32) {
        self.send(Request::Release { partition, holding });
    }

    /// Announces that nothing more is appended.
    pub fn end(&self) {
        self.send(Request::End);
    }

    /// Writes what is not written yet, and closes the file. Returns the number of items that
    /// could not be written, and so were never accepted.
    pub fn close(&self) -> u64 {
        self.send(Request::Close);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // Its panic was printed when it happened.
        thread.map_or(0, |thread| thread.join().unwrap_or(0))
    }

    /// Its state, as it is published.
    pub fn published(&self) -> watch::Receiver<Published> {
        self.published.clone()
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn send(&self, request: Request) {
        // A thread that has ended was told to, or its panic was printed.
        let _ = self.requests.send(request);
    }
}

/// Starts the thread. `feed` is the name of the feed that messages are noted for, `events` goes
/// to the dispatcher, and `notices` to the operator.
pub fn start(
    spool: Spool,
    settings: SpoolSettings,
    feed: String,
    events: mpsc::Sender<SpoolEvent>,
    notices: mpsc::UnboundedSender<String>,
) -> std::io::Result<SpoolHandle> {
    let (requests, inbox) = channel();
    let (sender, receiver) = watch::channel(Published::default());
    let folder = spool.folder();
    let link = Link {
        inbox,
        events,
        publisher: StatusPublisher::new(sender, notices),
    };
    let writer = WriterThread::new(spool, settings, feed, link);
    let thread = std::thread::Builder::new()
        .name("spool".to_owned())
        .spawn(move || writer.run())?;
    Ok(SpoolHandle {
        requests,
        published: receiver,
        thread: Arc::new(Mutex::new(Some(thread))),
        folder,
    })
}

/// Starts a thread that keeps the items of a shared stream in memory, up to `max_bytes`, in the place
/// of a spool. The folder is for the other files of the run. `handed_over` gets the numbers of events that
/// are dropped with their partition.
pub fn start_stream(
    (fence, max_bytes): (Fence, usize),
    (folder, lock): (PathBuf, FolderLock),
    events: mpsc::Sender<SpoolEvent>,
    outcomes: mpsc::UnboundedSender<StreamOutcome>,
    handed_over: mpsc::UnboundedSender<Vec<u64>>,
) -> std::io::Result<SpoolHandle> {
    let (requests, inbox) = channel();
    let (published, receiver) = watch::channel(Published::default());
    let link = StreamLink {
        inbox,
        events,
        outcomes,
        handed_over,
        published,
        _lock: lock,
    };
    let items = StreamItems::new(link, fence, max_bytes);
    let thread = std::thread::Builder::new()
        .name("stream items".to_owned())
        .spawn(move || items.run())?;
    Ok(SpoolHandle {
        requests,
        published: receiver,
        thread: Arc::new(Mutex::new(Some(thread))),
        folder,
    })
}
