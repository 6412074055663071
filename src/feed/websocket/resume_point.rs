//! The message after which the feed resumes, and the decision to continue without it.
//!
//! A server may fail each time it is asked to resume after an id: it does not know the id any more,
//! or its next message breaks the protocol. After [`FAILURES`] such failures in a row, the feed
//! connects without the id. If that works and the id then fails once more, the id is the cause, and
//! is given up. A short outage of the server costs no id this way.

use crate::feed::message_id::MessageId;

/// Consecutive failures before the feed connects without the id.
const FAILURES: u32 = 2;

/// The purpose of the next connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NextConnection {
    /// Receive the messages after this one, or only new ones.
    Receive(Option<MessageId>),
    /// Test whether the server works without the id.
    Probe,
}

/// The message after which the feed resumes.
#[derive(Debug, Default)]
pub(super) struct ResumePoint {
    id: Option<MessageId>,
    step: Step,
}

/// The state of the suspicion that an id is the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Number of consecutive failures.
    Failed(u32),
    /// The server works without the id. One more failure gives it up.
    Confirm,
    /// The id is not used any more.
    GivenUp,
}

impl Default for Step {
    fn default() -> Self {
        Self::Failed(0)
    }
}

impl ResumePoint {
    /// Returns the purpose of the next connection; `last` is the last received message.
    pub(super) fn next(&mut self, last: Option<MessageId>) -> NextConnection {
        if self.id != last {
            *self = Self {
                id: last,
                step: Step::default(),
            };
        }
        match self.step {
            _ if self.id.is_none() => NextConnection::Receive(None),
            Step::Failed(FAILURES..) => NextConnection::Probe,
            Step::Failed(_) | Step::Confirm => NextConnection::Receive(self.id.clone()),
            Step::GivenUp => NextConnection::Receive(None),
        }
    }

    /// Records whether the server works without the id.
    pub(super) fn probed(&mut self, works: bool) {
        self.step = if works {
            Step::Confirm
        } else {
            Step::default()
        };
    }

    /// Records that a connection for receiving failed or ended; `may_be_id` says whether the id can
    /// be the cause. Returns the id if this gives it up.
    pub(super) fn failed(&mut self, may_be_id: bool) -> Option<MessageId> {
        let given_up = self.step == Step::Confirm && may_be_id;
        self.step = match self.step {
            Step::GivenUp => Step::GivenUp,
            _ if given_up => Step::GivenUp,
            Step::Failed(times) if may_be_id => Step::Failed(times + 1),
            Step::Failed(_) | Step::Confirm => Step::default(),
        };
        self.id.clone().filter(|_| given_up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> MessageId {
        text.into()
    }

    #[test]
    fn an_id_is_given_up_once_the_server_works_without_it_and_fails_with_it_again() {
        let mut point = ResumePoint::default();
        for _ in 0..FAILURES {
            assert_eq!(
                point.next(Some(id("a"))),
                NextConnection::Receive(Some(id("a")))
            );
            assert_eq!(point.failed(true), None);
        }
        assert_eq!(point.next(Some(id("a"))), NextConnection::Probe);
        point.probed(true);
        assert_eq!(
            point.next(Some(id("a"))),
            NextConnection::Receive(Some(id("a")))
        );
        assert_eq!(point.failed(true), Some(id("a")));
        assert_eq!(point.next(Some(id("a"))), NextConnection::Receive(None));
        assert_eq!(point.failed(true), None, "it is reported once");
        assert_eq!(point.next(Some(id("a"))), NextConnection::Receive(None));
        assert_eq!(
            point.next(Some(id("b"))),
            NextConnection::Receive(Some(id("b")))
        );
    }

    #[test]
    fn a_short_outage_costs_no_id() {
        let asked = NextConnection::Receive(Some(id("a")));
        let mut point = ResumePoint::default();
        let mut probe = || {
            for _ in 0..FAILURES {
                assert_eq!(point.next(Some(id("a"))), asked);
                assert_eq!(point.failed(true), None);
            }
            assert_eq!(point.next(Some(id("a"))), NextConnection::Probe);
        };
        probe();
        point.probed(false);
        assert_eq!(
            point.next(Some(id("a"))),
            asked,
            "it fails without the id too"
        );
        let mut point = ResumePoint::default();
        for may_be_id in [true, false, true, false] {
            assert_eq!(point.next(Some(id("a"))), asked, "not twice in a row");
            assert_eq!(point.failed(may_be_id), None);
        }
    }

    #[test]
    fn without_a_received_message_nothing_is_resumed() {
        let mut point = ResumePoint::default();
        for _ in 0..5 {
            assert_eq!(point.next(None), NextConnection::Receive(None));
            assert_eq!(point.failed(true), None);
        }
    }
}
