//! The message behind which the feed resumes, and when the feed goes on without it.
//!
//! A server can refuse the id for as long as it is asked for it: it does not know the id any more,
//! or what it sends behind that message breaks the protocol. After [`FAILURES`] such failures in a
//! row the feed connects without the id. Where that works, and the id fails once more, the id is
//! the cause, and is given up. A server that is down for a moment costs no id that way.

use crate::feed::MessageId;

/// Failures in a row before the server is tried without the id.
const FAILURES: u32 = 2;

/// What the next connection is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// To receive: behind this message, or what comes from now on.
    Receive(Option<MessageId>),
    /// To see whether the server works without the id.
    Probe,
}

/// Where the feed resumes.
#[derive(Debug, Default)]
pub(super) struct Place {
    id: Option<MessageId>,
    step: Step,
}

/// How far the suspicion against an id has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It failed so often in a row.
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

impl Place {
    /// What the next connection is for, where `last` is the last message that was received.
    pub(super) fn ask(&mut self, last: Option<MessageId>) -> Ask {
        if self.id != last {
            *self = Self {
                id: last,
                step: Step::default(),
            };
        }
        match self.step {
            _ if self.id.is_none() => Ask::Receive(None),
            Step::Failed(FAILURES..) => Ask::Probe,
            Step::Failed(_) | Step::Confirm => Ask::Receive(self.id.clone()),
            Step::GivenUp => Ask::Receive(None),
        }
    }

    /// Whether the server works without the id.
    pub(super) fn probed(&mut self, works: bool) {
        self.step = if works {
            Step::Confirm
        } else {
            Step::default()
        };
    }

    /// A connection to receive has failed, or ended. `may_be_id` says whether the id can be the
    /// cause. Returns the id if it is given up with that.
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
        let mut place = Place::default();
        for _ in 0..FAILURES {
            assert_eq!(place.ask(Some(id("a"))), Ask::Receive(Some(id("a"))));
            assert_eq!(place.failed(true), None);
        }
        assert_eq!(place.ask(Some(id("a"))), Ask::Probe);
        place.probed(true);
        assert_eq!(place.ask(Some(id("a"))), Ask::Receive(Some(id("a"))));
        assert_eq!(place.failed(true), Some(id("a")));
        assert_eq!(place.ask(Some(id("a"))), Ask::Receive(None));
        assert_eq!(place.failed(true), None, "it is told once");
        assert_eq!(place.ask(Some(id("a"))), Ask::Receive(None));
        assert_eq!(place.ask(Some(id("b"))), Ask::Receive(Some(id("b"))));
    }

    #[test]
    fn a_server_that_is_down_for_a_moment_costs_no_id() {
        let asked = Ask::Receive(Some(id("a")));
        let mut place = Place::default();
        let mut probe = || {
            for _ in 0..FAILURES {
                assert_eq!(place.ask(Some(id("a"))), asked);
                assert_eq!(place.failed(true), None);
            }
            assert_eq!(place.ask(Some(id("a"))), Ask::Probe);
        };
        probe();
        place.probed(false);
        assert_eq!(
            place.ask(Some(id("a"))),
            asked,
            "it fails without the id too"
        );
        let mut place = Place::default();
        for may_be_id in [true, false, true, false] {
            assert_eq!(place.ask(Some(id("a"))), asked, "not twice in a row");
            assert_eq!(place.failed(may_be_id), None);
        }
    }

    #[test]
    fn what_was_never_received_is_not_asked_for() {
        let mut place = Place::default();
        for _ in 0..5 {
            assert_eq!(place.ask(None), Ask::Receive(None));
            assert_eq!(place.failed(true), None);
        }
    }
}
