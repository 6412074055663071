//! The pipeline's end of the ledger's channel.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender};

use super::key::HashKey;
use super::last_audit::{LastAudit, Shared};
use super::note::{Note, Noted};
use super::row::NewRow;
use crate::amplitude::time::{self, UnixMs};
use crate::text::grouped;

/// Batches that wait for the thread. Each is what intake or delivery reports at once.
const WAITING: usize = 1_024;
/// Rows that wait for the thread, in about 3 MB. It takes them within milliseconds unless the disk
/// is slow.
const WAITING_ROWS: usize = 32_768;

/// A message to the thread.
pub(super) enum Message {
    Rows(Vec<NewRow>),
    Note(Noted),
}

/// The thread's end of the channel.
pub(super) struct Messages {
    receiver: mpsc::Receiver<Message>,
    waiting_rows: Arc<AtomicUsize>,
}

impl Messages {
    /// Receives the next message, within a time.
    pub(super) fn receive(
        &self,
        within: std::time::Duration,
    ) -> Result<Message, mpsc::RecvTimeoutError> {
        let message = self.receiver.recv_timeout(within)?;
        if let Message::Rows(rows) = &message {
            self.waiting_rows.fetch_sub(rows.len(), Ordering::Relaxed);
        }
        Ok(message)
    }
}

/// The pipeline's end of the channel.
#[derive(Debug)]
pub struct Recorder {
    sender: SyncSender<Message>,
    waiting_rows: Arc<AtomicUsize>,
    key: HashKey,
    last_audit: Shared,
    lost: Option<Lost>,
}

/// Rows that were left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lost {
    pub(super) rows: u64,
    pub(super) since_ms: UnixMs,
}

impl Lost {
    /// Begins to count now.
    pub(super) fn begin() -> Self {
        Self {
            rows: 0,
            since_ms: time::now(),
        }
    }

    /// The note of it, at this time.
    pub(super) fn noted(self) -> Noted {
        let Self { rows, since_ms } = self;
        Noted {
            at_ms: time::now(),
            note: Note::Lost { rows, since_ms },
        }
    }

    /// What was left out, for the operator.
    pub(super) fn text(self) -> String {
        format!(
            "{} decisions and outcomes since {} are not in it, and an audit will report them as missing",
            grouped(self.rows),
            time::to_stamp_seconds(self.since_ms)
        )
    }
}

/// The two ends of a channel.
pub(super) fn channel(key: HashKey, last_audit: Shared) -> (Recorder, Messages) {
    let (sender, receiver) = mpsc::sync_channel(WAITING);
    let waiting_rows = Arc::<AtomicUsize>::default();
    let recorder = Recorder {
        sender,
        waiting_rows: waiting_rows.clone(),
        key,
        last_audit,
        lost: None,
    };
    let messages = Messages {
        receiver,
        waiting_rows,
    };
    (recorder, messages)
}

impl Recorder {
    /// The key of the hashes.
    pub fn key(&self) -> &HashKey {
        &self.key
    }

    /// The result of the last audit; none before there was one.
    pub fn last_audit(&self) -> Option<Arc<LastAudit>> {
        self.last_audit.load_full()
    }

    /// Records rows. Returns a text for the operator when rows begin to be left out, and when they are
    /// taken again.
    pub fn record(&mut self, rows: Vec<NewRow>) -> Option<String> {
        if rows.is_empty() {
            return None;
        }
        let (was_lost, count) = (self.lost, rows.len() as u64);
        if self.has_room(rows.len()) && self.note_lost() && self.send_rows(rows) {
            return was_lost.map(|lost| format!("the ledger keeps up again: {}", lost.text()));
        }
        self.lost.get_or_insert_with(Lost::begin).rows += count;
        was_lost.is_none().then(|| {
            "the ledger can't keep up with the events, and leaves some out: give it a faster disk \
             (ledger.folder)"
                .to_owned()
        })
    }

    /// Records a note.
    pub fn note(&mut self, note: Note) {
        let at_ms = time::now();
        if !self.send(Message::Note(Noted { at_ms, note })) {
            tracing::warn!("the ledger can't keep up, and leaves out a note");
        }
    }

    /// Whether so many rows can wait. Once some were left out, half of the room must be free: a thread
    /// that is a little too slow is told once.
    fn has_room(&self, rows: usize) -> bool {
        let waiting = self.waiting_rows.load(Ordering::Relaxed);
        let most = if self.lost.is_some() {
            WAITING_ROWS / 2
        } else {
            WAITING_ROWS
        };
        // A batch that is larger than the bound is taken by a thread that has nothing else.
        waiting == 0 || waiting + rows <= most
    }

    /// Notes how many rows were lost. Returns whether nothing is lost now.
    fn note_lost(&mut self) -> bool {
        if let Some(lost) = self.lost
            && self.send(Message::Note(lost.noted()))
        {
            self.lost = None;
        }
        self.lost.is_none()
    }

    fn send_rows(&self, rows: Vec<NewRow>) -> bool {
        let count = rows.len();
        // Before they are sent: the thread takes them off as soon as it has them.
        self.waiting_rows.fetch_add(count, Ordering::Relaxed);
        let is_sent = self.send(Message::Rows(rows));
        if !is_sent {
            self.waiting_rows.fetch_sub(count, Ordering::Relaxed);
        }
        is_sent
    }

    /// Sends a message, unless the channel is full or its other end is gone.
    fn send(&self, message: Message) -> bool {
        self.sender.try_send(message).is_ok()
    }
}

impl Drop for Recorder {
    /// The end of the pipeline: a count that could not be noted is in the log.
    fn drop(&mut self) {
        if let Some(lost) = self.lost
            && !self.note_lost()
        {
            tracing::error!("the ledger did not keep up until the end: {}", lost.text());
        }
    }
}
