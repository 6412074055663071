//! The dispatcher's state and its loop.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::customerio::Client;
use crate::delivery::breaker::{Breaker, Permit};
use crate::delivery::clock::Moment;
use crate::delivery::fence::Fence;
use crate::delivery::person_queues::PersonQueues;
use crate::delivery::rate_limiter::RateLimiter;
use crate::delivery::retry_queue::RetryQueue;
use crate::delivery::spool::SpoolStatus;
use crate::delivery::spool::writer::{SpoolEvent, SpoolHandle};
use crate::delivery::{DeliveryReport, DeliveryStatus};
use crate::filter::{GateChanges, SharedGate};

use super::settings::DeliverySettings;
use super::tasks::{TaskResult, TaskTable};

/// A command to the dispatcher.
#[derive(Debug, Clone)]
pub enum Control {
    /// Retry now: an operator asked for it.
    Resume,
    /// Send with this client from now on: the credentials have changed.
    Client(Arc<Client>),
    /// Use these settings from now on.
    Settings(Box<DeliverySettings>),
    /// No more items follow: deliver what can be delivered until then, and end.
    Drain(Instant),
    /// End at once; undelivered items stay in the spool.
    GiveUp,
    /// Abort all tasks, which only a fault of this program could do otherwise.
    #[cfg(test)]
    AbortTasks,
}

/// The channels between the dispatcher and the rest of the pipeline.
#[derive(Debug)]
pub struct Channels {
    /// The gate: nothing is sent while it is not open.
    pub gate: SharedGate,
    /// The partitions that items may be sent for, where they come from a shared stream.
    pub fence: Option<Fence>,
    /// Receives a report of each request.
    pub reports: mpsc::Sender<DeliveryReport>,
    /// Receives the status after each change.
    pub status: watch::Sender<DeliveryStatus>,
}

/// Delivers the items of a spool.
#[derive(Debug)]
pub struct Dispatch {
    pub(super) client: Arc<Client>,
    pub(super) settings: DeliverySettings,
    pub(super) spool: SpoolHandle,
    pub(super) channels: Channels,
    gate_changes: GateChanges,
    pub(super) queues: PersonQueues,
    pub(super) rate: RateLimiter,
    pub(super) breaker: Breaker,
    /// Until when Customer.io asked for no requests.
    pub(super) paused_until: Option<Instant>,
    pub(super) retries: RetryQueue,
    /// Bytes in memory of items that are in flight or wait for a retry.
    pub(super) outstanding_bytes: usize,
    pub(super) tasks: JoinSet<TaskResult>,
    pub(super) task_table: TaskTable,
    /// Requests in flight.
    pub(super) requests: u32,
    /// The last chunk that was taken from the spool, and the newest that exists.
    pub(super) loaded: u64,
    pub(super) newest: u64,
    pub(super) loading: bool,
    /// Whether the last probe was a retry.
    pub(super) probed_retry: bool,
    /// Whether the spool has ended.
    pub(super) ended: bool,
    drain_by: Option<Instant>,
}

impl Dispatch {
    /// Creates a dispatcher for the items of `spool`, whose newest chunk is `newest`.
    pub fn new(
        client: Arc<Client>,
        settings: DeliverySettings,
        spool: SpoolHandle,
        newest: u64,
        channels: Channels,
    ) -> Self {
        let now = Instant::now();
        Self {
            queues: PersonQueues::new(settings.batch_bytes, settings.batch_age),
            rate: RateLimiter::new(settings.requests_per_second, now),
            breaker: Breaker::new(settings.breaker),
            client,
            settings,
            spool,
            gate_changes: channels.gate.changes(),
            channels,
            paused_until: None,
            retries: RetryQueue::default(),
            outstanding_bytes: 0,
            tasks: JoinSet::new(),
            task_table: TaskTable::default(),
            requests: 0,
            loaded: 0,
            newest,
            loading: false,
            probed_retry: false,
            ended: false,
            drain_by: None,
        }
    }

    /// Delivers until the spool has ended and all items are settled, or until told to stop.
    /// Undelivered items stay in the spool.
    pub async fn run(
        mut self,
        mut spool_events: mpsc::Receiver<SpoolEvent>,
        mut control: mpsc::Receiver<Control>,
    ) {
        loop {
            self.load_more();
            self.send_permitted();
            self.publish();
            if self.ended && self.is_done() {
                return;
            }
            let wake = self.wake_at();
            tokio::select! {
                // The spool still answers reads after its end.
                Some(event) = spool_events.recv() => self.handle(event),
                Some(result) = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => {
                    self.finish_task(result).await;
                }
                Some(command) = control.recv() => match command {
                    Control::Resume => self.breaker.try_now(Instant::now()),
                    Control::Client(client) => {
                        self.client = client;
                        self.breaker.try_now(Instant::now());
                    }
                    Control::Settings(settings) => self.configure(*settings),
                    Control::Drain(by) => self.drain_by = Some(by),
                    #[cfg(test)]
                    Control::AbortTasks => self.tasks.abort_all(),
                    Control::GiveUp => {
                        self.give_up().await;
                        return;
                    }
                },
                () = self.gate_changes.next() => {}
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
            }
        }
    }

    async fn finish_task(&mut self, result: Result<(task::Id, TaskResult), JoinError>) {
        match result {
            Ok((task, result)) => {
                self.task_table.remove(task);
                match result {
                    TaskResult::Answered(sent) => self.settle(sent).await,
                    TaskResult::Fetched {
                        items,
                        people,
                        streak,
                    } => self.fetched(items, &people, streak),
                    TaskResult::Unsent(pending) => self.return_unsent(pending),
                }
            }
            Err(error) => self.recover_lost(&error).await,
        }
    }

    fn is_done(&self) -> bool {
        if !self.tasks.is_empty() {
            return false;
        }
        let is_empty = self.queues.is_empty()
            && self.retries.is_empty()
            && self.loaded >= self.newest
            && !self.loading;
        // While the destination is down, draining would wait in vain.
        let is_down = self.breaker.permit() != Permit::Any;
        if self.drain_by.is_some() && is_down {
            return true;
        }
        // Items that can't be sent before the end of the drain are not waited for.
        let in_time = |at: Instant| self.drain_by.is_none_or(|by| at < by);
        is_empty || (!self.loading && !self.wake_at().is_some_and(in_time))
    }

    fn configure(&mut self, settings: DeliverySettings) {
        self.queues
            .configure(settings.batch_bytes, settings.batch_age);
        self.rate.set_limit(settings.requests_per_second);
        self.breaker.configure(settings.breaker);
        self.settings = settings;
    }

    /// Cuts the requests in flight. Whether they arrived is unknown; their ids make sending them
    /// again harmless.
    async fn give_up(mut self) {
        self.tasks.shutdown().await;
        self.requests = 0;
        self.publish();
    }

    fn publish(&mut self) {
        let now = Moment::now();
        let wall_ms = |at| now.wall_ms(at);
        let status = DeliveryStatus {
            // The observer adds the spool's own status.
            spool: SpoolStatus::default(),
            in_flight: self.requests,
            retrying: self.retries.items(),
            next_retry_ms: self.next_retry().map(wall_ms),
            breaker: self.breaker.published(wall_ms),
            throttled_until_ms: self.paused_until.map(wall_ms),
            rate: self.rate.per_second(),
            rate_limit: self.settings.requests_per_second.get(),
            gate_shut: !self.is_open(),
            server: self.client.server().map(str::to_owned),
        };
        self.channels.status.send_replace(status);
    }

    /// Whether the gate is open.
    pub(super) fn is_open(&self) -> bool {
        self.channels.gate.is_open()
    }
}
