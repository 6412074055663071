//! The states that somebody must know of: the one place with their conditions and their sentences.
//! `[[alerts]]` and the screen use it both.

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::delivery::BreakerState;
use crate::feed::FeedState;
use crate::ledger::LastAudit;
use crate::protocol::{Snapshot, VerificationStatus};
use crate::text::{counted, duration, grouped};

/// A measured state is over once it is below this part of its threshold: a value that sways around the
/// threshold fires once.
const CLEAR_BELOW: f64 = 0.9;

/// A state that somebody must know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertState {
    /// The spool is full or can't be written: the feed is not read.
    SpoolStopsFeed,
    /// Customer.io refuses the credentials: nothing is sent until they change.
    DeliveryHalted,
    /// Customer.io takes no requests.
    DeliveryDown,
    /// The feed is not connected.
    FeedDown,
    /// More of the spool's quota is used than a share.
    SpoolOver,
    /// The disk lost accepted events; this stays for the rest of the run.
    ItemsLost,
    /// The feed could not resume where it was; this stays for the rest of the run.
    EventsMissed,
    /// Customer.io answered with 200 and did not apply sampled events, in the last hour.
    EventsNotApplied,
    /// The last audit found more events missing than were accepted, or undelivered ones.
    AuditMissing,
    /// Limits rejected a larger share of the events past the filters, in the last minute.
    RejectedOver,
    /// The oldest accepted event waits longer than a time.
    QueueOlderThan,
    /// More dead letters than a number.
    DeadLettersOver,
    /// More events than a number match a condition within a time.
    Watch,
}

/// How bad a state is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Level {
    /// It is there. Says what is.
    Bad(String),
    /// Below the threshold, and near it; or not known.
    Between,
    /// It is not there.
    Clear,
}

/// What a state is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// It holds or doesn't.
    Nothing,
    Percent,
    Milliseconds,
    Count,
}

impl AlertState {
    /// All states, the most severe first.
    pub const ALL: [Self; 13] = [
        Self::SpoolStopsFeed,
        Self::DeliveryHalted,
        Self::DeliveryDown,
        Self::FeedDown,
        Self::SpoolOver,
        Self::ItemsLost,
        Self::EventsMissed,
        Self::EventsNotApplied,
        Self::AuditMissing,
        Self::RejectedOver,
        Self::QueueOlderThan,
        Self::DeadLettersOver,
        Self::Watch,
    ];

    /// Its name in settings, messages and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::SpoolStopsFeed => "spool-stops-feed",
            Self::DeliveryHalted => "delivery-halted",
            Self::DeliveryDown => "delivery-down",
            Self::FeedDown => "feed-down",
            Self::SpoolOver => "spool-over",
            Self::ItemsLost => "items-lost",
            Self::EventsMissed => "events-missed",
            Self::EventsNotApplied => "events-not-applied",
            Self::AuditMissing => "audit-missing",
            Self::RejectedOver => "rejected-over",
            Self::QueueOlderThan => "queue-older-than",
            Self::DeadLettersOver => "dead-letters-over",
            Self::Watch => "watch",
        }
    }

    /// A few words, for the title of a terminal.
    pub fn title(self) -> &'static str {
        match self {
            Self::SpoolStopsFeed => "FEED PAUSED",
            Self::DeliveryHalted => "DELIVERY HALTED",
            Self::DeliveryDown => "CUSTOMER.IO DOWN",
            Self::FeedDown => "FEED DOWN",
            Self::SpoolOver => "spool nearly full",
            Self::ItemsLost => "ITEMS LOST",
            Self::EventsMissed => "EVENTS MISSED",
            Self::EventsNotApplied => "EVENTS NOT APPLIED",
            Self::AuditMissing => "EVENTS MISSING",
            Self::RejectedOver => "many rejected",
            Self::QueueOlderThan => "queue too old",
            Self::DeadLettersOver => "many dead letters",
            Self::Watch => "watch",
        }
    }

    /// When it began, if the pipeline knows it.
    pub fn since(self, now: &Snapshot) -> Option<UnixMs> {
        match (self, &now.delivery.breaker) {
            (Self::DeliveryHalted, BreakerState::Refused { since_ms, .. })
            | (Self::DeliveryDown, BreakerState::Open { since_ms, .. }) => Some(*since_ms),
            (Self::AuditMissing, _) => now.last_audit.as_ref().map(|audit| audit.at_ms),
            _ => None,
        }
    }

    pub(super) fn measure(self) -> Measure {
        match self {
            Self::SpoolOver | Self::RejectedOver => Measure::Percent,
            Self::QueueOlderThan => Measure::Milliseconds,
            Self::DeadLettersOver | Self::Watch => Measure::Count,
            _ => Measure::Nothing,
        }
    }

    /// How bad it is now. A threshold is in percent, milliseconds or things; a state that holds or doesn't
    /// ignores it. A snapshot knows nothing of watched conditions: see [`watch_level`].
    pub fn level(self, threshold: f64, now: &Snapshot) -> Level {
        let delivery = &now.delivery;
        let spool = &delivery.spool;
        match self {
            Self::SpoolStopsFeed => match &spool.fault {
                Some(why) => Level::Bad(format!("the feed is paused: {why}")),
                None => holds(spool.full, || {
                    "the spool has reached its quota: the feed is paused".to_owned()
                }),
            },
            Self::DeliveryHalted => match &delivery.breaker {
                // The reason says it all.
                BreakerState::Refused { why, .. } => Level::Bad(why.clone()),
                BreakerState::Closed | BreakerState::Open { .. } => Level::Clear,
            },
            Self::DeliveryDown => match &delivery.breaker {
                BreakerState::Open { why, .. } => Level::Bad(format!(
                    "nothing is delivered, all events stay queued: {why}"
                )),
                BreakerState::Closed | BreakerState::Refused { .. } => Level::Clear,
            },
            Self::FeedDown => match &now.feed.state {
                FeedState::Live => Level::Clear,
                // Only before the first attempt has succeeded or failed.
                FeedState::Connecting => Level::Between,
                FeedState::Down { why, .. } => Level::Bad(format!("the feed is down: {why}")),
            },
            Self::SpoolOver => measured(spool.percent() as f64, threshold, |percent| {
                format!("the spool is {percent:.0} % full; at 100 % the feed is paused")
            }),
            Self::ItemsLost => holds(spool.lost > 0, || {
                let items = counted(spool.lost, "accepted item");
                format!("the disk lost {items}; details are in the log")
            }),
            Self::EventsMissed => holds(now.feed.given_up > 0, || {
                "events may have been missed: the feed could not resume; the log has the message's id"
                    .to_owned()
            }),
            Self::EventsNotApplied => holds(now.verification.hour.unverified() > 0, || {
                not_applied(&now.verification)
            }),
            Self::AuditMissing => match now.last_audit.as_deref() {
                Some(audit) if audit.is_alarming => Level::Bad(not_arrived(audit)),
                _ => Level::Clear,
            },
            Self::RejectedOver => {
                let percent = now.rejected_percent().unwrap_or_default();
                measured(percent, threshold, |percent| rejecting(percent, now))
            }
            Self::QueueOlderThan => {
                let age = spool.oldest_ms.map_or(0, |oldest| now.at_ms - oldest);
                measured(age as f64, threshold, |_| {
                    let age = duration(age.max(0));
                    format!("the oldest accepted event has waited for {age}")
                })
            }
            Self::DeadLettersOver => measured(spool.dead_letters as f64, threshold, |_| {
                counted(spool.dead_letters, "dead letter")
            }),
            Self::Watch => Level::Clear,
        }
    }
}

/// How bad it is that so many events matched a condition within a time in seconds.
pub(super) fn watch_level(condition: &str, matches: u64, seconds: u64, threshold: f64) -> Level {
    measured(matches as f64, threshold, |_| {
        let within = duration(seconds.cast_signed() * 1_000);
        let events = counted(matches, "event");
        format!("{events} in {within} matched {condition}")
    })
}

fn holds(is: bool, says: impl FnOnce() -> String) -> Level {
    if is { Level::Bad(says()) } else { Level::Clear }
}

fn measured(value: f64, threshold: f64, says: impl FnOnce(f64) -> String) -> Level {
    if value > threshold {
        Level::Bad(says(value))
    } else if value > threshold * CLEAR_BELOW {
        Level::Between
    } else {
        Level::Clear
    }
}

fn rejecting(percent: f64, now: &Snapshot) -> String {
    let most = now
        .worst_limit()
        .map_or_else(String::new, |code| format!(", most by {code}"));
    format!("limits rejected {percent:.0} % of the events past the filters in 1 min{most}")
}

/// What the last audit found.
fn not_arrived(audit: &LastAudit) -> String {
    format!(
        "of {} in Amplitude's export of {} to {}, {} missing and {} undelivered, by the last audit",
        counted(audit.in_export, "event"),
        audit.from,
        audit.to,
        grouped(audit.missing),
        grouped(audit.undelivered)
    )
}

/// How many sampled events were not applied, and the last one with its reason.
fn not_applied(verification: &VerificationStatus) -> String {
    let hour = verification.hour;
    let last = verification.unverified.last();
    let last = last.map_or_else(String::new, |last| {
        format!("; the last one, “{}”: {}", last.name, last.reason)
    });
    format!(
        "{} of {} sampled events were delivered and not applied (last hour){last}",
        grouped(hour.unverified()),
        grouped(hour.answered())
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn quiet() -> Snapshot {
        let mut now = Snapshot {
            at_ms: 1_000_000,
            ..Snapshot::default()
        };
        now.feed.state = FeedState::Live;
        now
    }

    #[test]
    fn a_state_has_the_name_that_the_settings_have() {
        for state in AlertState::ALL {
            assert_eq!(serde_json::json!(state), state.name());
        }
    }

    #[test]
    fn nothing_is_bad_in_a_quiet_pipeline() {
        for state in AlertState::ALL {
            assert_eq!(state.level(1.0, &quiet()), Level::Clear, "{state:?}");
        }
    }

    #[test]
    fn each_state_is_seen_and_near_its_threshold_it_is_neither() {
        let mut now = quiet();
        now.feed.state = FeedState::Connecting;
        assert_eq!(AlertState::FeedDown.level(0.0, &now), Level::Between);
        now.feed.given_up = 1;
        now.delivery.spool.full = true;
        now.delivery.spool.lost = 1;
        now.delivery.spool.oldest_ms = Some(1_000_000 - 60_000);
        now.delivery.spool.dead_letters = 95;
        now.delivery.spool.quota_bytes = 100;
        now.delivery.spool.bytes = 81;
        let is_bad = |state: AlertState, over| matches!(state.level(over, &now), Level::Bad(_));
        assert!(is_bad(AlertState::EventsMissed, 0.0));
        assert!(is_bad(AlertState::SpoolStopsFeed, 0.0));
        assert!(is_bad(AlertState::SpoolOver, 80.0));
        assert!(is_bad(AlertState::QueueOlderThan, 59_999.0));
        assert!(!is_bad(AlertState::QueueOlderThan, 60_000.0));
        let lost = "the disk lost 1 accepted item; details are in the log".to_owned();
        assert_eq!(AlertState::ItemsLost.level(0.0, &now), Level::Bad(lost));
        assert_eq!(AlertState::AuditMissing.level(0.0, &now), Level::Clear);
        let letters = AlertState::DeadLettersOver;
        assert!(is_bad(letters, 94.0));
        assert_eq!(letters.level(100.0, &now), Level::Between);
        assert_eq!(letters.level(200.0, &now), Level::Clear);
        assert_eq!(AlertState::RejectedOver.level(1.0, &now), Level::Clear);
    }

    #[test]
    fn an_audit_is_bad_as_its_exit_code_is() {
        let mut now = quiet();
        let mut audit = LastAudit {
            from: "2026-11-25T00".to_owned(),
            to: "2026-11-25T23".to_owned(),
            in_export: 1_204,
            missing: 3,
            ..LastAudit::default()
        };
        now.last_audit = Some(Arc::new(audit.clone()));
        let level = |now: &Snapshot| AlertState::AuditMissing.level(0.0, now);
        assert_eq!(level(&now), Level::Clear, "so many were accepted");
        audit.is_alarming = true;
        now.last_audit = Some(Arc::new(audit));
        let says = "of 1,204 events in Amplitude's export of 2026-11-25T00 to 2026-11-25T23, 3 missing \
                    and 0 undelivered, by the last audit";
        assert_eq!(level(&now), Level::Bad(says.to_owned()));
    }

    #[test]
    fn a_watched_condition_is_bad_above_its_number_and_over_below_a_tenth_less() {
        let says = "11 events in 5 min matched has_user".to_owned();
        let level = |matches| watch_level("has_user", matches, 300, 10.0);
        assert_eq!(level(11), Level::Bad(says));
        assert_eq!(level(10), Level::Between);
        assert_eq!(level(9), Level::Clear);
        assert!(matches!(watch_level("has_user", 1, 60, 0.0), Level::Bad(_)));
        assert_eq!(watch_level("has_user", 0, 60, 0.0), Level::Clear);
    }
}
