//! Alerts: the most severe condition that needs the operator.

use crate::amplitude::time::UnixMs;
use crate::delivery::BreakerState;
use crate::feed::FeedState;
use crate::limits::{Code, Policy};
use crate::protocol::Snapshot;
use crate::protocol::series::Line;
use crate::text::grouped;
use crate::tui::input::keymap::{Command, JumpTarget};
use crate::tui::watches::query::{RATE_SECONDS, Watch, WatchCount};

/// An alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// The kind.
    pub kind: AlertKind,
    /// Its start, by the clock of the snapshots.
    pub since_ms: UnixMs,
}

/// The kinds of alerts, the most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertKind {
    /// The connection to the forwarder in another process is lost: what is shown is old.
    Detached,
    /// The spool can't be written.
    SpoolFault,
    /// The spool has reached its quota.
    SpoolFull,
    /// Customer.io refuses the credentials.
    Refused,
    /// Customer.io is down.
    Down,
    /// The feed is down.
    FeedDown,
    /// The spool is nearly full.
    NearlyFull,
    /// The disk lost accepted items. This alert stays for the rest of the run.
    Lost,
    /// The feed could not resume at a message's ID. This alert stays for the rest of the run.
    Missed,
    /// Sampled events that were delivered are not at Customer.io, in the last hour.
    Unverified,
    /// Limits reject a larger share than `screen.rejected_alert_percent`.
    Rejected,
    /// A watched condition exceeds its alert rate. Holds the index of the watch.
    Watch(usize),
}

/// Everything that an alert depends on.
#[derive(Debug, Clone, Copy)]
pub struct AlertInputs<'s> {
    /// The pipeline's state.
    pub snapshot: &'s Snapshot,
    /// The share of rejected events above which there is an alert, in percent. 0: no alert.
    pub rejected_alert_percent: f64,
    /// The watched conditions.
    pub watches: &'s [Watch],
    /// The counts of the watched conditions, in the same order. Empty before the first count.
    pub watch_counts: &'s [WatchCount],
}

/// The time over which the share of rejected events is measured, in seconds.
const REJECTED_SECONDS: usize = 60;
/// The minimum number of events for a meaningful share.
const LEAST_EVENTS: f64 = 20.0;

impl AlertKind {
    /// The most severe alert.
    pub fn of(inputs: AlertInputs<'_>) -> Option<Self> {
        let snapshot = inputs.snapshot;
        let spool = &snapshot.delivery.spool;
        let breaker = &snapshot.delivery.breaker;
        if lost_link(snapshot).is_some() {
            Some(Self::Detached)
        } else if spool.fault.is_some() {
            Some(Self::SpoolFault)
        } else if spool.full {
            Some(Self::SpoolFull)
        } else if matches!(breaker, BreakerState::Refused { .. }) {
            Some(Self::Refused)
        } else if matches!(breaker, BreakerState::Open { .. }) {
            Some(Self::Down)
        } else if matches!(snapshot.feed.state, FeedState::Down { .. }) {
            Some(Self::FeedDown)
        } else if spool.is_nearly_full() {
            Some(Self::NearlyFull)
        } else if spool.lost > 0 {
            Some(Self::Lost)
        } else if snapshot.feed.given_up > 0 {
            Some(Self::Missed)
        } else if snapshot.verification.hour.unverified() > 0 {
            Some(Self::Unverified)
        } else if inputs.rejected_alert_percent > 0.0
            && rejected_percent(snapshot).is_some_and(|p| p > inputs.rejected_alert_percent)
        {
            Some(Self::Rejected)
        } else {
            let mut watches = inputs.watches.iter().zip(inputs.watch_counts);
            watches
                .position(|(watch, seen)| watch.exceeds_alert(seen))
                .map(Self::Watch)
        }
    }

    /// The start of the alert, if the pipeline knows it.
    pub fn since(self, snapshot: &Snapshot) -> Option<UnixMs> {
        match (self, &snapshot.delivery.breaker) {
            (Self::Refused, BreakerState::Refused { since_ms, .. })
            | (Self::Down, BreakerState::Open { since_ms, .. }) => Some(*since_ms),
            _ => None,
        }
    }

    /// A few words for the title of the terminal.
    pub fn title(self) -> &'static str {
        match self {
            Self::Detached => "FORWARDER NOT REACHED",
            Self::SpoolFault => "SPOOL CAN'T BE WRITTEN",
            Self::SpoolFull => "SPOOL FULL",
            Self::Refused => "DELIVERY HALTED",
            Self::Down => "CUSTOMER.IO DOWN",
            Self::FeedDown => "FEED DOWN",
            Self::NearlyFull => "spool nearly full",
            Self::Lost => "ITEMS LOST",
            Self::Missed => "EVENTS MISSED",
            Self::Unverified => "EVENTS NOT APPLIED",
            Self::Rejected => "many rejected",
            Self::Watch(_) => "watch",
        }
    }

    /// A sentence for the banner.
    pub fn description(self, inputs: AlertInputs<'_>) -> String {
        let snapshot = inputs.snapshot;
        let delivery = &snapshot.delivery;
        let why = delivery.breaker.why().unwrap_or_default();
        match self {
            Self::Detached => {
                let why = lost_link(snapshot).unwrap_or_default();
                format!("what is shown is old, and it is tried again: {why}")
            }
            Self::SpoolFault => delivery.spool.fault.clone().unwrap_or_default(),
            Self::SpoolFull => "the spool has reached its quota: the feed is paused".to_owned(),
            Self::Refused => why.to_owned(),
            Self::Down => format!("Nothing is delivered, all events stay queued: {why}"),
            Self::FeedDown => match &snapshot.feed.state {
                FeedState::Down { why, .. } => format!("the feed is down: {why}"),
                FeedState::Live | FeedState::Connecting => "the feed is down".to_owned(),
            },
            Self::NearlyFull => {
                let percent = delivery.spool.percent();
                format!("the spool is {percent} % full; at 100 % the feed is paused")
            }
            Self::Lost => {
                let count = delivery.spool.lost;
                let items = if count == 1 { "item" } else { "items" };
                format!(
                    "the disk lost {} accepted {items}; details are in the log",
                    grouped(count)
                )
            }
            Self::Missed => {
                "events may have been missed: the feed could not resume; the log has the message's id"
                    .to_owned()
            }
            Self::Unverified => unverified(snapshot),
            Self::Rejected => {
                let percent = rejected_percent(snapshot).unwrap_or_default();
                let most = worst_limit(snapshot)
                    .map_or_else(String::new, |code| format!(", most by {code}"));
                format!("limits rejected {percent:.0} % of the events past the filters in 1 min{most}")
            }
            Self::Watch(index) => match (inputs.watches.get(index), inputs.watch_counts.get(index)) {
                (Some(watch), Some(seen)) => {
                    let above = watch.above.unwrap_or_default();
                    let rate = seen.rate();
                    format!(
                        "{rate:.1}/s over {RATE_SECONDS} s match {} (alert above {above}/s)",
                        watch.label()
                    )
                }
                _ => String::new(),
            },
        }
    }

    /// The command that deals with the alert, and its description.
    pub fn remedy(self) -> Option<(Command, &'static str)> {
        match self {
            Self::Refused => Some((Command::Gate, "to retry")),
            Self::Down => Some((Command::TryNow, "to retry now")),
            Self::SpoolFull | Self::NearlyFull => {
                Some((Command::DeadLetters, "dead letters take space too"))
            }
            Self::Rejected => Some((Command::Older(JumpTarget::Violation), "to see one")),
            Self::Watch(_) => Some((Command::Watches, "lists the watches")),
            Self::Detached
            | Self::SpoolFault
            | Self::FeedDown
            | Self::Lost
            | Self::Missed
            | Self::Unverified => None,
        }
    }
}

/// How many sampled events were not applied, and the last one with its reason.
fn unverified(snapshot: &Snapshot) -> String {
    let hour = snapshot.verification.hour;
    let last = snapshot.verification.unverified.last();
    let last = last.map_or_else(String::new, |last| {
        format!("; the last one, “{}”: {}", last.name, last.reason)
    });
    format!(
        "{} of {} sampled events were delivered and not applied (last hour){last}",
        grouped(hour.unverified()),
        grouped(hour.answered())
    )
}

/// Why the connection to the forwarder is lost, if it is.
fn lost_link(snapshot: &Snapshot) -> Option<&str> {
    let lost = snapshot.link.as_ref()?.lost.as_ref()?;
    Some(&lost.0)
}

/// The limit that rejected the most events in the last minute.
pub(crate) fn worst_limit(snapshot: &Snapshot) -> Option<Code> {
    let rejecting = snapshot
        .limits
        .iter()
        .filter(|row| row.policy == Policy::Reject);
    let worst = rejecting.max_by_key(|row| row.trend.iter().rev().take(6).sum::<u64>());
    worst.map(|row| row.code)
}

/// The share of the events passed by the filters that a limit rejects, in percent. None if too few
/// events passed.
fn rejected_percent(snapshot: &Snapshot) -> Option<f64> {
    let rate = |line| snapshot.series.rate(line, REJECTED_SECONDS);
    let (accepted, rejected) = (rate(Line::Accepted), rate(Line::Rejected));
    let all = accepted + rejected;
    (all * REJECTED_SECONDS as f64 >= LEAST_EVENTS).then(|| rejected * 100.0 / all)
}
