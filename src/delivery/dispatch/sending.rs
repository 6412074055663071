//! What goes next, and when.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use rustc_hash::FxHashSet;
use tokio::time::Instant;

use crate::amplitude::time;
use crate::customerio::Client;
use crate::customerio::response::Answer;
use crate::delivery::Queued;
use crate::delivery::breaker::Passage;
use crate::delivery::cargo::{Cargo, Ticket};
use crate::delivery::retries::{Load, Streak};

use crate::text::excerpt;

use super::lost::Held;
use super::{Came, Dispatch, Sent};

/// Maximum length of what is told of a panic, in characters.
const PANIC_CHARS: usize = 200;

impl Dispatch {
    /// When something is tried again, as far as that is known.
    pub(super) fn next_retry(&self) -> Option<Instant> {
        let at = self.retries.next_at()?;
        match self.breaker.passage() {
            Passage::Free => Some(at),
            Passage::Probe(probe) => Some(probe.max(at)),
            Passage::None => None,
        }
    }

    /// When something can be sent without anything coming in; none where nothing can.
    pub(super) fn wake(&self) -> Option<Instant> {
        if self.out.len() >= self.settings.in_flight || !*self.open.borrow() {
            return None;
        }
        let probe = match self.breaker.passage() {
            Passage::Free => None,
            Passage::None => return None,
            Passage::Probe(_) if !self.out.is_empty() => return None,
            Passage::Probe(at) => Some(at),
        };
        let lanes = if self.ended {
            self.lanes.has_sendable().then(Instant::now)
        } else {
            self.lanes.due()
        };
        let there = [lanes, self.retries.next_at()];
        let there = there.into_iter().flatten().min()?;
        let may = [probe, self.quiet_until, self.rate.ready_at()];
        let may = may.into_iter().flatten().max();
        Some(may.map_or(there, |may| may.max(there)))
    }

    pub(super) fn send_what_may_go(&mut self) {
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
            let Some(Load { cargo, streak }) = self.next_load(now, probing) else {
                return;
            };
            match cargo {
                Cargo::Here(items) => self.send(items, streak),
                Cargo::Spooled(tickets) => self.fetch(tickets, streak),
            }
        }
    }

    /// What goes next. A probe takes turns between what failed before and what did not: one
    /// that always fails must not be all that is ever tried.
    fn next_load(&mut self, now: Instant, probing: bool) -> Option<Load> {
        let fresh_first = probing && self.probed_later;
        self.probed_later = probing && !self.probed_later;
        if fresh_first && let Some(fresh) = self.fresh(now, true) {
            return Some(fresh);
        }
        self.retries
            .take_due(now)
            .or_else(|| self.fresh(now, probing || self.ended))
    }

    fn fresh(&mut self, now: Instant, flush: bool) -> Option<Load> {
        let cargo = self.lanes.take(now, flush)?;
        self.held_bytes += cargo.here_bytes();
        let streak = Streak::default();
        Some(Load { cargo, streak })
    }

    fn send(&mut self, mut items: Vec<Queued>, streak: Streak) {
        let client = self.client.clone();
        self.rate.sent(Instant::now());
        self.requests += 1;
        let held = Held {
            tickets: items.iter().map(Ticket::of).collect(),
            bytes: items.iter().map(Queued::bytes).sum(),
            is_request: true,
        };
        let task = self.out.spawn(async move {
            let (at_ms, at) = (time::now(), Instant::now());
            let sending = AssertUnwindSafe(request(&client, &mut items)).catch_unwind();
            let answer = sending.await.unwrap_or_else(|panic| Answer::Panicked {
                message: in_words(panic.as_ref(), items.len()),
            });
            Came::Answer(Sent {
                items,
                streak,
                at,
                at_ms,
                answer,
            })
        });
        self.carried.insert(task.id(), held);
    }

    fn fetch(&mut self, tickets: Vec<Ticket>, streak: Streak) {
        let spool = self.spool.clone();
        let held = Held {
            tickets: tickets.clone(),
            bytes: 0,
            is_request: false,
        };
        let task = self.out.spawn(async move {
            let people = tickets.iter().map(|t| t.person).collect();
            let places = tickets.iter().map(|t| (t.place, t.history)).collect();
            let items = spool.fetch(places).await;
            Came::Fetched {
                items,
                people,
                streak,
            }
        });
        self.carried.insert(task.id(), held);
    }

    /// What was fetched goes before anything new.
    pub(super) fn fetched(&mut self, items: Vec<Queued>, people: &[u64], streak: Streak) {
        // What was damaged is a dead letter already, and nobody has to wait for it.
        let here: FxHashSet<u64> = items.iter().map(super::super::Queued::person).collect();
        for person in people.iter().filter(|person| !here.contains(person)) {
            self.lanes.release(*person);
        }
        if !items.is_empty() {
            let cargo = Cargo::Here(items);
            self.held_bytes += cargo.here_bytes();
            self.retries.park(Load { cargo, streak }, Instant::now());
        }
    }
}

async fn request(client: &Client, items: &mut [Queued]) -> Answer {
    match items {
        [one] => client.send_one(&mut one.accepted.item).await,
        many => {
            let items = many.iter_mut().map(|q| &mut q.accepted.item);
            client.send_batch(items).await
        }
    }
}

/// A panic in a request of this many items, for the operator.
fn in_words(panic: &(dyn Any + Send), items: usize) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let said = excerpt(text.unwrap_or("without a word"), PANIC_CHARS);
    format!(
        "a fault of this program: {said}. The {items} items of the request are tried again; \
         please report it"
    )
}
