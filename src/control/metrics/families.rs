//! What the metrics say.

use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use crate::delivery::BreakerState;
use crate::feed::FeedState;
use crate::filter::Mode;
use crate::protocol::Snapshot;

use super::super::about::About;
use super::super::access::Role;
use super::exposition::{Exposition, Family};
use super::group_families::group;
use super::type_labels::TypeCounts;

/// All families of one forwarder at one moment.
#[derive(Debug)]
pub(super) struct Families {
    pub(super) about: About,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) types: Vec<TypeCounts>,
    pub(super) screens: [(Role, u64); 2],
}

impl Collector for Families {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut to = Exposition(encoder);
        self.process(&mut to)?;
        group(&self.snapshot, &mut to)?;
        self.received(&mut to)?;
        self.decisions(&mut to)?;
        self.outcomes(&mut to)?;
        self.verification(&mut to)?;
        self.audit(&mut to)?;
        self.requests(&mut to)?;
        self.spool(&mut to)?;
        self.states(&mut to)?;
        self.screens(&mut to)
    }
}

impl Families {
    fn process(&self, to: &mut Exposition<'_>) -> Result<(), Error> {
        let protocol = self.about.protocol.to_string();
        to.info(
            Family::new(
                "build",
                "Version of the program, and of its control API; workspace",
            ),
            &[
                ("version", self.about.version.as_str()),
                ("protocol", protocol.as_str()),
                ("workspace", self.about.workspace.as_str()),
            ],
        )?;
        to.gauge(
            Family::seconds(
                "start_time",
                "When the forwarder was started, since 1970-01-01 UTC",
            ),
            self.snapshot.started_ms as f64 / 1_000.0,
        )
    }

    fn received(&self, to: &mut Exposition<'_>) -> Result<(), Error> {
        let totals = &self.snapshot.totals;
        to.counter(
            Family::new("events_received", "Events received from the feed"),
            totals.received,
        )?;
        to.counter(
            Family::bytes("events_received", "Bytes of these events"),
            totals.received_bytes,
        )?;
        to.counter(
            Family::new(
                "malformed",
                "Frames, or parts of them, that could not be decoded",
            ),
            totals.malformed,
        )?;
        to.durations(
            Family::seconds(
                "feed_lag",
                "Age of an event when it is received; of one event a message or handful of messages",
            ),
            &self.snapshot.lag_buckets,
        )
    }

    fn decisions(&self, to: &mut Exposition<'_>) -> Result<(), Error> {
        let totals = &self.snapshot.totals;
        let by = &totals.filtered_by;
        to.counters(
            Family::new(
                "events_decided",
                "Events by decision, and by what filtered them out",
            ),
            [
                ("accepted", "", totals.accepted),
                ("rejected", "limit", totals.rejected),
                ("filtered", "type", by.event_type),
                ("filtered", "rule", by.rule),
                ("filtered", "gate", by.gate),
                ("filtered", "property_update", by.property_update),
            ]
            .map(|(decision, by, count)| (vec![("decision", decision), ("by", by)], count)),
        )?;
        to.counter(
            Family::new(
                "events_dry_run",
                "Accepted events that dry run did not send",
            ),
            totals.dry_run,
        )?;
        let types = self.types.iter().flat_map(|row| {
            [
                ("accepted", row.accepted),
                ("not_accepted", row.not_accepted),
            ]
            .map(|(decision, count)| {
                let name = row.name.as_ref();
                (vec![("event_type", name), ("decision", decision)], count)
            })
        });
        to.counters(
            Family::new(
                "events_by_type",
                "Events by type: up to 200 types, and all others together",
            ),
            types,
        )?;
        let limits = self.snapshot.limits.iter().map(|row| {
            let labels = vec![("limit", row.code.name()), ("effect", row.policy.name())];
            (labels, row.count)
        });
        to.counters(
            Family::new(
                "limit_violations",
                "Violations by limit; an event may violate several",
            ),
            limits,
        )?;
        self.rules(to)
    }

    fn rules(&self, to: &mut Exposition<'_>) -> Result<(), Error> {
        let names = self.snapshot.filters.rules.iter();
        let rules = || names.clone().zip(&self.snapshot.rules);
        to.counters(
            Family::new("rule_matched", "Events that a rule's condition matched"),
            rules().map(|(rule, tally)| (vec![("rule", rule.name.as_str())], tally.matched)),
        )?;
        to.counters(
            Family::new(
                "rule_errors",
                "Events on which a rule's condition could not be evaluated",
            ),
            rules().map(|(rule, tally)| (vec![("rule", rule.name.as_str())], tally.errors)),
        )
    }

    fn outcomes(&self, to: &mut Exposition<'_>) -> Result<(), Error> {
        let totals = &self.snapshot.totals;
        to.counters(
            Family::new(
                "events_delivered",
                "Events that Customer.io accepted, by attempt",
            ),
            [
                (vec![("attempt", "first")], totals.success_on_first_attempt),
                (vec![("attempt", "later")], totals.success_after_retry),
            ],
        )?;
        to.counters(
            Family::new(
                "events_undelivered",
                "Events that became dead letters: all attempts failed, or Customer.io refused them",
            ),
            [
                (vec![("reason", "expired")], totals.expired),
                (vec![("reason", "discarded")], totals.discarded),
            ],
        )?;
        to.durations(
            Family::seconds(
                "delivery_latency",
                "Time from the receipt of an event until Customer.io accepted it",
            ),
            &self.snapshot.latency_buckets,
        )
    }

    fn verification(&self, to: &mut Exposition<'_>) -> Result<(), Error> {
        let counts = &self.snapshot.verification.total;
        to.counters(
            Family::new(
                "events_verified",
                "Delivered events that were looked up at Customer.io, by what was found",
            ),
            [
                (vec![("result", "verified")], counts.verified),
                (vec![("result", "failed")], counts.failed),
                (vec![("result", "missing")], counts.missing),
                (vec![("result", "undecided")], counts.undecided),
            ],
        )
    }

    fn audit(&self, to: &mut Exposition<'_>) -> Result<(), Error> {
        let audit = self.snapshot.last_audit.clone().unwrap_or_default();
        to.gauge(
            Family::seconds(
                "audit_time",
                "When the last audit ended, since 1970-01-01 UTC; 0 without one",
            ),
            audit.at_ms as f64 / 1_000.0,
        )?;
        to.gauge(
            Family::new(
                "audit_missing",
                "Events in Amplitude's export that the last audit found to be never received",
            ),
            audit.missing as f64,
        )?;
        to.gauge(
            Family::new(
                "audit_undelivered",
                "Accepted events that had not arrived by the last audit",
            ),
            audit.undelivered as f64,
        )
    }

    fn requests(&self, to: &mut Exposition<'_>) -> Result<(), Error> {
        let delivery = &self.snapshot.delivery;
        let answers = self.snapshot.answers.iter();
        to.counters(
            Family::new("requests", "Requests to Customer.io by answer"),
            answers.map(|(answer, count)| (vec![("answer", answer.as_str())], *count)),
        )?;
        to.gauge(
            Family::new("requests_in_flight", "Requests without an answer yet"),
            f64::from(delivery.in_flight),
        )?;
        to.gauge(
            Family::new(
                "request_rate_limit",
                "Requests a second that are sent at most, as learned from Customer.io's answers",
            ),
            delivery.rate,
        )?;
        to.gauge(
            Family::new(
                "request_rate_limit_configured",
                "Requests a second that are sent at most, by the settings",
            ),
            f64::from(delivery.rate_limit),
        )
    }

    fn spool(&self, to: &mut Exposition<'_>) -> Result<(), Error> {
        let spool = &self.snapshot.delivery.spool;
        let gauges = [
            (
                Family::new("spool_items", "Accepted items that are not settled"),
                spool.items,
            ),
            (
                Family::new(
                    "spool_retrying_items",
                    "Those of them that wait for a retry",
                ),
                self.snapshot.delivery.retrying,
            ),
            (
                Family::bytes("spool_items_size", "Bytes that they take of the quota"),
                spool.bytes,
            ),
            (
                Family::bytes("spool_quota", "The quota of items and dead letters"),
                spool.quota_bytes,
            ),
            (
                Family::new(
                    "spool_full",
                    "1 if the quota is reached: the feed is not read then",
                ),
                u64::from(spool.full),
            ),
            (
                Family::new(
                    "spool_faulty",
                    "1 if the spool can't be written: the feed is not read then",
                ),
                u64::from(spool.fault.is_some()),
            ),
            (
                Family::new("dead_letters", "Dead letters in the spool"),
                spool.dead_letters,
            ),
            (
                Family::bytes("dead_letters_size", "Bytes that they take of the quota"),
                spool.dead_letter_bytes,
            ),
        ];
        for (family, value) in gauges {
            to.gauge(family, value as f64)?;
        }
        let age = |since: i64| (self.snapshot.at_ms - since).max(0) as f64 / 1_000.0;
        to.gauge(
            Family::seconds("spool_oldest_age", "Age of the oldest item; 0 without one"),
            spool.oldest_ms.map_or(0.0, age),
        )?;
        to.counter(
            Family::new(
                "spool_items_lost",
                "Accepted items that were lost to a damaged disk",
            ),
            spool.lost,
        )
    }

    fn states(&self, to: &mut Exposition<'_>) -> Result<(), Error> {
        let feed = &self.snapshot.feed;
        let feed_state = match feed.state {
            FeedState::Connecting => "connecting",
            FeedState::Live => "live",
            FeedState::Down { .. } => "down",
        };
        to.state(
            Family::new("feed_state", "1 for the state of the feed's connection"),
            &["connecting", "live", "down"],
            feed_state,
        )?;
        to.counter(
            Family::new("feed_connects", "Successful connections to the feed"),
            feed.connects,
        )?;
        to.counter(
            Family::new(
                "feed_resume_given_up",
                "Times that the feed could not resume where it was: events may be missing",
            ),
            feed.given_up,
        )?;
        let breaker = match self.snapshot.delivery.breaker {
            BreakerState::Closed => "closed",
            BreakerState::Open { .. } => "open",
            BreakerState::Refused { .. } => "refused",
        };
        to.state(
            Family::new(
                "breaker_state",
                "1 for the state of delivery: closed sends, open waits for Customer.io, refused for credentials",
            ),
            &["closed", "open", "refused"],
            breaker,
        )?;
        let mode = self.snapshot.mode.map_or("", Mode::name);
        let modes = [Mode::Open, Mode::Shut, Mode::DryRun].map(Mode::name);
        to.state(
            Family::new("gate_state", "1 for the mode of the gate"),
            &modes,
            mode,
        )?;
        to.gauge(
            Family::new("filters_version", "Version of the applied filters"),
            self.snapshot.filters_version as f64,
        )
    }

    fn screens(&self, to: &mut Exposition<'_>) -> Result<(), Error> {
        let screens = self.screens.iter().map(|(role, count)| {
            let role = match role {
                Role::Viewer => "viewer",
                Role::Operator => "operator",
            };
            (vec![("role", role)], *count as f64)
        });
        to.gauges(
            Family::new("control_screens", "Attached screens, by role"),
            screens,
        )
    }
}
