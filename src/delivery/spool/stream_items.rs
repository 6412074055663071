//! The items of a shared stream, in the place of a spool.
//!
//! The stream itself keeps each event until it is acknowledged, so nothing is written here. This thread
//! keeps the items in memory, as far as `queue_bytes` go, and reports each message of the stream once
//! all of its items are settled. Where there is no more room, messages wait, and then the stream is
//! not read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use tokio::sync::{mpsc, watch};

use crate::amplitude::time::UnixMs;
use crate::delivery::fence::Fence;
use crate::delivery::{Accepted, History, Queued, SpoolPosition};
use crate::feed::Origin;

use super::dead_letter::DeadLetter;
use super::lock::FolderLock;
use super::request::{Append, Published, Read, Request, Settlement, SpoolEvent};
use super::status::SpoolStatus;

/// Interval at which the state is published.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(250);
/// Bytes that a stay in memory costs besides an item's body.
const ITEM_BYTES: usize = 256;

/// What became of messages of a stream.
#[derive(Debug)]
pub enum StreamOutcome {
    /// All items of a message are settled.
    Settled {
        /// The message.
        origin: Origin,
        /// Those of its items that can't be delivered.
        dead_letters: Vec<DeadLetter>,
    },
    /// The items of a partition are forgotten; no more of its messages will be settled.
    Released {
        /// The partition.
        partition: u16,
        /// The holding that has ended.
        holding: u32,
    },
}

/// The thread's channels.
pub(super) struct StreamLink {
    pub(super) inbox: Receiver<Request>,
    pub(super) events: mpsc::Sender<SpoolEvent>,
    pub(super) outcomes: mpsc::UnboundedSender<StreamOutcome>,
    /// The numbers of events that are dropped: the next holder of their partition sends them.
    pub(super) handed_over: mpsc::UnboundedSender<Vec<u64>>,
    pub(super) published: watch::Sender<Published>,
    /// Keeps other processes out of the folder as long as the thread runs.
    pub(super) _lock: FolderLock,
}

/// An item that is not settled.
struct Held {
    accepted: Accepted,
    history: History,
    not_before: Option<UnixMs>,
}

/// A message of the stream with items that are not settled, or whose events are still being judged.
#[derive(Default)]
struct Message {
    open: u32,
    /// Whether all of its events are judged.
    is_judged: bool,
    dead_letters: Vec<DeadLetter>,
}

/// The thread that keeps the items.
pub(super) struct StreamItems {
    link: StreamLink,
    fence: Fence,
    max_bytes: usize,
    items: BTreeMap<SpoolPosition, Held>,
    messages: FxHashMap<Origin, Message>,
    waiting: VecDeque<Append>,
    chunk: u64,
    bytes: usize,
    dead_letters: u64,
    is_ended: bool,
    published: Instant,
}

impl StreamItems {
    pub(super) fn new(link: StreamLink, fence: Fence, max_bytes: usize) -> Self {
        Self {
            link,
            fence,
            max_bytes,
            items: BTreeMap::new(),
            messages: FxHashMap::default(),
            waiting: VecDeque::new(),
            chunk: 0,
            bytes: 0,
            dead_letters: 0,
            is_ended: false,
            published: Instant::now(),
        }
    }

    /// Runs until it is closed. Returns 0: what is not settled stays in the stream.
    pub(super) fn run(mut self) -> u64 {
        loop {
            let mut close = match self.link.inbox.recv_timeout(PUBLISH_INTERVAL) {
                Ok(request) => self.handle(request),
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            while !close && let Ok(request) = self.link.inbox.try_recv() {
                close = self.handle(request);
            }
            self.admit();
            let now = Instant::now();
            let was_emptied =
                self.items.is_empty() && self.link.published.borrow().status.items > 0;
            if close || was_emptied || now - self.published >= PUBLISH_INTERVAL {
                self.publish(now);
            }
            if close {
                return 0;
            }
            if self.is_ended && self.waiting.is_empty() {
                self.is_ended = false;
                self.send(SpoolEvent::Ended);
            }
        }
    }

    /// Does what can be done at once. Returns whether to close.
    fn handle(&mut self, request: Request) -> bool {
        match request {
            Request::Append(append) => self.waiting.push_back(append),
            Request::Settle(settlement) => self.settle(settlement),
            Request::Read(Read::Chunks { after, bytes }) => self.read_chunks(after, bytes),
            Request::Read(Read::Items { positions, reply }) => {
                // The requester may have been cut off.
                let _ = reply.send(self.fetch(&positions));
            }
            // Its memory is the queue's, which is set once.
            Request::Configure(_) => {}
            Request::Release { partition, holding } => self.release(partition, holding),
            Request::End => self.is_ended = true,
            Request::Close => return true,
        }
        false
    }

    /// Takes waiting items, as far as there is room.
    fn admit(&mut self) {
        let (mut admitted, mut handed_over) = (Vec::new(), Vec::new());
        while let Some(append) = self.waiting.front() {
            let bytes: usize = append.accepted.iter().map(size_bytes).sum();
            if bytes > 0 && self.bytes > 0 && self.bytes + bytes > self.max_bytes {
                break;
            }
            let Some(append) = self.waiting.pop_front() else {
                break;
            };
            // Receipt is reported before delivery begins.
            (append.on_durable)();
            for accepted in append.accepted {
                let sequence = accepted.sequence;
                match self.take(accepted, admitted.len() as u32) {
                    Some(queued) => admitted.push(queued),
                    None => handed_over.push(sequence),
                }
            }
            for origin in append.received {
                // Items of a partition that is no longer held were not taken, and settle nothing.
                if self.fence.is_current(origin) {
                    self.messages.entry(origin).or_default().is_judged = true;
                    self.settle_message(origin);
                }
            }
        }
        self.report_handed_over(handed_over);
        if !admitted.is_empty() {
            self.chunk += 1;
            self.send(SpoolEvent::Committed {
                chunk: self.chunk,
                items: admitted,
            });
        }
    }

    /// Takes an item into the next chunk, unless its partition is no longer held.
    fn take(&mut self, accepted: Accepted, item: u32) -> Option<Queued> {
        let origin = accepted.origin?;
        if !self.fence.is_current(origin) {
            return None;
        }
        self.messages.entry(origin).or_default().open += 1;
        self.bytes += size_bytes(&accepted);
        let position = SpoolPosition {
            chunk: self.chunk + 1,
            item,
        };
        let held = Held {
            accepted: accepted.clone(),
            history: History::default(),
            not_before: None,
        };
        self.items.insert(position, held);
        Some(Queued {
            accepted,
            position,
            history: History::default(),
        })
    }

    fn settle(&mut self, settlement: Settlement) {
        for position in settlement.settled {
            self.settle_item(position, None);
        }
        for (position, history) in settlement.rescheduled {
            if let Some(held) = self.items.get_mut(&position) {
                held.history = history;
                held.not_before = Some(settlement.next_ms);
            }
        }
        for (position, letter) in settlement.dead_letters {
            self.dead_letters += 1;
            self.settle_item(position, Some(letter));
        }
    }

    fn settle_item(&mut self, position: SpoolPosition, letter: Option<DeadLetter>) {
        let Some(held) = self.items.remove(&position) else {
            return;
        };
        self.bytes -= size_bytes(&held.accepted);
        let Some(origin) = held.accepted.origin else {
            return;
        };
        if let Some(message) = self.messages.get_mut(&origin) {
            message.open -= 1;
            message.dead_letters.extend(letter);
        }
        self.settle_message(origin);
    }

    /// Reports a message if it is settled.
    fn settle_message(&mut self, origin: Origin) {
        let is_settled = |message: &Message| message.is_judged && message.open == 0;
        if !self.messages.get(&origin).is_some_and(is_settled) {
            return;
        }
        let message = self.messages.remove(&origin).unwrap_or_default();
        self.report(StreamOutcome::Settled {
            origin,
            dead_letters: message.dead_letters,
        });
    }

    fn release(&mut self, partition: u16, holding: u32) {
        let is_of = |origin: Origin| origin.partition == partition && origin.holding == holding;
        let (mut released, mut handed_over) = (0, Vec::new());
        self.items.retain(|_, held| {
            let keeps = !held.accepted.origin.is_some_and(is_of);
            if !keeps {
                released += size_bytes(&held.accepted);
                handed_over.push(held.accepted.sequence);
            }
            keeps
        });
        self.bytes -= released;
        self.messages.retain(|origin, _| !is_of(*origin));
        self.report_handed_over(handed_over);
        self.report(StreamOutcome::Released { partition, holding });
    }

    fn read_chunks(&self, after: u64, max_bytes: u64) {
        let from = SpoolPosition {
            chunk: after + 1,
            item: 0,
        };
        let (mut items, mut bytes, mut last_chunk) = (Vec::new(), 0, after);
        for (position, held) in self.items.range(from..) {
            if position.chunk != last_chunk && bytes >= max_bytes {
                break;
            }
            last_chunk = position.chunk;
            bytes += held.accepted.item.body.len() as u64;
            items.push((held.queued(*position, held.history), held.not_before));
        }
        if items.is_empty() {
            last_chunk = self.chunk;
        }
        self.send(SpoolEvent::Loaded { items, last_chunk });
    }

    fn fetch(&self, positions: &[(SpoolPosition, History)]) -> Vec<Queued> {
        let found = positions.iter().filter_map(|(position, history)| {
            let held = self.items.get(position)?;
            Some(held.queued(*position, *history))
        });
        found.collect()
    }

    fn publish(&mut self, now: Instant) {
        self.published = now;
        let oldest = self.items.values().next();
        let status = SpoolStatus {
            items: self.items.len() as u64,
            bytes: self.bytes as u64,
            quota_bytes: self.max_bytes as u64,
            oldest_ms: oldest.map(|held| held.accepted.received_ms),
            dead_letters: self.dead_letters,
            full: !self.waiting.is_empty(),
            ..SpoolStatus::default()
        };
        let published = Published {
            status,
            dead_letters: Arc::default(),
        };
        if *self.link.published.borrow() != published {
            self.link.published.send_replace(published);
        }
    }

    fn report_handed_over(&self, events: Vec<u64>) {
        if !events.is_empty() {
            // At the end nobody counts them any more.
            let _ = self.link.handed_over.send(events);
        }
    }

    fn report(&self, outcome: StreamOutcome) {
        // Where nobody acknowledges any more, the stream delivers the message again.
        let _ = self.link.outcomes.send(outcome);
    }

    fn send(&self, event: SpoolEvent) {
        // Where the dispatcher has ended, the items stay in the stream.
        let _ = self.link.events.blocking_send(event);
    }
}

impl Held {
    fn queued(&self, position: SpoolPosition, history: History) -> Queued {
        Queued {
            accepted: self.accepted.clone(),
            position,
            history,
        }
    }
}

fn size_bytes(accepted: &Accepted) -> usize {
    accepted.item.body.len() + ITEM_BYTES
}

#[cfg(test)]
mod tests;
