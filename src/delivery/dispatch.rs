//! The task that owns the lanes and sends shipments.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::amplitude::time::{self, UnixMs};
use crate::customerio::Client;
use crate::customerio::response::Answer;

use super::batch::{Next, Shipment};
use super::lane::Lanes;
use super::retry::Retry;
use super::{Answered, Attempt, Queued, Settled, Standing};

/// While delivery is halted, one request asks this often whether it is mended.
const PROBE: Duration = Duration::from_secs(30);

/// The figures of delivery; settings under `[delivery]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How many lanes there are.
    pub lanes: usize,
    /// A batch closes at this size, in bytes.
    pub batch_bytes: usize,
    /// A batch closes when its oldest item has waited this long.
    pub batch_age: Duration,
    /// At most so many requests are out at once.
    pub in_flight: usize,
    /// At most so many requests go out a second.
    pub requests_per_second: NonZeroU32,
    /// Where so many bytes wait, no more is taken.
    pub queue_bytes: usize,
    /// When failures are tried again.
    pub retry: Retry,
}

/// What the dispatcher can be told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Try again now: the operator says that the credentials are right.
    Resume,
    /// Stop; what is not delivered is handed back.
    GiveUp,
}

/// Runs until its input ends and all is settled, or until it is told to give up.
#[derive(Debug)]
pub struct Dispatch {
    client: Arc<Client>,
    settings: Settings,
    limiter: Arc<DefaultDirectRateLimiter>,
    lanes: Lanes,
    /// To be sent as soon as anything may be.
    ready: VecDeque<Shipment>,
    /// To be tried again, by time.
    later: BTreeMap<(Instant, u64), Shipment>,
    laters: u64,
    out: JoinSet<Returned>,
    cut: CancellationToken,
    halted: Option<Halt>,
    quiet_until: Option<Instant>,
    answered: mpsc::Sender<Answered>,
    standing: watch::Sender<Standing>,
}

#[derive(Debug)]
struct Halt {
    why: String,
    probe_at: Instant,
}

#[derive(Debug)]
struct Returned {
    shipment: Shipment,
    answer: Answer,
    at_ms: UnixMs,
    sent: Instant,
}

impl Dispatch {
    /// A dispatcher that tells `answered` what became of each item and `standing` how it stands.
    pub fn new(
        client: Arc<Client>,
        settings: Settings,
        answered: mpsc::Sender<Answered>,
        standing: watch::Sender<Standing>,
    ) -> Self {
        // A tenth of a second's worth may go at once: enough for many lanes, no storm.
        let burst =
            NonZeroU32::new(settings.requests_per_second.get() / 10).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(settings.requests_per_second).allow_burst(burst);
        Self {
            client,
            limiter: Arc::new(RateLimiter::direct(quota)),
            lanes: Lanes::new(settings.lanes, settings.batch_bytes, settings.batch_age),
            settings,
            ready: VecDeque::new(),
            later: BTreeMap::new(),
            laters: 0,
            out: JoinSet::new(),
            cut: CancellationToken::new(),
            halted: None,
            quiet_until: None,
            answered,
            standing,
        }
    }

    /// Delivers what comes in on `items`; returns what could not be settled before it was told to stop.
    pub async fn run(
        mut self,
        mut items: mpsc::Receiver<Vec<Queued>>,
        mut control: mpsc::Receiver<Control>,
    ) -> Vec<Queued> {
        let mut ended = false;
        loop {
            self.send_what_may_go(ended);
            self.tell();
            if ended && self.is_idle() {
                return Vec::new();
            }
            let room = self.lanes.waiting().1 < self.settings.queue_bytes;
            let wake = self.wake();
            tokio::select! {
                more = items.recv(), if room && !ended => match more {
                    Some(more) => {
                        let now = Instant::now();
                        more.into_iter().for_each(|item| self.lanes.push(item, now));
                    }
                    None => ended = true,
                },
                Some(returned) = self.out.join_next(), if !self.out.is_empty() => {
                    if let Ok(returned) = returned {
                        self.settle(returned).await;
                    }
                }
                Some(told) = control.recv() => match told {
                    Control::Resume => self.resume(),
                    Control::GiveUp => return self.give_up().await,
                },
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.lanes.waiting().0 == 0
            && self.out.is_empty()
            && self.ready.is_empty()
            && self.later.is_empty()
    }

    /// When something can be done without anything coming in.
    fn wake(&self) -> Option<Instant> {
        if self.out.len() >= self.settings.in_flight {
            return None;
        }
        let sendable = self
            .lanes
            .due()
            .into_iter()
            .chain(self.later.keys().next().map(|(at, _)| *at));
        let soonest = sendable
            .chain(self.ready.front().map(|_| Instant::now()))
            .min()?;
        match &self.halted {
            Some(_) if !self.out.is_empty() => None,
            Some(halt) => Some(halt.probe_at.max(soonest)),
            None => Some(self.quiet_until.map_or(soonest, |quiet| quiet.max(soonest))),
        }
    }

    fn send_what_may_go(&mut self, flush: bool) {
        let now = Instant::now();
        self.quiet_until = self.quiet_until.filter(|until| *until > now);
        while self.quiet_until.is_none() && self.out.len() < self.settings.in_flight {
            let probing = self
                .halted
                .as_ref()
                .map(|halt| halt.probe_at <= now && self.out.is_empty());
            if probing == Some(false) {
                return;
            }
            let Some(shipment) = self.next_shipment(now, flush) else {
                return;
            };
            self.send(shipment);
        }
    }

    fn next_shipment(&mut self, now: Instant, flush: bool) -> Option<Shipment> {
        if let Some(shipment) = self.ready.pop_front() {
            return Some(shipment);
        }
        match self.later.first_entry() {
            Some(entry) if entry.key().0 <= now => Some(entry.remove()),
            _ => self.lanes.take(now, flush),
        }
    }

    fn send(&mut self, shipment: Shipment) {
        let (client, limiter, cut) = (self.client.clone(), self.limiter.clone(), self.cut.clone());
        self.out.spawn(async move {
            let mut started = (time::now(), Instant::now());
            let request = async {
                limiter.until_ready().await;
                started = (time::now(), Instant::now());
                match shipment.front() {
                    Some([one]) => client.send_one(&one.item).await,
                    Some(many) => client.send_batch(many.iter().map(|q| &q.item)).await,
                    None => Answer::Accepted,
                }
            };
            let given_up = Answer::NoAnswer {
                message: "given up".to_owned(),
            };
            let answer = cut.run_until_cancelled(request).await.unwrap_or(given_up);
            Returned {
                shipment,
                answer,
                at_ms: started.0,
                sent: started.1,
            }
        });
    }

    async fn settle(&mut self, returned: Returned) {
        let Returned {
            mut shipment,
            answer,
            at_ms,
            sent,
        } = returned;
        let now = Instant::now();
        let front: Vec<Queued> = match &answer {
            Answer::Accepted | Answer::Partly(_) => Vec::new(),
            _ => shipment.front().unwrap_or_default().to_vec(),
        };
        let items = shipment.front().map_or(0, <[Queued]>::len) as u32;
        let (mut settled, next) =
            shipment.settle(&answer, sent, now, &self.settings.retry, rand::random());
        // Nothing settled: the load is tried again, whole or in halves, and its story says so.
        if settled.is_empty() {
            let wait = match &next {
                Next::After(delay) | Next::Quiet(delay) => *delay,
                Next::Halt(_) => PROBE,
                Next::Continue => Duration::ZERO,
            };
            let next_ms = time::now() + wait.as_millis() as i64;
            settled.extend(
                front
                    .into_iter()
                    .map(|item| (item, Settled::Waiting { next_ms })),
            );
        }
        let attempt = Attempt {
            at_ms,
            took_ms: now.duration_since(sent).as_millis() as u32,
            answer: answer.label(),
            message: answer.message().to_owned(),
            items,
        };
        // The receiver ends only when the whole pipeline does.
        let _ = self.answered.send(Answered { attempt, settled }).await;
        self.go_on(shipment, next, now);
    }

    fn go_on(&mut self, shipment: Shipment, next: Next, now: Instant) {
        match next {
            Next::Continue => {
                if self.halted.take().is_some() {
                    tracing::info!("Customer.io answers again: delivery goes on");
                }
                if shipment.front().is_some() {
                    self.ready.push_back(shipment);
                } else {
                    self.lanes.release(shipment.lanes());
                }
            }
            Next::After(delay) => self.put_off(shipment, now + delay),
            Next::Quiet(delay) => {
                self.quiet_until = self.quiet_until.max(Some(now + delay));
                self.ready.push_front(shipment);
            }
            Next::Halt(why) => {
                if self.halted.is_none() {
                    tracing::error!(
                        "{why}. All events are kept; trying again every {} s",
                        PROBE.as_secs()
                    );
                }
                self.halted = Some(Halt {
                    why,
                    probe_at: now + PROBE,
                });
                self.ready.push_front(shipment);
            }
        }
    }

    fn put_off(&mut self, shipment: Shipment, until: Instant) {
        self.laters += 1;
        self.later.insert((until, self.laters), shipment);
    }

    fn resume(&mut self) {
        if let Some(halt) = &mut self.halted {
            halt.probe_at = Instant::now();
        }
    }

    /// Takes back everything. Requests that are out are cut: whether they arrived is not
    /// known, and their ids make sending them again harmless.
    async fn give_up(mut self) -> Vec<Queued> {
        let mut left: Vec<Queued> = self.lanes.drain().collect();
        let ready = self
            .ready
            .drain(..)
            .chain(std::mem::take(&mut self.later).into_values());
        left.extend(ready.flat_map(Shipment::into_items));
        self.cut.cancel();
        while let Some(returned) = self.out.join_next().await {
            left.extend(returned.into_iter().flat_map(|r| r.shipment.into_items()));
        }
        left
    }

    fn tell(&mut self) {
        let (waiting, waiting_bytes) = self.lanes.waiting();
        let behind = self.later.values().chain(&self.ready);
        let (retrying, retrying_bytes) = behind
            .map(Shipment::unsettled)
            .fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        let in_ms = |at: Instant| {
            time::now() + at.saturating_duration_since(Instant::now()).as_millis() as i64
        };
        let standing = Standing {
            waiting,
            waiting_bytes: (waiting_bytes + retrying_bytes) as u64,
            in_flight: self.out.len() as u32,
            retrying,
            next_retry_ms: self.later.keys().next().map(|(at, _)| in_ms(*at)),
            halted: self.halted.as_ref().map(|halt| halt.why.clone()),
            throttled_until_ms: self.quiet_until.map(in_ms),
            server: self.client.server().map(str::to_owned),
        };
        self.standing.send_replace(standing);
    }
}
