//! The task that collects the reports of the stages, and publishes snapshots.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use ulid::Ulid;

use crate::amplitude::time::{self, UnixMs};
use crate::delivery::{Accepted, DeliveryReport, DeliveryStatus, ItemOutcome, Queued, Undelivered};
use crate::feed::FeedStatus;
use crate::filter::Decision;
use crate::ledger;
use crate::protocol::{
    DurationBuckets, Line, Notice, Outcome, RATE_SECONDS, Rates, Record, Series, Snapshot,
    VerificationStatus,
};
use crate::telemetry::clock::Clock;
use crate::telemetry::counters::Counters;
use crate::telemetry::filtered_rates::FilteredRates;
use crate::telemetry::latency::Latency;

use super::sources::Sources;
use super::verification::sampler::Sampler;

/// Interval of snapshots: faster than anyone reads a screen.
const EVERY: Duration = Duration::from_millis(100);
/// Maximum attempts in a story: the first and the last ones. An outage has more.
const ATTEMPTS: usize = 20;
/// Maximum notices that are kept.
const NOTICES: usize = 50;

/// The report of intake after a few frames.
#[derive(Debug, Default)]
pub struct IntakeReport {
    /// The records of the frames, in order.
    pub records: Vec<Record>,
    /// The dedupe ids of the events among them, in the same order.
    pub ids: Vec<Ulid>,
    /// Time that the newest frame waited, in milliseconds.
    pub waited_ms: u64,
    /// Descriptions of the gaps before reconnects.
    pub resumed: Vec<String>,
    /// Notices for the screen, which are logged already.
    pub notices: Vec<String>,
}

impl IntakeReport {
    /// Whether it reports nothing.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.resumed.is_empty() && self.notices.is_empty()
    }
}

/// Collects reports, and publishes snapshots.
#[derive(Debug)]
pub struct Observer {
    sources: Sources,
    counters: Counters,
    filtered: FilteredRates,
    series: Series,
    published_series: Arc<Series>,
    latency: Latency,
    latency_buckets: DurationBuckets,
    lag: VecDeque<i64>,
    lag_buckets: DurationBuckets,
    requests: VecDeque<UnixMs>,
    notices: VecDeque<Notice>,
    clock: Clock,
    /// The gap before the last reconnect.
    resumed: Option<String>,
    started_ms: UnixMs,
    /// Time that the newest frame waited, in milliseconds, and when that was reported.
    waited: (u64, UnixMs),
    snapshots: watch::Sender<Arc<Snapshot>>,
}

impl Observer {
    /// Creates an observer that publishes to `snapshots`.
    pub fn new(sources: Sources, snapshots: watch::Sender<Arc<Snapshot>>) -> Self {
        Self {
            sources,
            counters: Counters::default(),
            filtered: FilteredRates::default(),
            series: Series::default(),
            published_series: Arc::default(),
            latency: Latency::default(),
            latency_buckets: DurationBuckets::default(),
            lag: VecDeque::new(),
            lag_buckets: DurationBuckets::default(),
            requests: VecDeque::new(),
            notices: VecDeque::new(),
            clock: Clock::default(),
            resumed: None,
            started_ms: time::now(),
            waited: (0, 0),
            snapshots,
        }
    }

    /// Runs until both channels have ended; the last snapshot includes everything.
    pub async fn run(
        mut self,
        mut reports: mpsc::Receiver<IntakeReport>,
        mut deliveries: mpsc::Receiver<DeliveryReport>,
    ) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut reporting, mut delivering) = (true, true);
        while reporting || delivering {
            tokio::select! {
                // Receipt before answer: a record must exist before its outcome.
                biased;
                _ = tick.tick() => self.publish(),
                Some(text) = self.sources.notices.recv() => self.notice(text),
                report = reports.recv(), if reporting => match report {
                    Some(report) => self.take_in(report),
                    None => reporting = false,
                },
                Some(events) = self.sources.handed_over.recv() => self.hand_over(&events),
                report = deliveries.recv(), if delivering => match report {
                    Some(report) => self.deliver(report),
                    None => delivering = false,
                },
            }
        }
        self.publish();
    }

    fn take_in(&mut self, report: IntakeReport) {
        let now = time::now();
        self.waited = (report.waited_ms, now);
        if let Some(text) = self.sources.ledger.decided(&report.records, &report.ids) {
            self.notice(text);
        }
        for covered in report.resumed {
            self.notice(covered.clone());
            self.resumed = Some(covered);
        }
        for text in report.notices {
            self.show(text);
        }
        let mut lines = [
            (Line::Received, 0),
            (Line::Accepted, 0),
            (Line::Rejected, 0),
        ];
        for record in &report.records {
            self.counters.count(record);
            match &record.story.decision {
                Some(Decision::Accepted) => lines[1].1 += 1,
                Some(Decision::Rejected { .. }) => lines[2].1 += 1,
                Some(Decision::Filtered { by }) => self.filtered.add(by, now),
                None => {}
            }
            lines[0].1 += u32::from(record.story.decision.is_some());
        }
        for (line, count) in lines {
            self.series.add(line, count, now);
        }
        if let Some(event) = report.records.last().and_then(Record::event)
            && let Ok(happened) = event.time()
        {
            let age_ms = event.received_ms() - happened;
            self.lag_buckets.add(age_ms.max(0).cast_unsigned());
            self.lag.push_back(age_ms);
            if self.lag.len() > 301 {
                self.lag.pop_front();
            }
        }
        self.sources.ring.lock().extend(report.records);
    }

    /// Marks events that another member sends, unless an answer says what became of them.
    fn hand_over(&self, events: &[u64]) {
        let mut ring = self.sources.ring.lock();
        for sequence in events {
            ring.update(*sequence, |story| {
                if matches!(story.outcome, Outcome::OnItsWay | Outcome::Waiting { .. }) {
                    story.outcome = Outcome::HandedOver;
                }
            });
        }
    }

    fn deliver(&mut self, report: DeliveryReport) {
        let now = time::now();
        let DeliveryReport {
            attempt,
            outcomes,
            notice,
        } = report;
        if let Some(text) = notice {
            self.show(text);
        }
        self.counters.totals.requests += 1;
        *self
            .counters
            .answers
            .entry(attempt.answer.clone())
            .or_default() += 1;
        self.requests.push_back(now);
        let mut delivered = 0;
        for (queued, outcome) in &outcomes {
            delivered += u32::from(self.count(queued, outcome, now));
        }
        self.series.add(Line::Delivered, delivered, now);
        if let Some(text) = self.sources.ledger.settled(&outcomes, now) {
            self.notice(text);
        }
        let mut ring = self.sources.ring.lock();
        for (queued, outcome) in outcomes.into_iter().filter(|(queued, _)| queued.is_event()) {
            ring.update(queued.accepted.sequence, |story| {
                if story.attempts.len() >= ATTEMPTS {
                    story.attempts.remove(ATTEMPTS / 2);
                }
                story.attempts.push(attempt.clone());
                story.outcome = match outcome {
                    ItemOutcome::Delivered { .. } => Outcome::Delivered {
                        took_ms: since(&queued, now) as u32,
                    },
                    ItemOutcome::Waiting { next_ms } => Outcome::Waiting { next_ms },
                    ItemOutcome::Undelivered {
                        why, reason, field, ..
                    } => Outcome::Undelivered { why, reason, field },
                };
            });
        }
    }

    /// Counts the outcome of an item. Returns whether it is a delivered event.
    fn count(&mut self, queued: &Queued, outcome: &ItemOutcome, now: UnixMs) -> bool {
        let totals = &mut self.counters.totals;
        match outcome {
            ItemOutcome::Delivered { first_attempt } if queued.is_event() => {
                totals.delivered += 1;
                if *first_attempt {
                    totals.success_on_first_attempt += 1;
                } else {
                    totals.success_after_retry += 1;
                }
                let took_ms = since(queued, now);
                self.latency.add(took_ms, now);
                self.latency_buckets.add(took_ms);
                if let Some(sampler) = &mut self.sources.sampler {
                    sampler.offer(&queued.accepted, now);
                }
                true
            }
            ItemOutcome::Undelivered {
                why, reason, field, ..
            } => {
                if queued.is_event() {
                    match why {
                        Undelivered::Expired => totals.expired += 1,
                        Undelivered::Discarded | Undelivered::Damaged => totals.discarded += 1,
                    }
                }
                let Accepted {
                    item, event_type, ..
                } = &queued.accepted;
                let outcome = ledger::Outcome::from(*why).name();
                tracing::warn!(kind = "undelivered", id = %item.id, %event_type, field, outcome, reason, "{why}: {reason}");
                false
            }
            ItemOutcome::Delivered { .. } | ItemOutcome::Waiting { .. } => false,
        }
    }

    fn notice(&mut self, text: String) {
        tracing::info!("{text}");
        self.show(text);
    }

    /// Keeps a notice for the screen, which is logged already.
    fn show(&mut self, text: String) {
        self.notices.push_back(Notice {
            at_ms: time::now(),
            text,
        });
        if self.notices.len() > NOTICES {
            self.notices.pop_front();
        }
    }

    fn publish(&mut self) {
        let now = time::now();
        while self.requests.front().is_some_and(|at| now - at > 60_000) {
            self.requests.pop_front();
        }
        if let Some(jump) = self.clock.check(std::time::Instant::now(), now) {
            self.notice(jump);
        }
        if let Some(sampler) = &mut self.sources.sampler {
            sampler.hand_on(now);
        }
        self.series.advance(now);
        if *self.published_series != self.series {
            self.published_series = Arc::new(self.series.clone());
        }
        let feed = FeedStatus {
            resumed: self.resumed.clone(),
            ..self.sources.feed.borrow().clone()
        };
        let published = self.sources.published_spool();
        let delivery = DeliveryStatus {
            spool: published.status,
            ..self.sources.delivery.borrow().clone()
        };
        self.sources.ledger.watch(&feed, &delivery);
        // Read before the filters: a screen must not take older filters for those of this version.
        let filters_version = self.sources.change_log.version();
        let gate = self.sources.gate.load();
        let snapshot = Snapshot {
            at_ms: now,
            started_ms: self.started_ms,
            totals: self.counters.totals,
            rates: self.rates(now),
            series: self.published_series.clone(),
            behind_ms: self.behind_ms(&feed, now),
            feed,
            feed_lag_ms: median(&self.lag),
            mode: Some(gate.mode()),
            filters: gate.shared_filters(),
            filters_version,
            last_change: self.sources.change_log.last(),
            rules: gate.tallies(),
            types: Arc::new(self.counters.types(now)),
            limits: Arc::new(self.counters.limits(now)),
            latency: self.latency.row(),
            latency_bands: self.latency.bands(),
            latency_buckets: self.latency_buckets,
            lag_buckets: self.lag_buckets,
            answers: self.counters.answers.clone(),
            requests_per_minute: self.requests.len() as u64,
            delivery,
            verification: self.verification(),
            last_audit: self.sources.ledger.last_audit(),
            dead_letters: published.dead_letters,
            group: self.sources.group(),
            ring: self.sources.ring.lock().row(),
            notices: self.notices.iter().cloned().collect(),
            link: None,
        };
        self.snapshots.send_replace(Arc::new(snapshot));
    }

    fn rates(&mut self, now: UnixMs) -> Rates {
        let rate = |line| self.series.rate(line, RATE_SECONDS);
        Rates {
            received: rate(Line::Received),
            accepted: rate(Line::Accepted),
            delivered: rate(Line::Delivered),
            rejected: rate(Line::Rejected),
            filtered_by: self.filtered.rates(now, RATE_SECONDS),
        }
    }

    fn verification(&self) -> VerificationStatus {
        let sampler = self.sources.sampler.as_ref();
        sampler.map(Sampler::status).unwrap_or_default()
    }

    /// Time that frames wait for intake, in milliseconds.
    fn behind_ms(&self, feed: &FeedStatus, now: UnixMs) -> u64 {
        let blocked = feed
            .blocked_since_ms
            .map_or(0, |since| (now - since).max(0).unsigned_abs());
        // An old report says nothing about now.
        let (waited, reported_at) = self.waited;
        let waited = if now - reported_at < 2_000 { waited } else { 0 };
        blocked.max(waited)
    }
}

/// Time from an event's receipt to now, in milliseconds; 0 where the clock was set back.
fn since(queued: &Queued, now: UnixMs) -> u64 {
    (now - queued.accepted.received_ms).max(0).unsigned_abs()
}

fn median(values: &VecDeque<i64>) -> Option<i64> {
    let mut sorted: Vec<i64> = values.iter().copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}
