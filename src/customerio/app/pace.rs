//! The pace of requests: Customer.io allows 10 a second for all users of a workspace's App API.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Maximum requests a second: Customer.io App API, rate limits.
const PER_SECOND: usize = 10;
/// How many of them the program uses on its own account.
const LOW_PER_SECOND: usize = 4;
/// The time over which they are counted. The margin is for requests that travel at different speeds.
const SECOND: Duration = Duration::from_millis(1_050);

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// An operator waits for the answer.
    Operator,
    /// The program verifies on its own account.
    Low,
}

/// The requests of the last second, and a pause that Customer.io asked for.
#[derive(Debug, Default)]
pub(super) struct Pace {
    sent: VecDeque<Instant>,
    paused_until: Option<Instant>,
}

impl Pace {
    /// Takes a turn. Returns the time to wait before the next try, if none is free.
    pub(super) fn take(&mut self, priority: Priority, now: Instant) -> Result<(), Duration> {
        while self.sent.front().is_some_and(|at| now - *at >= SECOND) {
            self.sent.pop_front();
        }
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Err(until - now);
        }
        let most = match priority {
            Priority::Operator => PER_SECOND,
            Priority::Low => LOW_PER_SECOND,
        };
        // Free once so many are left that there is room for one more.
        let over = (self.sent.len() + 1).saturating_sub(most);
        match over.checked_sub(1).and_then(|index| self.sent.get(index)) {
            None => {
                self.sent.push_back(now);
                Ok(())
            }
            Some(at) => Err((*at + SECOND).saturating_duration_since(now)),
        }
    }

    /// The rest of a pause that Customer.io asked for.
    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        let until = self.paused_until.filter(|until| *until > now)?;
        Some(until - now)
    }

    /// Sends nothing for a time.
    pub(super) fn pause_for(&mut self, time: Duration, now: Instant) {
        self.paused_until = self.paused_until.max(Some(now + time));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_a_second_go_and_the_program_leaves_room_for_operators() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let at = |ms| now + Duration::from_millis(ms);
        for number in 0..LOW_PER_SECOND as u64 {
            assert_eq!(pace.take(Priority::Low, at(number)), Ok(()));
        }
        assert!(pace.take(Priority::Low, at(10)).is_err());
        for _ in LOW_PER_SECOND..PER_SECOND {
            assert_eq!(pace.take(Priority::Operator, at(20)), Ok(()));
        }
        let wait = pace.take(Priority::Operator, at(20)).unwrap_err();
        assert_eq!(wait, Duration::from_millis(1_030));
        assert_eq!(pace.take(Priority::Operator, at(20) + wait), Ok(()));
        assert!(pace.take(Priority::Low, at(20) + wait).is_err());
        assert_eq!(pace.take(Priority::Low, at(3_000)), Ok(()));
    }

    #[test]
    fn nothing_goes_in_a_pause() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.pause_for(Duration::from_secs(5), now);
        let wait = pace.take(Priority::Operator, now + Duration::from_secs(2));
        assert_eq!(wait, Err(Duration::from_secs(3)));
        assert_eq!(
            pace.take(Priority::Low, now + Duration::from_secs(5)),
            Ok(())
        );
    }
}
