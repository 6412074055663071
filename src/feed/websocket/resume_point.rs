//! The message behind which the feed resumes, and when the feed goes on without it.
//!
//! A server can refuse the id for as long as it is asked for it: it does not know the id any more,
//! or what it sends behind that message breaks the protocol. After [`FAILURES`] such failures in a
//! row the feed connects without the id. Where that works, and the id fails once more, the id is
//! the cause, and is given up. A server that is down for a moment costs no id that way.

use crate::feed::message_id::MessageId;

/// Failures in a row before the server is tried without the id.
const FAILURES: u32 = 2;

/// The purpose of the next connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NextConnection {
    /// To receive messages: those behind this one, or those from now on.
    Receive(Option<MessageId>),
    /// To find out whether the server works without the id.
    Probe,
}

/// The message behind which the feed resumes.
#[derive(Debug, Default)]
pub(super) struct ResumePoint {
    id: Option<MessageId>,
    step: Step,
}

/// The stages of suspecting an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It failed this often in a row.
    Failed(u32),
    /// The server works without it. If it fails again, it is given up.
    Confirm,
    /// It is not asked for any more.
    GivenUp,
}

impl Default for Step {
    fn default() -> Self {
        Self::Failed(0)
    }
}

impl ResumePoint {
    /// Returns the purpose of the next connection; `last` is the last message that was received.
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

    /// Records that a connection to receive failed or ended; `may_be_id` says whether the id can
    /// be the cause. Returns the id if it is given up with that.
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
        assert_eq!(point.failed(true), None, "it is told once");
        assert_eq!(point.next(Some(id("a"))), NextConnection::Receive(None));
        assert_eq!(
            point.next(Some(id("b"))),
            NextConnection::Receive(Some(id("b")))
        );
    }

    #[test]
    fn a_server_that_is_down_for_a_moment_costs_no_id() {
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
    fn what_was_never_received_is_not_asked_for() {
        let mut point = ResumePoint::default();
        for _ in 0..5 {
            assert_eq!(point.next(None), NextConnection::Receive(None));
            assert_eq!(point.failed(true), None);
        }
    }
}
