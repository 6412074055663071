//! Where accepted items are kept until they are settled: in a spool, or by a shared stream.

use std::path::PathBuf;

use tokio::sync::mpsc;

use crate::config::Settings;
use crate::delivery::fence::Fence;
use crate::delivery::spool::writer::{self, SpoolEvent, SpoolHandle};
use crate::delivery::spool::{FolderLock, Spool, SpoolError};
use crate::jetstream::{GroupHandle, StreamEnds};

/// Where a pipeline keeps accepted items until they are settled.
#[derive(Debug)]
pub enum Storage {
    /// On disk.
    Spool(Box<Spool>),
    /// In the shared stream that they come from.
    Stream(StreamStorage),
}

/// A shared stream that keeps events until they are settled.
#[derive(Debug)]
pub struct StreamStorage {
    /// The ends of the stream.
    pub ends: StreamEnds,
    /// The group of forwarders that share it.
    pub group: GroupHandle,
    /// The folder of the run's other files: its status, its ledger, its changes.
    pub folder: PathBuf,
    /// The lock of the folder.
    pub lock: FolderLock,
}

/// Storage that runs.
pub(super) struct RunningStorage {
    pub(super) handle: SpoolHandle,
    /// The number of the newest chunk of earlier runs.
    pub(super) newest: u64,
    /// What is to be sent.
    pub(super) to_send: mpsc::Receiver<SpoolEvent>,
    /// The numbers of events that were dropped with their partition.
    pub(super) handed_over: mpsc::UnboundedReceiver<Vec<u64>>,
}

impl From<Spool> for Storage {
    fn from(spool: Spool) -> Self {
        Self::Spool(Box::new(spool))
    }
}

impl Storage {
    /// Takes the storage for a destination. Fails if a spool has items for another one.
    pub(super) fn belong_to(&mut self, destination: &str) -> Result<(), SpoolError> {
        match self {
            Self::Spool(spool) => spool.belong_to(destination),
            Self::Stream(_) => Ok(()),
        }
    }

    /// The last message of the feed that an earlier run received.
    pub(super) fn last_message(&self, feed: &str) -> Option<String> {
        match self {
            Self::Spool(spool) => spool.last_message(feed).map(Into::into),
            Self::Stream(_) => None,
        }
    }

    /// The dedupe ids in it, up to a number, oldest first. If they can't be read, a repeated event is
    /// sent again under the same id, and Customer.io keeps one.
    pub(super) fn recent_ids(&self, max: usize) -> Vec<u128> {
        match self {
            Self::Spool(spool) => spool.recent_ids(max).unwrap_or_default(),
            Self::Stream(_) => Vec::new(),
        }
    }

    /// The folder of the run's files.
    pub(super) fn folder(&self) -> PathBuf {
        match self {
            Self::Spool(spool) => spool.folder(),
            Self::Stream(stream) => stream.folder.clone(),
        }
    }

    /// The group that shares the stream, if it is one.
    pub(super) fn group(&self) -> Option<GroupHandle> {
        match self {
            Self::Spool(_) => None,
            Self::Stream(stream) => Some(stream.group.clone()),
        }
    }

    /// The partitions that this process may send for, with a shared stream.
    pub(super) fn fence(&self) -> Option<Fence> {
        match self {
            Self::Spool(_) => None,
            Self::Stream(stream) => Some(stream.ends.fence.clone()),
        }
    }

    /// Starts its thread. `feed` is the name of the feed.
    pub(super) fn start(
        self,
        settings: &Settings,
        feed: String,
        notices: &mpsc::UnboundedSender<String>,
    ) -> std::io::Result<RunningStorage> {
        let (events, to_send) = mpsc::channel(SPOOL_EVENTS);
        let (dropped, handed_over) = mpsc::unbounded_channel();
        let (handle, newest) = match self {
            Self::Spool(spool) => {
                let newest = spool.newest();
                let own = settings.spool();
                (
                    writer::start(*spool, own, feed, events, notices.clone())?,
                    newest,
                )
            }
            Self::Stream(stream) => {
                let ends = stream.ends;
                let room = (ends.fence, settings.delivery.queue_bytes);
                let place = (stream.folder, stream.lock);
                let handle = writer::start_stream(room, place, events, ends.outcomes, dropped)?;
                // It is set once, here.
                let _ = ends.items.set(handle.clone());
                (handle, 0)
            }
        };
        Ok(RunningStorage {
            handle,
            newest,
            to_send,
            handed_over,
        })
    }
}

/// Chunks of items that wait for delivery in memory.
const SPOOL_EVENTS: usize = 2;
