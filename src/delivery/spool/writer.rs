//! How others speak to the thread that owns the spool: by orders, which never wait, and by
//! what it tells.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot, watch};

use crate::delivery::{History, Place, Queued};

use super::Spool;
use super::board::Board;
use super::orders::{Order, Read};
use super::thread::Thread;

pub use super::orders::{Handful, Published, Settings, Settlement, Told};

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
