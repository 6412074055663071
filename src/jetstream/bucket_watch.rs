//! The bucket of a group as it is, and as it changes.

use std::pin::Pin;
use std::time::Duration;

use async_nats::jetstream::kv::{Entry, Watch};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout_at};

use super::connection::Connection;
use super::error::{GroupError, InGroup as _};
use super::names;

/// Delay before the bucket is watched again after a failure.
const DELAY: Duration = Duration::from_millis(500);
/// What a failed request was for.
const WATCH: &str = "watch the group";

/// The entries of the bucket, and then those that change. After a failure, or where nothing comes for too
/// long, the bucket is read from its beginning again.
pub(super) struct BucketWatch {
    connection: Connection,
    keys: &'static str,
    /// Maximum time without an entry: a watch may be dead and not know it.
    silence: Duration,
    state: State,
}

enum State {
    Beginning(Beginning),
    Open(Box<OpenWatch>),
}

/// A request for a watch, which goes on while its owner does something else.
type Beginning = Pin<Box<dyn Future<Output = OpenWatch> + Send>>;

struct OpenWatch {
    entries: Watch,
    /// The last revision in the bucket when the watch began.
    last: u64,
    /// Whether it has come to that revision.
    is_current: bool,
    /// When the last entry came.
    heard: Instant,
}

impl BucketWatch {
    /// A watch of the entries whose keys match `keys`, of which one comes at least every `silence`.
    pub(super) fn new(connection: &Connection, keys: &'static str, silence: Duration) -> Self {
        Self {
            connection: connection.clone(),
            keys,
            silence,
            state: State::Beginning(Box::pin(begin(connection.clone(), keys))),
        }
    }

    /// Whether all entries were read that were there when the watch began. Only a watch of all keys knows
    /// it.
    pub(super) fn is_current(&self) -> bool {
        matches!(&self.state, State::Open(open) if open.is_current)
    }

    /// The next entry. Nothing is lost if the future is dropped.
    pub(super) async fn next(&mut self) -> Entry {
        loop {
            match &mut self.state {
                State::Beginning(beginning) => {
                    self.state = State::Open(Box::new(beginning.await));
                }
                State::Open(open) => {
                    match timeout_at(open.heard + self.silence, open.next()).await {
                        Ok(Ok(entry)) => return entry,
                        Ok(Err(error)) => tracing::debug!("{error}; it is tried again"),
                        Err(_) => tracing::debug!("NATS: nothing is heard of the group"),
                    }
                    let connection = self.connection.clone();
                    self.state = State::Beginning(Box::pin(begin(connection, self.keys)));
                }
            }
        }
    }
}

impl OpenWatch {
    async fn next(&mut self) -> Result<Entry, GroupError> {
        let entry = self.entries.next().await;
        let entry = entry.ok_or_else(|| GroupError::failed(WATCH, "the watch has ended"))?;
        let entry = entry.in_group(WATCH)?;
        self.heard = Instant::now();
        // Entries come in the order of their revisions. What the server says of how many are still to come
        // is wrong where one is written meanwhile.
        self.is_current |= entry.revision >= self.last;
        Ok(entry)
    }
}

/// Begins a watch, and tries again until it can.
async fn begin(connection: Connection, keys: &'static str) -> OpenWatch {
    loop {
        match connection.watch(keys).await {
            Ok(open) => return open,
            Err(error) => tracing::debug!("{error}; it is tried again"),
        }
        tokio::time::sleep(DELAY).await;
    }
}

impl Connection {
    async fn watch(&self, keys: &str) -> Result<OpenWatch, GroupError> {
        let entries = self.bucket.watch_with_history(keys).await.in_group(WATCH)?;
        let info = self.bucket.stream.get_info().await.in_group(WATCH)?;
        Ok(OpenWatch {
            entries,
            last: info.state.last_sequence,
            is_current: false,
            heard: Instant::now(),
        })
    }

    /// All entries of the bucket, as they are now.
    pub(super) async fn entries(&self) -> Result<Vec<Entry>, GroupError> {
        let mut watch = self.watch(names::ALL).await?;
        let mut entries = Vec::new();
        while !watch.is_current {
            entries.push(watch.next().await?);
        }
        Ok(entries)
    }
}
