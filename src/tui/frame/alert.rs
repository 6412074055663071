//! Alerts: the most severe condition that needs the operator.
//!
//! The states and their sentences are those of `[[alerts]]`, in [`AlertState`]. The screen adds what only
//! it knows: a lost connection to the forwarder, and the operator's watches.

use crate::alerting::{AlertState, Level};
use crate::amplitude::time::UnixMs;
use crate::delivery::spool::SpoolStatus;
use crate::protocol::Snapshot;
use crate::telemetry::watches::WATCH_RATE_SECONDS;
use crate::tui::input::keymap::{Command, JumpTarget};
use crate::tui::watches::query::{Watch, WatchCount};

/// An alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// The kind.
    pub kind: AlertKind,
    /// Its start, by the clock of the snapshots.
    pub since_ms: UnixMs,
}

/// The kinds of alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertKind {
    /// The connection to the forwarder in another process is lost: what is shown is old.
    Detached,
    /// A state of the forwarder.
    State(AlertState),
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

impl AlertInputs<'_> {
    /// What a state is, if it is there and the screen shows it.
    fn sentence(self, state: AlertState) -> Option<String> {
        let threshold = match state {
            AlertState::SpoolOver => (SpoolStatus::NEARLY_FULL_PERCENT - 1) as f64,
            AlertState::RejectedOver if self.rejected_alert_percent > 0.0 => {
                self.rejected_alert_percent
            }
            // Panes show them without a threshold. The operator's own watches follow.
            AlertState::RejectedOver
            | AlertState::QueueOlderThan
            | AlertState::DeadLettersOver
            | AlertState::Watch => return None,
            _ => 0.0,
        };
        match state.level(threshold, self.snapshot) {
            Level::Bad(says) => Some(says),
            Level::Between | Level::Clear => None,
        }
    }
}

impl AlertKind {
    /// The most severe alert.
    pub fn of(inputs: AlertInputs<'_>) -> Option<Self> {
        if lost_link(inputs.snapshot).is_some() {
            return Some(Self::Detached);
        }
        let mut states = AlertState::ALL.into_iter();
        let state = states.find(|state| inputs.sentence(*state).is_some());
        state.map(Self::State).or_else(|| {
            let mut watches = inputs.watches.iter().zip(inputs.watch_counts);
            watches
                .position(|(watch, seen)| watch.exceeds_alert(seen))
                .map(Self::Watch)
        })
    }

    /// The start of the alert, if the pipeline knows it.
    pub fn since(self, snapshot: &Snapshot) -> Option<UnixMs> {
        match self {
            Self::State(state) => state.since(snapshot),
            Self::Detached | Self::Watch(_) => None,
        }
    }

    /// A few words for the title of the terminal.
    pub fn title(self) -> &'static str {
        match self {
            Self::Detached => "FORWARDER NOT REACHED",
            Self::State(state) => state.title(),
            Self::Watch(_) => AlertState::Watch.title(),
        }
    }

    /// A sentence for the banner.
    pub fn description(self, inputs: AlertInputs<'_>) -> String {
        match self {
            Self::Detached => {
                let why = lost_link(inputs.snapshot).unwrap_or_default();
                format!("what is shown is old, and it is tried again: {why}")
            }
            Self::State(state) => inputs.sentence(state).unwrap_or_default(),
            Self::Watch(index) => match (inputs.watches.get(index), inputs.watch_counts.get(index))
            {
                (Some(watch), Some(seen)) => {
                    let above = watch.above.unwrap_or_default();
                    let rate = seen.rate();
                    format!(
                        "{rate:.1}/s over {WATCH_RATE_SECONDS} s match {} (alert above {above}/s)",
                        watch.label()
                    )
                }
                _ => String::new(),
            },
        }
    }

    /// Whether it is a warning: nothing is lost or stopped yet.
    pub fn is_warning(self) -> bool {
        matches!(
            self,
            Self::State(AlertState::SpoolOver | AlertState::RejectedOver) | Self::Watch(_)
        )
    }

    /// Whether it is an outage, which has marks of its own on the time axis.
    pub fn is_outage(self) -> bool {
        use AlertState::{DeliveryDown, DeliveryHalted, FeedDown};
        matches!(self, Self::State(DeliveryHalted | DeliveryDown | FeedDown))
    }

    /// The command that deals with the alert, and its description.
    pub fn remedy(self, snapshot: &Snapshot) -> Option<(Command, &'static str)> {
        let has_fault = snapshot.delivery.spool.fault.is_some();
        match self {
            Self::State(AlertState::DeliveryHalted) => Some((Command::Gate, "to retry")),
            Self::State(AlertState::DeliveryDown) => Some((Command::TryNow, "to retry now")),
            Self::State(AlertState::SpoolStopsFeed | AlertState::SpoolOver) if !has_fault => {
                Some((Command::DeadLetters, "dead letters take space too"))
            }
            Self::State(AlertState::RejectedOver) => {
                Some((Command::Older(JumpTarget::Violation), "to see one"))
            }
            Self::Watch(_) => Some((Command::Watches, "lists the watches")),
            Self::Detached | Self::State(_) => None,
        }
    }
}

/// Why the connection to the forwarder is lost, if it is.
fn lost_link(snapshot: &Snapshot) -> Option<&str> {
    let lost = snapshot.link.as_ref()?.lost.as_ref()?;
    Some(&lost.0)
}
