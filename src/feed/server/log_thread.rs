//! The thread that writes a server's log.

use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use bytestring::ByteString;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::amplitude::time;
use crate::feed::log::{Log, LogError, Position};

use super::lock::lock;
use super::log_writer::{LogRequest, LogStatus, LogWriter};
use super::message::with_id;
use super::repair::Repair;
use super::shared::Shared;

/// Maximum number of events per commit; one request may exceed it.
const COMMIT_EVENTS: usize = 5_000;
/// Interval of pruning.
const PRUNE_EVERY: Duration = Duration::from_secs(10);

/// The writer of a log: runs on its own thread, and ends with the server.
pub(super) struct LogThread {
    log: Log,
    repair: Repair,
    requests: Receiver<LogRequest>,
    status: Arc<Mutex<LogStatus>>,
}

/// The requests that go into one commit.
#[derive(Default)]
struct Batch {
    messages: Vec<(Uuid, ByteString)>,
    positions: HashMap<String, Option<Position>>,
    publishers: Vec<oneshot::Sender<Result<(), LogError>>>,
    /// Readers that found damage, with the result of the repair.
    readers: Vec<(oneshot::Sender<bool>, bool)>,
}

impl LogThread {
    /// Prepares the thread for a log. Returns it with its counterpart for async tasks.
    pub(super) fn new(log: Log) -> Result<(LogWriter, Self), LogError> {
        let (sender, requests) = mpsc::channel();
        let status = Arc::new(Mutex::new(LogStatus::default()));
        let reader = Arc::new(Mutex::new(log.reader()?));
        let writer = LogWriter::new(sender, reader.clone(), status.clone());
        let thread = Self {
            log,
            repair: Repair::new(reader),
            requests,
            status,
        };
        Ok((writer, thread))
    }

    /// Starts the thread.
    pub(super) fn start(mut self, shared: &Arc<Shared>) -> Result<(), LogError> {
        let shared = Arc::downgrade(shared);
        self.report(None);
        std::thread::Builder::new()
            .name("feed-log".to_owned())
            .spawn(move || self.run(&shared))
            .map(drop)
            .map_err(|source| LogError::NoThread { source })
    }

    fn run(mut self, shared: &Weak<Shared>) {
        let mut pruned = Instant::now();
        loop {
            let first = match self.requests.recv_timeout(PRUNE_EVERY) {
                Ok(request) => Some(request),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let Some(shared) = shared.upgrade() else {
                return;
            };
            if let Some(first) = first {
                self.handle(&shared, first);
            }
            if pruned.elapsed() >= PRUNE_EVERY {
                pruned = Instant::now();
                self.prune();
                shared.forget_clients();
                let fault = lock(&self.status).fault.clone();
                self.report(fault);
            }
        }
    }

    /// Removes messages beyond the retention. A failure is retried at the next interval; a disk
    /// that fails is reported by writes.
    fn prune(&mut self) {
        loop {
            match self.log.prune(time::now()) {
                Ok(true) => {}
                Err(error) if self.repair.after_error(&mut self.log, &error).is_ok() => {}
                Ok(false) | Err(_) => return,
            }
        }
    }

    /// Updates the status.
    fn report(&mut self, fault: Option<String>) {
        let status = LogStatus {
            usage: self.log.usage(time::now()),
            retention_ms: self.log.retention().age.as_millis() as u64,
            fault,
            damage: self.log.damage().clone(),
        };
        *lock(&self.status) = status;
    }

    /// Commits all waiting requests at once, publishes their messages, and reports the result.
    fn handle(&mut self, shared: &Shared, first: LogRequest) {
        let batch = self.collect(shared, first);
        let (messages, positions) = (&batch.messages, &batch.positions);
        let written = self.log.write(messages, positions).or_else(|error| {
            self.repair.after_error(&mut self.log, &error)?;
            self.log.write(messages, positions)
        });
        if written.is_ok() {
            let mut ring = shared.ring();
            for (id, text) in batch.messages {
                ring.push(id, text, &shared.options);
            }
            drop(ring);
            shared.notify_published();
        }
        let error = written.err().map(|error| error.to_string());
        // Updated first: whoever gets an answer may ask for the status.
        self.report(error.clone());
        for (reader, is_sound) in batch.readers {
            let _ = reader.send(is_sound);
        }
        for publisher in batch.publishers {
            let result = match &error {
                None => Ok(()),
                Some(error) => Err(LogError::Unwritten(error.clone())),
            };
            // Fails if the publisher has gone.
            let _ = publisher.send(result);
        }
    }

    /// Takes the waiting requests, and repairs the file where one asks for it.
    fn collect(&mut self, shared: &Shared, first: LogRequest) -> Batch {
        let mut batch = Batch::default();
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                LogRequest::Publish(events, publisher) => {
                    for event in events {
                        let id = shared.ring().next_id();
                        batch.messages.push((id, with_id(&event, id)));
                    }
                    batch.publishers.push(publisher);
                }
                LogRequest::Position(name, position) => {
                    batch.positions.insert(name, position);
                }
                LogRequest::Repair(why, generation, reader) => {
                    let repaired = self.repair.generation(&mut self.log, &why, generation);
                    batch.readers.push((reader, repaired.is_ok()));
                }
            }
            next = match batch.messages.len() {
                ..COMMIT_EVENTS => self.requests.try_recv().ok(),
                _ => None,
            };
        }
        batch
    }
}
