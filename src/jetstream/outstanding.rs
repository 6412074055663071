//! The messages of a partition that were received and are not settled.

use std::collections::BTreeMap;

use async_nats::jetstream::{AckKind, Message};
use tokio::time::Instant;

/// Messages that were received and are not settled, in the stream's order.
#[derive(Debug, Default)]
pub(super) struct Outstanding {
    messages: BTreeMap<u64, Waiting>,
    /// The last message that was received.
    last: u64,
}

#[derive(Debug)]
struct Waiting {
    message: Message,
    /// When the server was last told that it is in progress.
    told: Instant,
}

/// What a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// The message is received for the first time.
    New,
    /// It is being worked on.
    Known,
    /// It is settled, and the server doesn't know.
    Settled,
}

impl Outstanding {
    /// Begins behind a message.
    pub(super) fn after(floor: u64) -> Self {
        Self {
            messages: BTreeMap::new(),
            last: floor,
        }
    }

    /// Takes note of a delivery.
    pub(super) fn received(&mut self, sequence: u64, message: &Message, now: Instant) -> Delivery {
        let waiting = || Waiting {
            message: message.clone(),
            told: now,
        };
        if sequence > self.last {
            self.last = sequence;
            self.messages.insert(sequence, waiting());
            return Delivery::New;
        }
        match self.messages.get_mut(&sequence) {
            Some(known) => {
                // The new delivery is the one that the server waits for.
                *known = waiting();
                Delivery::Known
            }
            None => Delivery::Settled,
        }
    }

    /// The message, which stays.
    pub(super) fn get(&self, sequence: u64) -> Option<&Message> {
        self.messages.get(&sequence).map(|waiting| &waiting.message)
    }

    /// Removes a message that is settled.
    pub(super) fn settled(&mut self, sequence: u64) -> Option<Message> {
        let waiting = self.messages.remove(&sequence)?;
        Some(waiting.message)
    }

    /// Whether all that was received is settled.
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Everything up to this message is settled.
    pub(super) fn floor(&self) -> u64 {
        let first = self.messages.keys().next();
        first.map_or(self.last, |first| first - 1)
    }

    /// Tells the server of each message that was not settled for long that it is in progress, so that
    /// it is not delivered again. Returns false if the connection is unusable.
    pub(super) async fn keep_alive(&mut self, since: Instant, now: Instant) -> bool {
        for waiting in self.messages.values_mut() {
            if waiting.told > since {
                continue;
            }
            if waiting.message.ack_with(AckKind::Progress).await.is_err() {
                return false;
            }
            waiting.told = now;
        }
        true
    }
}
