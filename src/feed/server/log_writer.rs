//! The connection of a server to its log: requests to the thread that writes, and reads.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use bytestring::ByteString;
use serde::Serialize;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::feed::log::{Damage, LogError, LogReader, Position};
use crate::feed::usage::Usage;

use super::lock::lock;

/// Number of messages that one read returns.
const READ_MESSAGES: u32 = 256;
/// Maximum attempts of a read: each damage that it finds is repaired before the next one.
const READ_ATTEMPTS: u32 = 3;

/// The status of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LogStatus {
    /// Its size and age.
    #[serde(rename = "fill")]
    pub usage: Usage,
    /// Maximum age of a message, in milliseconds.
    #[serde(rename = "keep_ms")]
    pub retention_ms: u64,
    /// Why the last write or read failed, if it did.
    pub fault: Option<String>,
    /// The losses since the server started.
    pub damage: Damage,
}

/// A request to the thread that writes the log.
#[derive(Debug)]
pub(super) enum LogRequest {
    /// Write these events, publish them, and report it.
    Publish(Vec<String>, oneshot::Sender<Result<(), LogError>>),
    /// Write the position of a client, or delete it.
    Position(String, Option<Position>),
    /// Repair the file of this generation, in which a reader found damage, and report whether it
    /// is sound.
    Repair(String, u64, oneshot::Sender<bool>),
}

/// The log, as async tasks use it: nothing here blocks them.
#[derive(Debug)]
pub(super) struct LogWriter {
    requests: Sender<LogRequest>,
    reader: Arc<Mutex<LogReader>>,
    status: Arc<Mutex<LogStatus>>,
}

impl LogWriter {
    pub(super) fn new(
        requests: Sender<LogRequest>,
        reader: Arc<Mutex<LogReader>>,
        status: Arc<Mutex<LogStatus>>,
    ) -> Self {
        Self {
            requests,
            reader,
            status,
        }
    }

    /// Writes and publishes events. Returns once they are durable.
    pub(super) async fn publish(&self, events: Vec<String>) -> Result<(), LogError> {
        let (done, written) = oneshot::channel();
        let request = LogRequest::Publish(events, done);
        if self.requests.send(request).is_err() {
            return Err(LogError::Ended);
        }
        written.await.unwrap_or(Err(LogError::Ended))
    }

    /// Writes the position of a client in the background, or deletes it.
    pub(super) fn write_position(&self, name: String, position: Option<Position>) {
        // The thread ends with the server, which needs no positions any more.
        let _ = self.requests.send(LogRequest::Position(name, position));
    }

    pub(super) fn status(&self) -> LogStatus {
        lock(&self.status).clone()
    }

    /// Reads some messages after an id, and repairs a damaged file first; none if it is still
    /// unreadable.
    pub(super) async fn read_after(&self, id: Uuid) -> Option<Vec<(Uuid, ByteString)>> {
        let mut attempts = READ_ATTEMPTS;
        loop {
            let reader = self.reader.clone();
            let reading = tokio::task::spawn_blocking(move || {
                let reader = lock(&reader);
                (reader.after(id, READ_MESSAGES), reader.generation)
            });
            let (error, generation) = match reading.await.ok()? {
                (Ok(messages), _) => return Some(messages),
                (Err(error), generation) => (error, generation),
            };
            attempts -= 1;
            if attempts == 0 || !LogReader::is_damage(&error) {
                lock(&self.status).fault = Some(format!("the log can't be read: {error}"));
                tracing::error!("the log of messages can't be read: {error}");
                return None;
            }
            let (done, repaired) = oneshot::channel();
            let request = LogRequest::Repair(error.to_string(), generation, done);
            self.requests.send(request).ok()?;
            if !repaired.await.ok()? {
                return None;
            }
        }
    }
}
