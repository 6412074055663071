//! The task that decides what is sent and when, and what becomes of it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::amplitude::time::{self, UnixMs};
use crate::customerio::Client;
use crate::customerio::response::Answer;

use super::batch::{self, Says, Verdict};
use super::breaker::{self, Breaker, Failure, Passage};
use super::lane::{Cargo, Lanes, Ticket};
use super::rate::Rate;
use super::retry::Retry;
use super::spool::dead_letters::DeadLetter;
use super::spool::writer::{Handle as SpoolHandle, Settlement, Told};
use super::{Answered, Attempt, Queued, Settled, Standing};

/// What waits longer than this to be tried again holds no bytes in memory.
const HOT: Duration = Duration::from_secs(1);
/// Chunks are read back about so many bytes at a time.
const LOAD_BYTES: u64 = 2 << 20;

/// The figures of delivery; settings under `[delivery]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// A batch closes at this size, in bytes.
    pub batch_bytes: usize,
    /// A batch closes when its oldest item was received so long ago.
    pub batch_age: Duration,
    /// At most so many requests are out at once.
    pub in_flight: usize,
    /// At most so many requests go out a second.
    pub requests_per_second: NonZeroU32,
    /// Where items hold so many bytes in memory, the others stay in the spool alone.
    pub queue_bytes: usize,
    /// When failures are tried again.
    pub retry: Retry,
    /// When the destination counts as down.
    pub breaker: breaker::Limits,
}

/// What the dispatcher can be told from outside.
#[derive(Debug, Clone)]
pub enum Control {
    /// Try again now: the operator says so.
    Resume,
    /// Send by this client from now on: the credentials have changed.
    Client(Arc<Client>),
    /// Go by these figures from now on.
    Settings(Box<Settings>),
    /// Nothing more comes: deliver what can be delivered until then, and end.
    Drain(Instant),
    /// End at once; what is not delivered stays in the spool.
    GiveUp,
}

/// Runs until all is delivered that can be, or until it is told to give up.
#[derive(Debug)]
pub struct Dispatch {
    client: Arc<Client>,
    settings: Settings,
    spool: SpoolHandle,
    /// Whether the gate lets anything out.
    open: watch::Receiver<bool>,
    answered: mpsc::Sender<Answered>,
    standing: watch::Sender<Standing>,
    lanes: Lanes,
    rate: Rate,
    breaker: Breaker,
    quiet_until: Option<Instant>,
    /// To be tried again, by time.
    later: BTreeMap<(Instant, u64), Parked>,
    parked: u64,
    retrying: u64,
    /// Bytes of what is parked or out.
    held_bytes: usize,
    out: JoinSet<Came>,
    requests: u32,
    /// The last chunk that was taken from the spool, and the newest that there is.
    loaded: u64,
    newest: u64,
    loading: bool,
    /// Whether the last probe was one that was tried before.
    probed_later: bool,
    ended: bool,
    drain_by: Option<Instant>,
}

/// What waits to be tried again.
#[derive(Debug)]
struct Parked {
    cargo: Cargo,
    row: Row,
}

/// The row of failures that the last one of some items belongs to, and how many of it are
/// their own.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    number: u64,
    own: u32,
}

/// What a task of ours came back with.
#[derive(Debug)]
enum Came {
    Answer {
        items: Vec<Queued>,
        row: Row,
        answer: Answer,
        at_ms: UnixMs,
        sent: Instant,
    },
    Fetched {
        items: Vec<Queued>,
        people: Vec<u64>,
        row: Row,
    },
}

impl Dispatch {
    /// A dispatcher that takes what `spool` has from chunk `first` on, sends while the gate is
    /// `open`, and tells `answered` what became of each item and `standing` how it stands.
    pub fn new(
        client: Arc<Client>,
        settings: Settings,
        spool: SpoolHandle,
        newest: u64,
        open: watch::Receiver<bool>,
        answered: mpsc::Sender<Answered>,
        standing: watch::Sender<Standing>,
    ) -> Self {
        let now = Instant::now();
        Self {
            lanes: Lanes::new(settings.batch_bytes, settings.batch_age),
            rate: Rate::new(settings.requests_per_second, now),
            breaker: Breaker::new(settings.breaker),
            client,
            settings,
            spool,
            open,
            answered,
            standing,
            quiet_until: None,
            later: BTreeMap::new(),
            parked: 0,
            retrying: 0,
            held_bytes: 0,
            out: JoinSet::new(),
            requests: 0,
            loaded: 0,
            newest,
            loading: false,
            probed_later: false,
            ended: false,
            drain_by: None,
        }
    }

    /// Delivers what the spool tells of, until it has ended and all is settled, or until it is
    /// told to stop. What is left stays in the spool.
    pub async fn run(
        mut self,
        mut told: mpsc::Receiver<Told>,
        mut control: mpsc::Receiver<Control>,
    ) {
        loop {
            self.load_more();
            self.send_what_may_go();
            self.tell();
            if self.ended && self.is_done() {
                return;
            }
            let wake = self.wake();
            tokio::select! {
                // After its end it still answers what is asked of it.
                Some(more) = told.recv() => self.take(more),
                Some(came) = self.out.join_next(), if !self.out.is_empty() => match came {
                    Ok(Came::Answer { items, row, answer, at_ms, sent }) => {
                        self.settle(items, row, &answer, at_ms, sent).await;
                    }
                    Ok(Came::Fetched { items, people, row }) => self.fetched(items, &people, row),
                    // It has printed why; its items come back with the next start.
                    Err(_) => {}
                },
                Some(asked) = control.recv() => match asked {
                    Control::Resume => self.breaker.try_now(Instant::now()),
                    Control::Client(client) => {
                        self.client = client;
                        self.breaker.try_now(Instant::now());
                    }
                    Control::Settings(settings) => self.retune(*settings),
                    Control::Drain(by) => self.drain_by = Some(by),
                    Control::GiveUp => {
                        self.give_up().await;
                        return;
                    }
                },
                Ok(()) = self.open.changed() => {}
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
            }
        }
    }

    fn take(&mut self, told: Told) {
        match told {
            Told::Committed { chunk, items } => {
                // What doesn't fit is read back when it does; so is what comes behind that.
                let next = !self.loading && chunk == self.loaded + 1;
                self.newest = self.newest.max(chunk);
                if next && self.has_room() {
                    self.loaded = chunk;
                    items.into_iter().for_each(|queued| self.push(queued, None));
                }
            }
            Told::Loaded { items, upto } => {
                self.loading = false;
                self.loaded = self.loaded.max(upto);
                for (queued, not_before) in items {
                    self.push(queued, not_before);
                }
            }
            Told::Ended => self.ended = true,
        }
    }

    fn push(&mut self, queued: Queued, not_before: Option<UnixMs>) {
        let (now, now_ms) = (Instant::now(), time::now());
        let wait_ms = not_before.map_or(0, |at| at - now_ms).max(0).unsigned_abs();
        // A clock that was set back must not make it wait for ever.
        let wait = Duration::from_millis(wait_ms).min(self.settings.retry.longest_delay);
        let person = queued.accepted.item.person;
        if !wait.is_zero() && self.lanes.occupy(person) {
            let cargo = Cargo::Spooled(vec![Ticket::of(&queued)]);
            self.park(cargo, Row::default(), now + wait);
            return;
        }
        let age = (now_ms - queued.accepted.received_ms).max(0).unsigned_abs();
        let age = Duration::from_millis(age).min(self.settings.batch_age);
        self.lanes.push(queued, now.checked_sub(age).unwrap_or(now));
    }

    fn has_room(&self) -> bool {
        self.lanes.here_bytes() + self.held_bytes < self.settings.queue_bytes
    }

    /// Asks for what is in the spool alone, where there is room for it.
    fn load_more(&mut self) {
        if !self.loading && self.loaded < self.newest && self.has_room() {
            self.loading = true;
            self.spool.load(self.loaded, LOAD_BYTES);
        }
    }

    fn is_done(&self) -> bool {
        if !self.out.is_empty() {
            return false;
        }
        let nothing = self.lanes.is_empty()
            && self.later.is_empty()
            && self.loaded >= self.newest
            && !self.loading;
        // While the destination is down, a drain would only wait for nothing.
        let down = self.breaker.passage() != Passage::Free;
        if self.drain_by.is_some() && down {
            return true;
        }
        // What can't go out before the end of the drain need not be waited for.
        let in_time = |at: Instant| self.drain_by.is_none_or(|by| at < by);
        nothing || (!self.loading && !self.wake().is_some_and(in_time))
    }

    /// When something is tried again, as far as that is known.
    fn next_retry(&self) -> Option<Instant> {
        let (at, _) = self.later.keys().next()?;
        match self.breaker.passage() {
            Passage::Free => Some(*at),
            Passage::Probe(probe) => Some(probe.max(*at)),
            Passage::None => None,
        }
    }

    /// When something can be sent without anything coming in; none where nothing can.
    fn wake(&self) -> Option<Instant> {
        if self.out.len() >= self.settings.in_flight || !*self.open.borrow() {
            return None;
        }
        let lanes = if self.ended {
            self.lanes.has_sendable().then(Instant::now)
        } else {
            self.lanes.due()
        };
        let later = self.later.keys().next().map(|(at, _)| *at);
        let probe = match self.breaker.passage() {
            Passage::Free => None,
            Passage::None => return None,
            Passage::Probe(_) if !self.out.is_empty() => return None,
            Passage::Probe(at) => Some(at),
        };
        let may = [probe, self.quiet_until, self.rate.ready_at()];
        let may = may.into_iter().flatten().max();
        let there = [lanes, later].into_iter().flatten().min()?;
        Some(may.map_or(there, |may| may.max(there)))
    }

    fn send_what_may_go(&mut self) {
        let now = Instant::now();
        self.quiet_until = self.quiet_until.filter(|until| *until > now);
        while self.out.len() < self.settings.in_flight
            && *self.open.borrow()
            && self.quiet_until.is_none()
            && self.rate.ready_at().is_none_or(|at| at <= now)
        {
            let probing = match self.breaker.passage() {
                Passage::Free => false,
                Passage::Probe(at) if at <= now && self.out.is_empty() => true,
                Passage::Probe(_) | Passage::None => return,
            };
            let Some(Parked { cargo, row }) = self.next_cargo(now, probing) else {
                return;
            };
            match cargo {
                Cargo::Here(items) => self.send(items, row),
                Cargo::Spooled(tickets) => self.fetch(tickets, row),
            }
        }
    }

    /// What goes next. A probe takes turns between what failed before and what did not: one
    /// that always fails must not be all that is ever tried.
    fn next_cargo(&mut self, now: Instant, probing: bool) -> Option<Parked> {
        let fresh_first = probing && self.probed_later;
        self.probed_later = probing && !self.probed_later;
        if fresh_first && let Some(fresh) = self.fresh(now, true) {
            return Some(fresh);
        }
        let due = self
            .later
            .first_entry()
            .filter(|first| first.key().0 <= now);
        match due {
            Some(first) => {
                let parked = first.remove();
                self.retrying -= parked.cargo.len() as u64;
                Some(parked)
            }
            None => self.fresh(now, probing || self.ended),
        }
    }

    fn fresh(&mut self, now: Instant, flush: bool) -> Option<Parked> {
        let cargo = self.lanes.take(now, flush)?;
        self.held_bytes += cargo.here_bytes();
        let row = Row::default();
        Some(Parked { cargo, row })
    }

    fn send(&mut self, mut items: Vec<Queued>, row: Row) {
        let client = self.client.clone();
        self.rate.sent(Instant::now());
        self.requests += 1;
        self.out.spawn(async move {
            let (at_ms, sent) = (time::now(), Instant::now());
            let answer = match &mut items[..] {
                [one] => client.send_one(&mut one.accepted.item).await,
                many => {
                    let items = many.iter_mut().map(|q| &mut q.accepted.item);
                    client.send_batch(items).await
                }
            };
            Came::Answer {
                items,
                row,
                answer,
                at_ms,
                sent,
            }
        });
    }

    fn fetch(&mut self, tickets: Vec<Ticket>, row: Row) {
        let spool = self.spool.clone();
        self.out.spawn(async move {
            let people = tickets.iter().map(|t| t.person).collect();
            let places = tickets.iter().map(|t| (t.place, t.history)).collect();
            let items = spool.fetch(places).await;
            Came::Fetched { items, people, row }
        });
    }

    fn fetched(&mut self, items: Vec<Queued>, people: &[u64], row: Row) {
        // What was damaged is a dead letter already, and nobody has to wait for it.
        let here: rustc_hash::FxHashSet<u64> =
            items.iter().map(|q| q.accepted.item.person).collect();
        for person in people.iter().filter(|person| !here.contains(person)) {
            self.lanes.release(*person);
        }
        if !items.is_empty() {
            let cargo = Cargo::Here(items);
            self.held_bytes += cargo.here_bytes();
            self.park(cargo, row, Instant::now());
        }
    }

    fn park(&mut self, cargo: Cargo, row: Row, until: Instant) {
        self.parked += 1;
        self.retrying += cargo.len() as u64;
        self.later
            .insert((until, self.parked), Parked { cargo, row });
    }

    async fn settle(
        &mut self,
        mut items: Vec<Queued>,
        row: Row,
        answer: &Answer,
        at_ms: UnixMs,
        sent: Instant,
    ) {
        let (now, now_ms) = (Instant::now(), time::now());
        self.requests -= 1;
        let attempt = Attempt {
            at_ms,
            took_ms: now.duration_since(sent).as_millis() as u32,
            answer: answer.label(),
            message: answer.message().to_owned(),
            items: items.len() as u32,
        };
        self.held_bytes -= bytes_of(&items);
        let (counts, row) = self.heed(answer, &mut items, row, now, now_ms);
        let verdict = batch::settle(
            items,
            answer,
            counts,
            (at_ms, now_ms),
            &self.settings.retry,
            rand::random(),
        );
        let settled = self.carry_out(verdict, &attempt, row, now, now_ms);
        // The receiver ends only when the whole pipeline does.
        let _ = self.answered.send(Answered { attempt, settled }).await;
    }

    /// What the answer means for everything: whether a failure counts as an attempt, and the
    /// row of failures that it belongs to.
    fn heed(
        &mut self,
        answer: &Answer,
        items: &mut [Queued],
        row: Row,
        now: Instant,
        now_ms: UnixMs,
    ) -> (bool, Row) {
        match batch::says(answer) {
            Says::Works => {
                self.rate.taken(now);
                self.answers(now);
            }
            Says::Quiet(after) => {
                self.rate.throttled(now);
                self.quiet_until = self.quiet_until.max(Some(now + after));
                self.answers(now);
            }
            Says::Fails(why, after) => return self.failed(&why, after, items, row, now, now_ms),
            Says::Wrong(why) => {
                tracing::error!("{why}. All events are kept");
                self.breaker.wrong_server(&why, now, now_ms);
            }
            Says::Refuses(why) => {
                tracing::error!("{why}. All events are kept; nothing is sent until that is mended");
                self.breaker.refused(&why, now_ms);
            }
        }
        (false, row)
    }

    fn failed(
        &mut self,
        why: &str,
        after: Option<Duration>,
        items: &mut [Queued],
        row: Row,
        now: Instant,
        now_ms: UnixMs,
    ) -> (bool, Row) {
        let number = self.breaker.row();
        let own = if row.number == number { row.own } else { 0 };
        match self.breaker.failed(why, after, now, now_ms) {
            Failure::Counts => {
                return (
                    true,
                    Row {
                        number,
                        own: own + 1,
                    },
                );
            }
            Failure::Opens => {
                tracing::error!("Customer.io is down: {why}. All events are kept");
                self.give_back(number);
            }
            Failure::OfOutage => {}
        }
        for queued in items {
            queued.history.failures = queued.history.failures.saturating_sub(own);
        }
        (false, Row::default())
    }

    /// The destination answers: an outage is over, if there was one. It took no event's time
    /// to be delivered.
    fn answers(&mut self, now: Instant) {
        let Some(down) = self.breaker.works(now) else {
            return;
        };
        tracing::info!("Customer.io answers again: delivery goes on");
        let down_ms = down.as_millis() as i64;
        for parked in self.later.values_mut() {
            parked.cargo.each(|_, history| {
                history.first_ms = history.first_ms.map(|at| at + down_ms);
            });
        }
    }

    /// The failures of this row were an outage's: they are no attempts of anyone's, now or
    /// after a restart.
    fn give_back(&mut self, number: u64) {
        let mut settlement = Settlement {
            next_ms: time::now(),
            ..Settlement::default()
        };
        for parked in self.later.values_mut().filter(|p| p.row.number == number) {
            let own = std::mem::take(&mut parked.row.own);
            parked.cargo.each(|place, history| {
                history.failures = history.failures.saturating_sub(own);
                settlement.put_off.push((place, *history));
            });
        }
        self.spool.settle(settlement);
    }

    /// Does what a verdict says; what became of each item, for its story.
    fn carry_out(
        &mut self,
        verdict: Verdict,
        attempt: &Attempt,
        row: Row,
        now: Instant,
        now_ms: UnixMs,
    ) -> Vec<(Queued, Settled)> {
        let Verdict {
            settled: mut told,
            again,
            behind,
            wait,
        } = verdict;
        let mut settlement = Settlement {
            next_ms: now_ms + wait.as_millis() as i64,
            ..Settlement::default()
        };
        for (queued, settled) in &told {
            self.lanes.release(queued.accepted.item.person);
            match settled {
                Settled::Undelivered { why, reason, field } => {
                    let letter = DeadLetter {
                        number: 0,
                        at_ms: now_ms,
                        why: *why,
                        reason: reason.clone(),
                        field: field.clone(),
                        answer: attempt.answer.clone(),
                        message: attempt.message.clone(),
                        history: queued.history,
                        again: false,
                        accepted: queued.accepted.clone(),
                    };
                    settlement.letters.push((queued.place, letter));
                }
                _ => settlement.settled.push(queued.place),
            }
        }
        let next_ms = match self.breaker.passage() {
            Passage::Probe(at) => settlement.next_ms.max(in_ms(at)),
            Passage::Free | Passage::None => settlement.next_ms,
        };
        for queued in again.iter().flatten().chain(&behind) {
            told.push((queued.clone(), Settled::Waiting { next_ms }));
            settlement.put_off.push((queued.place, queued.history));
        }
        self.lanes.put_behind(behind, now);
        let closed = matches!(self.breaker.passage(), Passage::Free);
        for items in again {
            // What would wait behind items that expired waits behind these.
            items
                .iter()
                .for_each(|q| _ = self.lanes.occupy(q.accepted.item.person));
            let people: Vec<u64> = items.iter().map(|q| q.accepted.item.person).collect();
            let mut cargo = Cargo::Here(items);
            if wait > HOT || !closed {
                cargo = cargo.spooled();
                people
                    .into_iter()
                    .for_each(|person| self.lanes.cool(person));
            }
            self.held_bytes += cargo.here_bytes();
            self.park(cargo, row, now + wait);
        }
        self.spool.settle(settlement);
        told
    }

    fn retune(&mut self, settings: Settings) {
        self.lanes.set(settings.batch_bytes, settings.batch_age);
        self.rate.set_most(settings.requests_per_second);
        self.breaker.set_limits(settings.breaker);
        self.settings = settings;
    }

    /// Cuts the requests that are out: whether they arrived is not known, and their ids make
    /// sending them again harmless.
    async fn give_up(mut self) {
        self.out.shutdown().await;
        self.requests = 0;
        self.tell();
    }

    fn tell(&mut self) {
        let standing = Standing {
            // The spool's own word is added by whoever publishes this.
            spool: super::spool::SpoolRow::default(),
            in_flight: self.requests,
            retrying: self.retrying,
            next_retry_ms: self.next_retry().map(in_ms),
            breaker: self.breaker.standing(in_ms),
            throttled_until_ms: self.quiet_until.map(in_ms),
            rate: self.rate.per_second(),
            rate_limit: self.settings.requests_per_second.get(),
            held: !*self.open.borrow(),
            server: self.client.server().map(str::to_owned),
        };
        self.standing.send_replace(standing);
    }
}

/// The wall clock of a moment to come.
fn in_ms(at: Instant) -> UnixMs {
    time::now() + at.saturating_duration_since(Instant::now()).as_millis() as i64
}

fn bytes_of(items: &[Queued]) -> usize {
    items.iter().map(|q| q.accepted.item.body.len()).sum()
}
