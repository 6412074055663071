//! The task that watches the snapshots and tells of alerts.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::protocol::Snapshot;
use crate::telemetry::ring::SharedRing;

use super::command;
use super::course::{Course, Timing};
use super::message::Message;
use super::rule::AlertRule;
use super::state::{AlertState, watch_level};
use super::watching::Watching;
use super::webhook::Webhook;

/// Interval at which the states are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// The same with watched conditions: events must be counted before they leave the ring.
const WATCH_EVERY: Duration = Duration::from_millis(250);
/// Maximum messages that wait for one receiver.
const WAITING: usize = 32;

/// The alerts of a forwarder, and who is told.
#[derive(Debug)]
pub struct Notifier {
    alerts: Vec<Alert>,
    workspace: String,
    receivers: JoinSet<()>,
    watching: Watching,
}

#[derive(Debug)]
struct Alert {
    rule: AlertRule,
    threshold: f64,
    course: Course,
    receivers: Vec<mpsc::Sender<Message>>,
    /// The number of its condition among the watched ones.
    watch: Option<usize>,
}

impl Notifier {
    /// The alerts of these rules, which were found to be valid. Webhooks are called by `http`; watched
    /// conditions are counted on the events in the ring.
    pub fn new(
        rules: Vec<AlertRule>,
        workspace: String,
        http: &reqwest::Client,
        ring: SharedRing,
    ) -> Self {
        let mut receivers = JoinSet::new();
        let mut watching = Watching::new(ring);
        let alerts = rules.into_iter().map(|rule| {
            let mut of_rule = Vec::new();
            if !rule.webhook.expose_secret().is_empty() {
                let webhook = Webhook {
                    http: http.clone(),
                    address: rule.webhook.clone(),
                    format: rule.format,
                    name: rule.name.clone(),
                };
                let (sender, messages) = mpsc::channel(WAITING);
                receivers.spawn(webhook.run(messages));
                of_rule.push(sender);
            }
            if !rule.command.is_empty() {
                let (sender, messages) = mpsc::channel(WAITING);
                receivers.spawn(command::run(
                    rule.name.clone(),
                    rule.command.clone(),
                    messages,
                ));
                of_rule.push(sender);
            }
            Alert {
                threshold: rule.threshold().unwrap_or_default(),
                watch: (rule.when == AlertState::Watch).then(|| watching.add(&rule)),
                rule,
                course: Course::default(),
                receivers: of_rule,
            }
        });
        Self {
            alerts: alerts.collect(),
            workspace,
            receivers,
            watching,
        }
    }

    fn look(&mut self, snapshot: &Snapshot) {
        for alert in &mut self.alerts {
            let rule = &alert.rule;
            let timing = Timing {
                lasts: rule.lasts,
                repeat: rule.repeat,
            };
            let level = match alert.watch {
                Some(watch) => {
                    let (matches, seconds) = self.watching.matches(watch);
                    watch_level(&rule.condition, matches, seconds, alert.threshold)
                }
                None => rule.when.level(alert.threshold, snapshot),
            };
            let Some(change) = alert.course.step(level, snapshot.at_ms, timing) else {
                continue;
            };
            let message = Message::new(rule, &self.workspace, snapshot, change);
            message.log();
            for receiver in &alert.receivers {
                if receiver.try_send(message.clone()).is_err() {
                    let name = &rule.name;
                    tracing::error!(
                        "{WAITING} messages of the alert {name:?} wait already: this one is not sent"
                    );
                }
            }
        }
    }
}

/// Watches the states until the pipeline has ended, which it does not outlive.
pub async fn run(mut notifier: Notifier, mut snapshots: watch::Receiver<Arc<Snapshot>>) {
    let mut every = tokio::time::interval(if notifier.watching.is_empty() {
        EVERY
    } else {
        WATCH_EVERY
    });
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while snapshots.has_changed().is_ok() {
        every.tick().await;
        let now = snapshots.borrow_and_update().clone();
        notifier.watching.count().await;
        // Before the first snapshot nothing is known.
        if now.mode.is_some() {
            notifier.look(&now);
        }
    }
    notifier.receivers.abort_all();
}
