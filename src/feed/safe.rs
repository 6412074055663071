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
        let Some(message) = message else { return };
        // Between two events that are under way, only the newest message matters: so what is
        // kept is bounded by what is under way, however long that takes.
        let newest_open = self.under_way.last().copied().unwrap_or(0);
        if self
            .messages
            .back()
            .is_some_and(|(before, _)| *before >= newest_open)
        {
            self.messages.pop_back();
        }
        self.messages.push_back((sequence, message.clone()));
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

    #[test]
    fn messages_behind_one_that_is_stuck_take_no_memory_and_are_told_at_once_when_it_settles() {
        let mut safe = Safe::default();
        let id = |n: u64| MessageId::from(format!("m{n}"));
        safe.received(1, Some(&id(1)), true);
        for n in 2..=10_000 {
            safe.received(n, Some(&id(n)), false);
        }
        assert!(safe.messages.len() <= 2, "{}", safe.messages.len());
        assert_eq!(safe.advance(), None);
        safe.settled(1);
        assert_eq!(safe.advance().as_deref(), Some("m10000"));
    }
}
