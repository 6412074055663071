//! The task that decides what is sent and when, and what becomes of it.

mod lost;
mod outcome;
mod sending;
#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::amplitude::time::{self, UnixMs};
use crate::customerio::Client;
use crate::customerio::response::Answer;

use super::breaker::{self, Breaker, Passage};
use super::cargo::{Cargo, Ticket};
use super::lane::Lanes;
use super::rate::Rate;
use super::retries::{Load, Retries, Streak};
use super::retry::Retry;
use super::spool::SpoolRow;
use super::spool::writer::{Handle as SpoolHandle, Told};
use super::{Answered, Queued, Standing};

use lost::Carried;

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
    /// End every task that is out, as no part of this program does.
    #[cfg(test)]
    AbortTasks,
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
    retries: Retries,
    /// Bytes of what is parked or out.
    held_bytes: usize,
    out: JoinSet<Came>,
    /// What each of these tasks has, should it end without bringing it back.
    carried: Carried,
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

/// What a task of ours came back with.
#[derive(Debug)]
enum Came {
    Answer(Sent),
    Fetched {
        items: Vec<Queued>,
        people: Vec<u64>,
        streak: Streak,
    },
}

/// A request that was answered, or was not.
#[derive(Debug)]
struct Sent {
    items: Vec<Queued>,
    streak: Streak,
    at: Instant,
    at_ms: UnixMs,
    answer: Answer,
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
            retries: Retries::default(),
            held_bytes: 0,
            out: JoinSet::new(),
            carried: Carried::default(),
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
                Some(came) = self.out.join_next_with_id(), if !self.out.is_empty() => {
                    self.came_back(came).await;
                }
                Some(asked) = control.recv() => match asked {
                    Control::Resume => self.breaker.try_now(Instant::now()),
                    Control::Client(client) => {
                        self.client = client;
                        self.breaker.try_now(Instant::now());
                    }
                    Control::Settings(settings) => self.retune(*settings),
                    Control::Drain(by) => self.drain_by = Some(by),
                    #[cfg(test)]
                    Control::AbortTasks => self.out.abort_all(),
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

    async fn came_back(&mut self, came: Result<(task::Id, Came), JoinError>) {
        match came {
            Ok((task, came)) => {
                self.carried.remove(task);
                match came {
                    Came::Answer(sent) => self.settle(sent).await,
                    Came::Fetched {
                        items,
                        people,
                        streak,
                    } => self.fetched(items, &people, streak),
                }
            }
            Err(error) => self.lost(&error).await,
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
                    items.into_iter().for_each(|queued| self.push(queued));
                }
            }
            Told::Loaded { items, upto } => {
                self.loading = false;
                self.loaded = self.loaded.max(upto);
                self.push_loaded(items);
            }
            Told::Ended => self.ended = true,
        }
    }

    /// What an earlier run was to try again is held until its time, and with it what comes
    /// behind it of the same person; it overtakes nothing that is due earlier and still here.
    fn push_loaded(&mut self, items: Vec<(Queued, Option<UnixMs>)>) {
        if items.iter().all(|(_, not_before)| not_before.is_none()) {
            items.into_iter().for_each(|(queued, _)| self.push(queued));
            return;
        }
        let (now, now_ms) = (Instant::now(), time::now());
        let mut ahead = self.lanes.queued_people();
        for (queued, not_before) in items {
            let person = queued.person();
            let wait_ms = not_before.map_or(0, |at| at - now_ms).max(0).unsigned_abs();
            // A clock that was set back must not make it wait for ever.
            let wait = Duration::from_millis(wait_ms).min(self.settings.retry.longest_delay);
            let is_first = !ahead.contains(&person);
            if !wait.is_zero() && is_first && self.lanes.occupy(person) {
                let cargo = Cargo::Spooled(vec![Ticket::of(&queued)]);
                let streak = Streak::default();
                self.retries.park(Load { cargo, streak }, now + wait);
            } else {
                ahead.insert(person);
                self.push(queued);
            }
        }
    }

    fn push(&mut self, queued: Queued) {
        let (now, now_ms) = (Instant::now(), time::now());
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
            && self.retries.is_empty()
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
            spool: SpoolRow::default(),
            in_flight: self.requests,
            retrying: self.retries.items(),
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
