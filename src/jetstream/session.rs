//! A partition that this process holds: its lease, its consumer, and its messages until they are
//! settled.

use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::pull::Stream as Messages;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::amplitude::time;
use crate::delivery::spool::dead_letters::DeadLetter;
use crate::feed::{Frame, Origin, PipelineClosed, text_of};

use super::consumer::{ACK_WAIT, READ_STATE, receive};
use super::error::{GroupError, in_time};
use super::lease::{Claim, Lease, LeaseError};
use super::outstanding::{Delivery, Outstanding};
use super::shared::Shared;

/// Maximum messages that are passed on together.
const TOGETHER: usize = 64;
/// Delay before something that failed is tried again.
const RETRY_DELAY: Duration = Duration::from_millis(250);
/// Interval at which the end of requests is looked for, before a partition is handed over.
const IN_FLIGHT_INTERVAL: Duration = Duration::from_millis(10);
/// Interval at which the server is told what is in progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(10);

/// Something that a session is told.
#[derive(Debug)]
pub(super) enum Input {
    /// A message is settled.
    Settled {
        sequence: u64,
        dead_letters: Vec<DeadLetter>,
    },
    /// Its items are forgotten.
    Released,
    /// Hand the partition over.
    HandOver,
    /// The connection was made again: deliveries may be missing.
    Reconnected,
    /// Nothing more will be settled.
    NothingMore,
}

/// A partition that this process holds.
pub(super) struct Session {
    shared: Shared,
    partition: u16,
    holding: u32,
    inputs: mpsc::UnboundedReceiver<Input>,
    lease: Lease,
    outstanding: Outstanding,
    /// Settled messages whose dead letters could not be published yet.
    unpublished: Vec<(u64, Vec<DeadLetter>)>,
    /// Everything up to this message was removed from the stream.
    purged: u64,
    phase: Phase,
    /// Frames that wait for the pipeline. They are received, and come from no other consumer again.
    sending: Option<Sending>,
    renewal: Interval,
    progress: Interval,
}

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It receives messages.
    Open,
    /// It waits for the end of its requests.
    Closing,
    /// It waits until its items are forgotten.
    Releasing,
    /// It can be handed over.
    Released,
}

/// Why a consumer is received from no longer.
enum Next {
    /// A delivery is missing: another consumer delivers again what isn't settled.
    AnotherConsumer,
    /// The partition can be handed over.
    HandOver,
}

type Sending = std::pin::Pin<Box<dyn Future<Output = Result<(), PipelineClosed>> + Send>>;

impl Session {
    /// Takes a partition over, and holds it until it is handed over or lost. Returns an error if it
    /// could not be taken, or was lost.
    pub(super) async fn hold(
        shared: Shared,
        claim: Claim,
        inputs: mpsc::UnboundedReceiver<Input>,
    ) -> Result<(), LeaseError> {
        let (partition, holding) = (claim.partition, claim.holding);
        let lease = Lease::take(&shared, claim).await?;
        let mut session = Self {
            renewal: ticks(shared.term / 3),
            progress: ticks(PROGRESS_INTERVAL),
            partition,
            holding,
            inputs,
            lease,
            outstanding: Outstanding::default(),
            unpublished: Vec::new(),
            purged: 0,
            phase: Phase::Open,
            sending: None,
            shared,
        };
        let held = session.work().await;
        session.shared.fence.revoke(partition);
        if held.is_err() {
            // The next holder sends them.
            session.shared.items.release(partition, holding);
        }
        held
    }

    async fn work(&mut self) -> Result<(), LeaseError> {
        self.outstanding = Outstanding::after(self.lease.record.floor);
        loop {
            // Without one, something failed that may work again while the lease lasts.
            if let Some(mut messages) = self.next_consumer().await?
                && let Next::HandOver = self.receive_from(&mut messages).await?
            {
                break;
            }
        }
        let floor = self.outstanding.floor();
        self.lease.hand_over(&self.shared, floor).await
    }

    /// Creates the consumer that delivers what isn't settled, and enters it in the lease. Returns none
    /// if that failed for now.
    async fn next_consumer(&mut self) -> Result<Option<Messages>, LeaseError> {
        let patience = self.shared.patience();
        let reading = self.shared.connection.last_message();
        match in_time(patience, READ_STATE, reading).await {
            Ok(last) if last < self.outstanding.floor() => self.begin_anew(last)?,
            Ok(_) => {}
            Err(error) => return self.failed_for_now(&error).await.map(|()| None),
        }
        let (connection, floor) = (&self.shared.connection, self.outstanding.floor());
        let generation = self.lease.record.generation + 1;
        let creating = connection.create_consumer(self.partition, generation, floor);
        let creating = in_time(patience, "create a consumer", creating);
        let consumer = match creating.await {
            Ok(consumer) => consumer,
            Err(error) => return self.failed_for_now(&error).await.map(|()| None),
        };
        let old = self.lease.record.consumer.clone();
        let name = consumer.cached_info().name.clone();
        let entering = self
            .lease
            .enter_consumer(&self.shared, (generation, name), floor);
        if entering.await?
            && let Some(old) = old
        {
            let connection = self.shared.connection.clone();
            tokio::spawn(async move { connection.delete_consumer(&old).await });
        }
        match receive(&consumer).await {
            Ok(messages) => Ok(Some(messages)),
            Err(error) => self.failed_for_now(&error).await.map(|()| None),
        }
    }

    /// Begins at the start of a stream that ends before what was settled.
    fn begin_anew(&mut self, last: u64) -> Result<(), LeaseError> {
        if !self.outstanding.is_empty() {
            // What is outstanding has numbers of the stream as it was: another holding begins anew.
            let why = "the stream has lost its newest messages";
            return Err(GroupError::failed("go on where it was", why).into());
        }
        tracing::error!(
            "partition {}: the stream ends at message {last}, and all up to {} were settled: a server has \
             lost its newest messages, or the stream was made again. What it has is sent again, under the \
             same ids",
            self.partition,
            self.outstanding.floor()
        );
        self.outstanding = Outstanding::default();
        self.lease.record.floor = 0;
        self.purged = 0;
        Ok(())
    }

    /// Waits after a failure of something that may work again, while the lease lasts.
    async fn failed_for_now(&mut self, error: &GroupError) -> Result<(), LeaseError> {
        tracing::warn!("partition {}: {error}; it is tried again", self.partition);
        tokio::time::sleep(RETRY_DELAY).await;
        self.renew().await
    }

    async fn receive_from(&mut self, messages: &mut Messages) -> Result<Next, LeaseError> {
        let mut deliveries = 0;
        let mut in_flight = ticks(IN_FLIGHT_INTERVAL);
        loop {
            if self.phase == Phase::Released {
                return Ok(Next::HandOver);
            }
            let is_reading = self.phase == Phase::Open && self.sending.is_none();
            tokio::select! {
                Some(input) = self.inputs.recv() => {
                    if matches!(input, Input::Reconnected) && self.phase == Phase::Open {
                        return Ok(Next::AnotherConsumer);
                    }
                    self.take(input).await;
                }
                sent = sent(&mut self.sending) => {
                    self.sending = None;
                    if sent.is_err() {
                        self.begin_hand_over();
                    }
                }
                message = messages.next(), if is_reading => {
                    let Some(Ok(first)) = message else {
                        return Ok(Next::AnotherConsumer);
                    };
                    match self.frames(first, messages, &mut deliveries).await {
                        Some(frames) if frames.is_empty() => {}
                        Some(frames) => self.sending = Some(self.send(frames)),
                        None => return Ok(Next::AnotherConsumer),
                    }
                }
                _ = self.renewal.tick(), if self.phase != Phase::Releasing => self.renew().await?,
                _ = self.progress.tick() => self.keep_alive().await,
                _ = in_flight.tick(), if self.phase == Phase::Closing => {
                    // What the pipeline has not taken yet is delivered to the next holder.
                    self.sending = None;
                    if self.shared.fence.in_flight(self.partition) == 0 {
                        self.release();
                    }
                }
            }
        }
    }

    /// The frames of a message and of those behind it that are there already. None if a delivery is
    /// missing before one of them.
    async fn frames(
        &mut self,
        first: Message,
        messages: &mut Messages,
        deliveries: &mut u64,
    ) -> Option<Vec<Frame>> {
        let (now, received_ms) = (Instant::now(), time::now());
        let mut frames = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next.take() {
            *deliveries += 1;
            let numbers = message.info().ok();
            let numbers = numbers.map(|info| (info.stream_sequence, info.consumer_sequence));
            let Some((sequence, _)) = numbers.filter(|(_, number)| number == deliveries) else {
                // Those before it are passed on; with the next delivery the numbers still differ.
                return (!frames.is_empty()).then_some(frames);
            };
            match self.outstanding.received(sequence, &message, now) {
                Delivery::New => frames.push(Frame {
                    text: text_of(&message.payload),
                    received_ms,
                    resumed: false,
                    origin: Some(self.origin(sequence)),
                }),
                Delivery::Known => {}
                // A lost acknowledgement comes again with the next delivery.
                Delivery::Settled => _ = message.ack().await,
            }
            if frames.len() < TOGETHER
                && let Some(Some(Ok(another))) = messages.next().now_or_never()
            {
                next = Some(another);
            }
        }
        Some(frames)
    }

    fn origin(&self, sequence: u64) -> Origin {
        Origin {
            partition: self.partition,
            holding: self.holding,
            sequence,
        }
    }

    fn send(&self, frames: Vec<Frame>) -> Sending {
        let channel = self.shared.channel.clone();
        Box::pin(async move { channel.send(frames).await })
    }

    async fn take(&mut self, input: Input) {
        match input {
            Input::Settled {
                sequence,
                dead_letters,
            } => self.settle(sequence, dead_letters).await,
            Input::HandOver => self.begin_hand_over(),
            Input::Released | Input::NothingMore => self.phase = Phase::Released,
            // Deliveries don't matter any more.
            Input::Reconnected => {}
        }
    }

    /// Has the items forgotten. Those that the pipeline still judges are dropped, as the holding has ended.
    fn release(&mut self) {
        self.phase = Phase::Releasing;
        self.shared.fence.revoke(self.partition);
        self.shared.items.release(self.partition, self.holding);
    }

    fn begin_hand_over(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Closing;
            self.shared.fence.close(self.partition);
        }
    }

    /// Acknowledges a message that is settled, after its dead letters are published.
    async fn settle(&mut self, sequence: u64, dead_letters: Vec<DeadLetter>) {
        if !dead_letters.is_empty()
            && let Some(message) = self.outstanding.get(sequence)
        {
            let payload = message.payload.clone();
            let place = (self.partition, sequence);
            let publishing = self
                .shared
                .connection
                .publish_dead(place, &dead_letters, payload);
            if let Err(error) = publishing.await {
                tracing::warn!("a dead letter is not published yet, and is tried again: {error}");
                self.unpublished.push((sequence, dead_letters));
                return;
            }
        }
        if let Some(message) = self.outstanding.settled(sequence)
            && let Err(error) = message.ack().await
        {
            // It is delivered again, and acknowledged then.
            tracing::debug!("NATS: an acknowledgement is not sent: {error}");
        }
    }

    /// Renews the lease, and does what is due from time to time.
    async fn renew(&mut self) -> Result<(), LeaseError> {
        let floor = self.outstanding.floor();
        self.lease.renew(&self.shared, floor).await?;
        for (sequence, dead_letters) in std::mem::take(&mut self.unpublished) {
            self.settle(sequence, dead_letters).await;
        }
        if floor > self.purged {
            let purging = self.shared.connection.remove_settled(self.partition, floor);
            match in_time(self.shared.patience(), "remove settled events", purging).await {
                Ok(()) => self.purged = floor,
                Err(error) => tracing::debug!("{error}; it is tried again"),
            }
        }
        Ok(())
    }

    async fn keep_alive(&mut self) {
        let now = Instant::now();
        let since = now.checked_sub(ACK_WAIT / 3).unwrap_or(now);
        self.outstanding.keep_alive(since, now).await;
    }
}

/// Waits until the pipeline has taken the frames that wait for it; for ever where none do.
async fn sent(sending: &mut Option<Sending>) -> Result<(), PipelineClosed> {
    match sending {
        Some(sending) => sending.await,
        None => std::future::pending().await,
    }
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    ticks
}
