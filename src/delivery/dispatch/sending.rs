//! Choosing the next request, and sending it.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;

use futures_util::FutureExt as _;
use rustc_hash::FxHashSet;
use tokio::time::Instant;

use crate::amplitude::time;
use crate::customerio::Client;
use crate::customerio::response::Answer;
use crate::delivery::Queued;
use crate::delivery::batch::{Batch, SpoolRef};
use crate::delivery::breaker::Permit;
use crate::delivery::fence::InFlight;
use crate::delivery::pending::{PendingBatch, Streak};
use crate::filter::SharedGate;
use crate::text::excerpt;

use super::dispatcher::Dispatch;
use super::tasks::{Sent, TaskItems, TaskResult};

/// Maximum length of a panic's message in a notice, in characters.
const PANIC_CHARS: usize = 200;

impl Dispatch {
    /// When the next retry is sent, as far as that is known.
    pub(super) fn next_retry(&self) -> Option<Instant> {
        let at = self.retries.next_at()?;
        match self.breaker.permit() {
            Permit::Any => Some(at),
            Permit::Probe(probe) => Some(probe.max(at)),
            Permit::None => None,
        }
    }

    /// When a request can be sent without any further event; none where none can.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        if self.tasks.len() >= self.settings.in_flight || !self.is_open() {
            return None;
        }
        let probe = match self.breaker.permit() {
            Permit::Any => None,
            Permit::None => return None,
            Permit::Probe(_) if !self.tasks.is_empty() => return None,
            Permit::Probe(at) => Some(at),
        };
        let queued = if self.ended {
            self.queues.has_sendable().then(Instant::now)
        } else {
            self.queues.due_at()
        };
        let due = [queued, self.retries.next_at()];
        let due = due.into_iter().flatten().min()?;
        let permitted = [probe, self.paused_until, self.rate.ready_at()];
        let permitted = permitted.into_iter().flatten().max();
        Some(permitted.map_or(due, |permitted| permitted.max(due)))
    }

    /// Sends all requests that are due and permitted.
    pub(super) fn send_permitted(&mut self) {
        let now = Instant::now();
        self.paused_until = self.paused_until.filter(|until| *until > now);
        while self.tasks.len() < self.settings.in_flight
            && self.is_open()
            && self.paused_until.is_none()
            && self.rate.ready_at().is_none_or(|at| at <= now)
        {
            let probing = match self.breaker.permit() {
                Permit::Any => false,
                Permit::Probe(at) if at <= now && self.tasks.is_empty() => true,
                Permit::Probe(_) | Permit::None => return,
            };
            let Some(PendingBatch { batch, streak }) = self.next_batch(now, probing) else {
                return;
            };
            match batch {
                Batch::InMemory(items) => self.send(items, streak),
                Batch::Spooled(refs) => self.fetch(refs, streak),
            }
        }
    }

    /// The next batch. Probes alternate between retries and new items: a batch that always fails
    /// must not be the only one that is ever tried.
    fn next_batch(&mut self, now: Instant, probing: bool) -> Option<PendingBatch> {
        let new_first = probing && self.probed_retry;
        self.probed_retry = probing && !self.probed_retry;
        if new_first && let Some(new) = self.new_batch(now, true) {
            return Some(new);
        }
        self.retries
            .take_due(now)
            .or_else(|| self.new_batch(now, probing || self.ended))
    }

    fn new_batch(&mut self, now: Instant, flush: bool) -> Option<PendingBatch> {
        let batch = self.queues.take_batch(now, flush)?;
        self.outstanding_bytes += batch.memory_bytes();
        let streak = Streak::default();
        Some(PendingBatch { batch, streak })
    }

    fn send(&mut self, items: Vec<Queued>, streak: Streak) {
        let mut items = self.drop_lost(items);
        if items.is_empty() {
            return;
        }
        let in_flight = self.channels.fence.as_ref().map(|fence| {
            let origins = items.iter().filter_map(|queued| queued.accepted.origin);
            fence.enter(origins.collect())
        });
        let (client, gate) = (self.client.clone(), self.channels.gate.clone());
        self.rate.sent(Instant::now());
        self.requests += 1;
        let task_items = TaskItems {
            refs: items.iter().map(SpoolRef::of).collect(),
            memory_bytes: items.iter().map(Queued::bytes).sum(),
            is_request: true,
        };
        let task = self.tasks.spawn(async move {
            let (at_ms, at) = (time::now(), Instant::now());
            let sending = AssertUnwindSafe(request(&client, &mut items)).catch_unwind();
            let result = tokio::select! {
                biased;
                () = cut(in_flight.as_ref()) => None,
                result = await_if_open(&gate, sending) => result,
            };
            let Some(result) = result else {
                let batch = Batch::InMemory(items);
                return TaskResult::Unsent(PendingBatch { batch, streak });
            };
            let answer = result.unwrap_or_else(|panic| Answer::Panicked {
                message: panic_notice(panic.as_ref(), items.len()),
            });
            TaskResult::Answered(Sent {
                items,
                streak,
                at,
                at_ms,
                answer,
                in_flight,
            })
        });
        self.task_table.insert(task.id(), task_items);
    }

    /// Drops the items of partitions that are no longer held: their next holder sends them.
    fn drop_lost(&mut self, items: Vec<Queued>) -> Vec<Queued> {
        let Some(fence) = &self.channels.fence else {
            return items;
        };
        let permits = |queued: &Queued| match queued.accepted.origin {
            Some(origin) => fence.permits(origin),
            None => true,
        };
        let (kept, lost): (Vec<_>, Vec<_>) = items.into_iter().partition(permits);
        let others: FxHashSet<u64> = kept.iter().map(Queued::person).collect();
        for queued in lost
            .iter()
            .filter(|queued| !others.contains(&queued.person()))
        {
            self.queues.release(queued.person());
        }
        self.outstanding_bytes -= lost.iter().map(Queued::bytes).sum::<usize>();
        kept
    }

    /// Schedules a batch that was not sent, before anything new. It counts as no attempt.
    pub(super) fn return_unsent(&mut self, pending: PendingBatch) {
        self.requests -= 1;
        self.retries.schedule(pending, Instant::now());
    }

    fn fetch(&mut self, refs: Vec<SpoolRef>, streak: Streak) {
        let spool = self.spool.clone();
        let task_items = TaskItems {
            refs: refs.clone(),
            memory_bytes: 0,
            is_request: false,
        };
        let task = self.tasks.spawn(async move {
            let people = refs.iter().map(|r| r.person).collect();
            let positions = refs.iter().map(|r| (r.position, r.history)).collect();
            let items = spool.fetch(positions).await;
            TaskResult::Fetched {
                items,
                people,
                streak,
            }
        });
        self.task_table.insert(task.id(), task_items);
    }

    /// Schedules fetched items before anything new.
    pub(super) fn fetched(&mut self, items: Vec<Queued>, people: &[u64], streak: Streak) {
        // Damaged items are dead letters by now, and nobody has to wait for them.
        let found: FxHashSet<u64> = items.iter().map(Queued::person).collect();
        for person in people.iter().filter(|person| !found.contains(person)) {
            self.queues.release(*person);
        }
        if !items.is_empty() {
            let batch = Batch::InMemory(items);
            self.outstanding_bytes += batch.memory_bytes();
            let pending = PendingBatch { batch, streak };
            self.retries.schedule(pending, Instant::now());
        }
    }
}

/// Awaits `request` if the gate is open when it begins. A request that has begun is not cut.
async fn await_if_open<T>(gate: &SharedGate, request: impl Future<Output = T>) -> Option<T> {
    let mut request = pin!(request);
    let begin = poll_fn(|cx| Poll::Ready(gate.while_open(|| request.as_mut().poll(cx))));
    match begin.await? {
        Poll::Ready(result) => Some(result),
        Poll::Pending => Some(request.await),
    }
}

/// Waits until a request must be cut, as another process may send its items. Its ids make it harmless
/// if it arrived.
async fn cut(in_flight: Option<&InFlight>) {
    match in_flight {
        Some(in_flight) => in_flight.cut().await,
        None => std::future::pending().await,
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

/// The notice of a panic in a request with this many items.
fn panic_notice(panic: &(dyn Any + Send), items: usize) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let text = excerpt(text.unwrap_or("a panic without a message"), PANIC_CHARS);
    format!(
        "a fault of this program: {text}. The {items} items of the request are tried again; \
         please report it"
    )
}
