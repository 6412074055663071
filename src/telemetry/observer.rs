//! The task that takes in what the stages tell, and publishes how everything stands.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, watch};

use crate::amplitude::time::{self, UnixMs};
use crate::delivery::{Accepted, Answered, DeliveryStatus, Queued, Settled, Undelivered, spool};
use crate::feed::FeedStatus;
use crate::filter::{Decision, Gate};
use crate::protocol::{Notice, Outcome, Rates, Record, Snapshot};

use super::clock::Clock;
use super::counters::Counters;
use super::latency::Latency;
use super::ring::SharedRing;
use crate::protocol::series::{Line, Series};

/// Snapshots are published this often: faster than a screen can be read.
const EVERY: Duration = Duration::from_millis(100);
/// Rates are over so many seconds.
const RATE_SECONDS: usize = 3;
/// A story has so many attempts, the first and the last ones: an outage has more.
const ATTEMPTS: usize = 20;
/// So many notices are kept.
const NOTICES: usize = 50;

/// What intake tells after each handful of frames.
#[derive(Debug, Default)]
pub struct TakenIn {
    /// What the frames carried, in order.
    pub records: Vec<Record>,
    /// How long the newest frame had waited, in milliseconds.
    pub waited_ms: u64,
    /// What each reconnect among them had to cover, in words.
    pub resumed: Vec<String>,
    /// Notices for the screen, already logged.
    pub notices: Vec<String>,
}

/// What the observer looks at besides what it is told.
#[derive(Debug)]
pub struct Sources {
    /// The gate in force.
    pub gate: Arc<ArcSwap<Gate>>,
    /// How delivery stands.
    pub delivery: watch::Receiver<DeliveryStatus>,
    /// How the feed stands.
    pub feed: watch::Receiver<FeedStatus>,
    /// The ring that it fills.
    pub ring: SharedRing,
    /// How the spool stands.
    pub spool: watch::Receiver<spool::writer::Published>,
    /// What the stages have to tell the operator.
    pub told: mpsc::UnboundedReceiver<String>,
}

/// The observer: everything that it knows.
#[derive(Debug)]
pub struct Observer {
    sources: Sources,
    counters: Counters,
    series: Series,
    published_series: Arc<Series>,
    latency: Latency,
    lag: VecDeque<i64>,
    requests: VecDeque<UnixMs>,
    notices: VecDeque<Notice>,
    clock: Clock,
    /// What the last reconnect had to cover.
    resumed: Option<String>,
    started_ms: UnixMs,
    /// How long the newest frame had waited, and when that was told.
    waited: (u64, UnixMs),
    snapshots: watch::Sender<Arc<Snapshot>>,
}

impl Observer {
    /// An observer that publishes to `snapshots`.
    pub fn new(sources: Sources, snapshots: watch::Sender<Arc<Snapshot>>) -> Self {
        Self {
            sources,
            counters: Counters::default(),
            series: Series::default(),
            published_series: Arc::default(),
            latency: Latency::default(),
            lag: VecDeque::new(),
            requests: VecDeque::new(),
            notices: VecDeque::new(),
            clock: Clock::default(),
            resumed: None,
            started_ms: time::now(),
            waited: (0, 0),
            snapshots,
        }
    }

    /// Runs until both channels have ended; the last snapshot tells all.
    pub async fn run(
        mut self,
        mut taken: mpsc::Receiver<TakenIn>,
        mut answered: mpsc::Receiver<Answered>,
    ) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut taking, mut answering) = (true, true);
        while taking || answering {
            tokio::select! {
                // Receipt before answer, so that a story is never told from its end.
                biased;
                _ = tick.tick() => self.publish(),
                Some(text) = self.sources.told.recv() => self.notice(text),
                told = taken.recv(), if taking => match told {
                    Some(told) => self.take_in(told),
                    None => taking = false,
                },
                told = answered.recv(), if answering => match told {
                    Some(told) => self.answer(told),
                    None => answering = false,
                },
            }
        }
        self.publish();
    }

    fn take_in(&mut self, told: TakenIn) {
        let now = time::now();
        self.waited = (told.waited_ms, now);
        for covered in told.resumed {
            self.notice(covered.clone());
            self.resumed = Some(covered);
        }
        for text in told.notices {
            self.show(text);
        }
        let mut lines = [
            (Line::Received, 0),
            (Line::Accepted, 0),
            (Line::Rejected, 0),
        ];
        for record in &told.records {
            self.counters.count(record);
            match &record.story.decision {
                Some(Decision::Accepted) => lines[1].1 += 1,
                Some(Decision::Rejected { .. }) => lines[2].1 += 1,
                _ => {}
            }
            lines[0].1 += u32::from(record.story.decision.is_some());
        }
        for (line, count) in lines {
            self.series.add(line, count, now);
        }
        if let Some(event) = told.records.last().and_then(Record::event)
            && let Ok(happened) = event.time()
        {
            self.lag.push_back(event.received_ms() - happened);
            if self.lag.len() > 301 {
                self.lag.pop_front();
            }
        }
        self.sources.ring.lock().extend(told.records);
    }

    fn answer(&mut self, told: Answered) {
        let now = time::now();
        let Answered {
            attempt,
            settled,
            notice,
        } = told;
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
        for (queued, settled) in &settled {
            delivered += u32::from(self.count(queued, settled, now));
        }
        self.series.add(Line::Delivered, delivered, now);
        let mut ring = self.sources.ring.lock();
        for (queued, settled) in settled.into_iter().filter(|(queued, _)| queued.is_event()) {
            ring.tell(queued.accepted.sequence, |story| {
                if story.attempts.len() >= ATTEMPTS {
                    story.attempts.remove(ATTEMPTS / 2);
                }
                story.attempts.push(attempt.clone());
                story.outcome = match settled {
                    Settled::Delivered { .. } => Outcome::Delivered {
                        took_ms: since(&queued, now) as u32,
                    },
                    Settled::Waiting { next_ms } => Outcome::Waiting { next_ms },
                    Settled::Undelivered {
                        why, reason, field, ..
                    } => Outcome::Undelivered { why, reason, field },
                };
            });
        }
    }

    /// Counts what became of one item; whether it is a delivered event.
    fn count(&mut self, queued: &Queued, settled: &Settled, now: UnixMs) -> bool {
        let totals = &mut self.counters.totals;
        match settled {
            Settled::Delivered { first_attempt } if queued.is_event() => {
                totals.delivered += 1;
                if *first_attempt {
                    totals.success_on_first_attempt += 1;
                } else {
                    totals.success_after_retry += 1;
                }
                self.latency.add(since(queued, now), now);
                true
            }
            Settled::Undelivered {
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
                tracing::warn!(id = %item.id, %event_type, field, "{why}: {reason}");
                false
            }
            Settled::Delivered { .. } | Settled::Waiting { .. } => false,
        }
    }

    fn notice(&mut self, text: String) {
        tracing::info!("{text}");
        self.show(text);
    }

    /// Keeps a notice for the screen; whoever has it has logged it.
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
        if let Some(jump) = self.clock.look(std::time::Instant::now(), now) {
            self.notice(jump);
        }
        self.series.advance(now);
        if *self.published_series != self.series {
            self.published_series = Arc::new(self.series.clone());
        }
        let feed = FeedStatus {
            resumed: self.resumed.clone(),
            ..self.sources.feed.borrow().clone()
        };
        let published = self.sources.spool.borrow().clone();
        let delivery = DeliveryStatus {
            spool: published.status,
            ..self.sources.delivery.borrow().clone()
        };
        let rate = |line| self.series.rate(line, RATE_SECONDS);
        let rates = Rates {
            received: rate(Line::Received),
            accepted: rate(Line::Accepted),
            delivered: rate(Line::Delivered),
            rejected: rate(Line::Rejected),
        };
        let gate = self.sources.gate.load();
        let behind = feed
            .blocked_since_ms
            .map_or(0, |since| (now - since).max(0).unsigned_abs());
        // What waited a while ago says nothing of now.
        let (waited, told_at) = self.waited;
        let waited = if now - told_at < 2_000 { waited } else { 0 };
        let snapshot = Snapshot {
            at_ms: now,
            started_ms: self.started_ms,
            totals: self.counters.totals,
            rates,
            series: self.published_series.clone(),
            feed,
            behind_ms: behind.max(waited),
            feed_lag_ms: median(&self.lag),
            mode: Some(gate.mode()),
            filters: Arc::new(gate.filters().clone()),
            rules: gate.tallies(),
            types: Arc::new(self.counters.types(now)),
            limits: Arc::new(self.counters.limits(now)),
            latency: self.latency.row(),
            answers: self.counters.answers.clone(),
            requests_per_minute: self.requests.len() as u64,
            delivery,
            letters: published.dead_letters,
            ring: self.sources.ring.lock().row(),
            notices: self.notices.iter().cloned().collect(),
        };
        self.snapshots.send_replace(Arc::new(snapshot));
    }
}

/// From an event's receipt to now, in milliseconds; a clock that was set back counts as 0.
fn since(queued: &Queued, now: UnixMs) -> u64 {
    (now - queued.accepted.received_ms).max(0).unsigned_abs()
}

fn median(values: &VecDeque<i64>) -> Option<i64> {
    let mut sorted: Vec<i64> = values.iter().copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}
