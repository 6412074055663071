//! Up to which message all events are safe, so that the feed may forget them.
//!
//! Events settle in any order; a message may be acknowledged only when everything that
//! came up to it has settled.

use std::collections::{BTreeSet, VecDeque};

use super::MessageId;

/// Follows the events that are under way and the messages that brought them.
#[derive(Debug, Default)]
pub struct Safe {
    under_way: BTreeSet<u64>,
    messages: VecDeque<(u64, MessageId)>,
}

impl Safe {
    /// Event `sequence` came with a message. `accepted` events are under way until they settle.
    pub fn received(&mut self, sequence: u64, message: Option<&MessageId>, accepted: bool) {
        if accepted {
            self.under_way.insert(sequence);
        }
        if let Some(message) = message {
            self.messages.push_back((sequence, message.clone()));
        }
    }

    /// Event `sequence` is settled.
    pub fn settled(&mut self, sequence: u64) {
        self.under_way.remove(&sequence);
    }

    /// The newest message that is safe and was not told before.
    pub fn advance(&mut self) -> Option<MessageId> {
        let first_open = self.under_way.first().copied().unwrap_or(u64::MAX);
        let mut newest = None;
        while self
            .messages
            .front()
            .is_some_and(|(sequence, _)| *sequence < first_open)
        {
            newest = self.messages.pop_front().map(|(_, message)| message);
        }
        newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_safe_only_when_all_before_it_are() {
        let mut safe = Safe::default();
        for n in 1..=4_u64 {
            let id: MessageId = format!("m{n}").into();
            safe.received(n, Some(&id), n != 2);
        }
        safe.settled(3);
        assert_eq!(safe.advance(), None, "1 is still under way");
        safe.settled(1);
        assert_eq!(safe.advance().as_deref(), Some("m3"));
        assert_eq!(safe.advance(), None);
        safe.settled(4);
        assert_eq!(safe.advance().as_deref(), Some("m4"));
    }
}
