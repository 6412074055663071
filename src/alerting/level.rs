//! How bad a state is now.

use crate::delivery::BreakerState;
use crate::feed::FeedState;
use crate::protocol::Snapshot;
use crate::protocol::series::Line;
use crate::text::{duration, grouped};

use super::rule::AlertState;

/// The time over which the share of rejected events is measured, in seconds.
const REJECTED_SECONDS: usize = 60;
/// The minimum number of events for a meaningful share.
const LEAST_EVENTS: f64 = 20.0;
/// A measured state is over once it is below this part of its threshold: a value that sways around the
/// threshold fires once.
const CLEAR_BELOW: f64 = 0.9;

/// How bad a state is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Level {
    /// It is there. Says what is.
    Bad(String),
    /// Below the threshold, and near it.
    Between,
    /// It is not there.
    Clear,
}

/// The level of a state.
pub(super) fn level(state: AlertState, threshold: f64, now: &Snapshot) -> Level {
    let delivery = &now.delivery;
    let spool = &delivery.spool;
    let holds = |is: bool, says: String| if is { Level::Bad(says) } else { Level::Clear };
    match state {
        AlertState::FeedDown => match &now.feed.state {
            FeedState::Live => Level::Clear,
            FeedState::Connecting => Level::Bad("the feed is not connected yet".to_owned()),
            FeedState::Down { why, .. } => Level::Bad(format!("the feed is down: {why}")),
        },
        AlertState::EventsMissed => holds(
            now.feed.given_up > 0,
            "the feed could not resume where it was: events may be missing".to_owned(),
        ),
        AlertState::DeliveryDown => match &delivery.breaker {
            BreakerState::Open { why, .. } => Level::Bad(format!("nothing is delivered: {why}")),
            BreakerState::Closed | BreakerState::Refused { .. } => Level::Clear,
        },
        AlertState::DeliveryHalted => match &delivery.breaker {
            BreakerState::Refused { why, .. } => Level::Bad(format!("delivery is halted: {why}")),
            BreakerState::Closed | BreakerState::Open { .. } => Level::Clear,
        },
        AlertState::SpoolStopsFeed => match &spool.fault {
            Some(why) => Level::Bad(format!("the feed is not read: {why}")),
            None => holds(
                spool.full,
                "the feed is not read: the spool is full".to_owned(),
            ),
        },
        AlertState::SpoolOver => measured(spool.percent() as f64, threshold, |percent| {
            format!("{percent:.0} % of the spool's quota is used")
        }),
        AlertState::QueueOlderThan => {
            let age = spool.oldest_ms.map_or(0, |oldest| now.at_ms - oldest);
            measured(age as f64, threshold, |_| {
                let age = duration(age.max(0));
                format!("the oldest accepted event has waited for {age}")
            })
        }
        AlertState::RejectedOver => measured(rejected_percent(now), threshold, |percent| {
            format!("{percent:.1} % of the events of the last minute break a limit")
        }),
        AlertState::DeadLettersOver => measured(spool.dead_letters as f64, threshold, |_| {
            format!("{} dead letters", grouped(spool.dead_letters))
        }),
    }
}

fn measured(value: f64, threshold: f64, says: impl Fn(f64) -> String) -> Level {
    if value > threshold {
        Level::Bad(says(value))
    } else if value > threshold * CLEAR_BELOW {
        Level::Between
    } else {
        Level::Clear
    }
}

fn rejected_percent(now: &Snapshot) -> f64 {
    let rate = |line| now.series.rate(line, REJECTED_SECONDS);
    let received = rate(Line::Received);
    if received * (REJECTED_SECONDS as f64) < LEAST_EVENTS {
        return 0.0;
    }
    rate(Line::Rejected) * 100.0 / received
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_seen_and_near_its_threshold_it_is_neither() {
        let mut now = Snapshot {
            at_ms: 1_000_000,
            ..Snapshot::default()
        };
        let is_bad = |now: &Snapshot, state, over| matches!(level(state, over, now), Level::Bad(_));
        now.feed.state = FeedState::Live;
        for state in [
            AlertState::FeedDown,
            AlertState::EventsMissed,
            AlertState::DeliveryDown,
            AlertState::DeliveryHalted,
            AlertState::SpoolStopsFeed,
        ] {
            assert_eq!(level(state, 0.0, &now), Level::Clear, "{state:?}");
        }
        now.feed.given_up = 1;
        now.delivery.spool.full = true;
        now.delivery.spool.oldest_ms = Some(1_000_000 - 60_000);
        now.delivery.spool.dead_letters = 95;
        now.delivery.spool.quota_bytes = 100;
        now.delivery.spool.bytes = 81;
        assert!(is_bad(&now, AlertState::EventsMissed, 0.0));
        assert!(is_bad(&now, AlertState::SpoolStopsFeed, 0.0));
        assert!(is_bad(&now, AlertState::SpoolOver, 80.0));
        assert!(is_bad(&now, AlertState::QueueOlderThan, 59_999.0));
        assert!(!is_bad(&now, AlertState::QueueOlderThan, 60_000.0));
        let letters = AlertState::DeadLettersOver;
        assert!(is_bad(&now, letters, 94.0));
        assert_eq!(level(letters, 100.0, &now), Level::Between);
        assert_eq!(level(letters, 200.0, &now), Level::Clear);
        assert_eq!(level(AlertState::RejectedOver, 1.0, &now), Level::Clear);
    }
}
