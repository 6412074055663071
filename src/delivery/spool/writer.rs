//! How others speak to the thread that owns the spool: by requests, which never wait, and by
//! what it tells.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot, watch};

use crate::delivery::{History, Queued, SpoolPosition};

use super::Spool;
use super::request::{Read, Request};
use super::status_publisher::StatusPublisher;
use super::writer_thread::WriterThread;

pub use super::request::{Append, Published, Settings, Settlement, SpoolEvent};

/// How others speak to the thread.
#[derive(Debug, Clone)]
pub struct Handle {
    requests: Sender<Request>,
    published: watch::Receiver<Published>,
    thread: Arc<Mutex<Option<JoinHandle<u64>>>>,
    folder: PathBuf,
}

impl Handle {
    /// Appends what a few frames brought; whether there is anyone who does.
    pub fn append(&self, handful: Append) -> bool {
        self.requests.send(Request::Append(handful)).is_ok()
    }

    /// Writes down what became of some items.
    pub fn settle(&self, settlement: Settlement) {
        self.request(Request::Settle(settlement));
    }

    /// Asks for the chunks behind `after`, about `bytes` of them: [`SpoolEvent::Loaded`] answers.
    pub fn load(&self, after: u64, bytes: u64) {
        self.request(Request::Read(Read::Chunks { after, bytes }));
    }

    /// Reads items back, each with the history that it comes with. Those that are damaged are
    /// left out.
    pub async fn fetch(&self, positions: Vec<(SpoolPosition, History)>) -> Vec<Queued> {
        let (reply, items) = oneshot::channel();
        self.request(Request::Read(Read::Items { positions, reply }));
        // A thread that has ended has nothing to give.
        items.await.unwrap_or_default()
    }

    /// Changes its figures.
    pub fn retune(&self, settings: Settings) {
        self.request(Request::Retune(settings));
    }

    /// Health that nothing more is appended.
    pub fn end(&self) {
        self.request(Request::End);
    }

    /// Writes down what is not written yet, and closes the file. How many items could never be
    /// written, and so were never accepted.
    pub fn close(&self) -> u64 {
        self.request(Request::Close);
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

    fn request(&self, request: Request) {
        // A thread that has ended was told to, or its panic was printed.
        let _ = self.requests.send(request);
    }
}

/// Starts the thread. `feed` is where messages come from, `told` where what is durable goes,
/// `notices` where the operator is told.
pub fn start(
    spool: Spool,
    settings: Settings,
    feed: String,
    told: mpsc::Sender<SpoolEvent>,
    notices: mpsc::UnboundedSender<String>,
) -> std::io::Result<Handle> {
    let (requests, inbox) = channel();
    let (sender, receiver) = watch::channel(Published::default());
    let folder = spool.folder();
    let publisher = StatusPublisher::new(sender, notices);
    let writer = WriterThread::new(spool, settings, feed, inbox, told, publisher);
    let thread = std::thread::Builder::new()
        .name("spool".to_owned())
        .spawn(move || writer.run())?;
    Ok(Handle {
        requests,
        published: receiver,
        thread: Arc::new(Mutex::new(Some(thread))),
        folder,
    })
}
