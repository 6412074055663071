//! What needs the operator now: the gravest of what keeps the stream from going on.

use crate::amplitude::time::UnixMs;
use crate::delivery::BreakerState;
use crate::feed::FeedState;
use crate::limits::Policy;
use crate::protocol::Snapshot;
use crate::protocol::series::Line;
use crate::text::grouped;
use crate::tui::input::keymap::{Command, JumpTarget};
use crate::tui::watches::query::{Seen, Watch};

/// Something that needs the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// What.
    pub kind: Kind,
    /// Since when, by the snapshots' clock.
    pub since_ms: UnixMs,
}

/// What needs the operator, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
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
    /// The disk lost items that had been accepted. It stays for the rest of the run.
    Lost,
    /// The feed went on without a message's id. It stays for the rest of the run.
    Missed,
    /// Limits reject more than the settings allow.
    Rejected,
    /// A condition that is watched is met too often, by its place.
    Watch(usize),
}

/// Everything that an alert depends on.
#[derive(Debug, Clone, Copy)]
pub struct AlertInputs<'s> {
    /// The pipeline's state.
    pub snapshot: &'s Snapshot,
    /// Limits that reject more than this share are an alert, in percent; 0 never are.
    pub rejected_alert_percent: f64,
    /// The watched conditions.
    pub watches: &'s [Watch],
    /// The counts of each, in the same order, as far as they are known.
    pub seen: &'s [Seen],
}

/// The share that is rejected is of so many seconds.
const REJECTED_SECONDS: usize = 60;
/// Of fewer events than this, a share says nothing.
const LEAST_EVENTS: f64 = 20.0;

impl Kind {
    /// What needs the operator now, if anything does.
    pub fn of(inputs: AlertInputs<'_>) -> Option<Self> {
        let snapshot = inputs.snapshot;
        let spool = &snapshot.delivery.spool;
        let breaker = &snapshot.delivery.breaker;
        if spool.fault.is_some() {
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
        } else if inputs.rejected_alert_percent > 0.0
            && rejected_percent(snapshot).is_some_and(|p| p > inputs.rejected_alert_percent)
        {
            Some(Self::Rejected)
        } else {
            let mut watches = inputs.watches.iter().zip(inputs.seen);
            watches
                .position(|(watch, seen)| watch.is_over(seen))
                .map(Self::Watch)
        }
    }

    /// Since when, where the pipeline says.
    pub fn since(self, snapshot: &Snapshot) -> Option<UnixMs> {
        match (self, &snapshot.delivery.breaker) {
            (Self::Refused, BreakerState::Refused { since_ms, .. })
            | (Self::Down, BreakerState::Open { since_ms, .. }) => Some(*since_ms),
            _ => None,
        }
    }

    /// In a few words, for the terminal's title.
    pub fn title(self) -> &'static str {
        match self {
            Self::SpoolFault => "SPOOL CAN'T BE WRITTEN",
            Self::SpoolFull => "SPOOL FULL",
            Self::Refused => "DELIVERY HALTED",
            Self::Down => "CUSTOMER.IO DOWN",
            Self::FeedDown => "FEED DOWN",
            Self::NearlyFull => "spool nearly full",
            Self::Lost => "ITEMS LOST",
            Self::Missed => "EVENTS MISSED",
            Self::Rejected => "limits reject much",
            Self::Watch(_) => "watch",
        }
    }

    /// What happened, in a sentence.
    pub fn says(self, inputs: AlertInputs<'_>) -> String {
        let snapshot = inputs.snapshot;
        let delivery = &snapshot.delivery;
        let why = delivery.breaker.why().unwrap_or_default();
        match self {
            Self::SpoolFault => delivery.spool.fault.clone().unwrap_or_default(),
            Self::SpoolFull => "the spool has reached its quota: the feed is not read".to_owned(),
            Self::Refused => why.to_owned(),
            Self::Down => format!("Nothing is delivered, all events are kept: {why}"),
            Self::FeedDown => match &snapshot.feed.state {
                FeedState::Down { why, .. } => format!("the feed is down: {why}"),
                FeedState::Live | FeedState::Connecting => "the feed is down".to_owned(),
            },
            Self::NearlyFull => {
                let percent = delivery.spool.percent();
                format!("the spool is {percent} % full; at 100 % the feed is not read")
            }
            Self::Lost => {
                let count = delivery.spool.lost;
                let items = if count == 1 { "item" } else { "items" };
                format!(
                    "the disk lost {} accepted {items}: what is known of them is in the log",
                    grouped(count)
                )
            }
            Self::Missed => {
                "events may have been missed: the feed could not resume; the log has the message's id"
                    .to_owned()
            }
            Self::Rejected => {
                let percent = rejected_percent(snapshot).unwrap_or_default();
                let worst = snapshot
                    .limits
                    .iter()
                    .filter(|row| row.policy == Policy::Reject);
                let worst = worst.max_by_key(|row| row.trend.iter().rev().take(6).sum::<u64>());
                let most = worst.map_or_else(String::new, |row| format!(", most by {}", row.code));
                format!("limits reject {percent:.0} % of what the filters let on{most}")
            }
            Self::Watch(index) => match (inputs.watches.get(index), inputs.seen.get(index)) {
                (Some(watch), Some(seen)) => {
                    let above = watch.above.unwrap_or_default();
                    let rate = seen.rate();
                    format!("{rate:.1} a second, over {above}, meet {}", watch.when)
                }
                _ => String::new(),
            },
        }
    }

    /// What leads on, and to what.
    pub fn leads_on(self) -> Option<(Command, &'static str)> {
        match self {
            Self::Refused => Some((Command::Gate, "tries again")),
            Self::Down => Some((Command::TryNow, "asks now")),
            Self::SpoolFull | Self::NearlyFull => {
                Some((Command::DeadLetters, "dead letters take room too"))
            }
            Self::Rejected => Some((Command::Older(JumpTarget::Violation), "goes to one")),
            Self::Watch(_) => Some((Command::Watches, "lists the watches")),
            Self::SpoolFault | Self::FeedDown | Self::Lost | Self::Missed => None,
        }
    }
}

/// The share of what the filters let on that a limit rejects, in percent.
fn rejected_percent(snapshot: &Snapshot) -> Option<f64> {
    let rate = |line| snapshot.series.rate(line, REJECTED_SECONDS);
    let (accepted, rejected) = (rate(Line::Accepted), rate(Line::Rejected));
    let all = accepted + rejected;
    (all * REJECTED_SECONDS as f64 >= LEAST_EVENTS).then(|| rejected * 100.0 / all)
}
