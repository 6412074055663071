//! The pipeline: it wires the stages into tasks, and owns start, drain and shutdown.
//!
//! ```text
//! feed ──frames──▶ intake ──items──▶ dispatch ──▶ Customer.io
//!                    └──records──▶ observer ◀──answers──┘
//! ```
//! Every arrow is a bounded channel. Where delivery can't go on, items wait, then frames wait,
//! then the feed is not read: nothing is dropped on the way.

mod intake;
pub mod judge;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::customerio::Client;
use crate::customerio::mapping::Mapping;
use crate::delivery::{Control, Dispatch, Queued, Standing};
use crate::feed::{Feed, FeedStatus, Link};
use crate::filter::Gate;
use crate::filter::gate::RuleError;
use crate::protocol::{Command, Snapshot};
use crate::telemetry::dead_letters::DeadLetters;
use crate::telemetry::observer::{Observer, Sources};
use crate::telemetry::ring::SharedRing;

use intake::Intake;
pub use judge::Judge;

/// What a screen, or a command, holds of a running pipeline.
#[derive(Debug, Clone)]
pub struct Handle {
    gate: Arc<ArcSwap<Gate>>,
    changing: Arc<Mutex<()>>,
    control: mpsc::Sender<Control>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    ring: SharedRing,
    dead_letters: DeadLetters,
    mapping: Mapping,
}

/// A running pipeline.
#[derive(Debug)]
pub struct Pipeline {
    handle: Handle,
    stop: CancellationToken,
    feed: JoinHandle<()>,
    intake: JoinHandle<Vec<Queued>>,
    dispatch: JoinHandle<Vec<Queued>>,
    observer: JoinHandle<()>,
}

/// How a pipeline ended.
#[derive(Debug)]
pub struct Ended {
    /// How everything stood at the end.
    pub last: Arc<Snapshot>,
    /// What was accepted and not settled.
    pub left: Vec<Queued>,
}

impl Pipeline {
    /// Starts everything. Fails only if a rule does not compile.
    pub fn start(
        settings: &Settings,
        feed: Box<dyn Feed>,
        client: Arc<Client>,
    ) -> Result<Self, RuleError> {
        let gate = Arc::new(ArcSwap::from_pointee(Gate::new(
            settings.gate,
            settings.filters(),
        )?));
        let ring = SharedRing::new(settings.screen.ring_bytes);
        let dead_letters = DeadLetters::new(settings.delivery.dead_letter_bytes);
        let stop = CancellationToken::new();

        let (last_received, resume_from) = watch::channel(None);
        let (safe, acknowledge) = watch::channel(None);
        let (status, feed_status) = watch::channel(FeedStatus::default());
        let (link, frames) = Link::new(resume_from, acknowledge, status);
        let (items, to_send) = mpsc::channel(16);
        let (taken_in, told) = mpsc::channel(64);
        let (answered, answers) = mpsc::channel(64);
        let (control, controls) = mpsc::channel(4);
        let (standing_told, standing) = watch::channel(Standing::default());
        let (snapshots, published) = watch::channel(Arc::default());

        let sources = Sources {
            gate: gate.clone(),
            standing,
            feed: feed_status,
            ring: ring.clone(),
            dead_letters: dead_letters.clone(),
            safe: settings.feed.acknowledge.then_some(safe),
        };
        let judge = Judge::new(gate.clone(), settings);
        let intake = Intake::new(
            judge,
            items,
            taken_in,
            last_received,
            settings.feed.message_id_field.clone(),
        );
        let dispatch = Dispatch::new(client, settings.dispatch(), answered, standing_told);
        Ok(Self {
            feed: tokio::spawn(feed.run(link)),
            intake: tokio::spawn(intake.run(frames, stop.clone())),
            dispatch: tokio::spawn(dispatch.run(to_send, controls)),
            observer: tokio::spawn(Observer::new(sources, snapshots).run(told, answers)),
            handle: Handle {
                gate,
                changing: Arc::default(),
                control,
                snapshots: published,
                ring,
                dead_letters,
                mapping: settings.mapping.clone(),
            },
            stop,
        })
    }

    /// What a screen needs.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Takes nothing more in, waits up to `drain` until all is settled, and ends. When `hurry`
    /// is cancelled it waits no longer.
    pub async fn end(self, drain: Duration, hurry: CancellationToken) -> Ended {
        self.stop.cancel();
        let mut dispatch = self.dispatch;
        let in_time = tokio::select! {
            left = &mut dispatch => Some(left),
            () = tokio::time::sleep(drain) => None,
            () = hurry.cancelled() => None,
        };
        let left = match in_time {
            Some(left) => left,
            None => {
                // It may have ended this very moment: then there is nothing to give up.
                let _ = self.handle.control.send(Control::GiveUp).await;
                dispatch.await
            }
        };
        // A task that panicked has printed why; what it held is lost with it.
        let mut left = left.unwrap_or_default();
        left.extend(self.intake.await.unwrap_or_default());
        self.feed.abort();
        let _ = self.observer.await;
        let last = self.handle.snapshots.borrow().clone();
        Ended { last, left }
    }
}

impl Handle {
    /// Carries out what a screen asks for.
    pub fn apply(&self, command: Command) -> Result<(), RuleError> {
        match command {
            Command::SetGate(mode) => self.change(|gate| Gate::new(mode, gate.filters().clone())),
            Command::SetFilters(filters) => self.change(|gate| Gate::new(gate.mode(), filters)),
            Command::Resume => {
                // A full channel holds a Resume already.
                let _ = self.control.try_send(Control::Resume);
                Ok(())
            }
        }
    }

    /// One change after the other, each seeing what the one before it did.
    fn change(&self, make: impl FnOnce(&Gate) -> Result<Gate, RuleError>) -> Result<(), RuleError> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.gate.load_full();
        let after = make(&before)?.after(&before);
        self.gate.store(Arc::new(after));
        Ok(())
    }

    /// Snapshots as they are published.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// The recent events.
    pub fn ring(&self) -> &SharedRing {
        &self.ring
    }

    /// What can't be delivered.
    pub fn dead_letters(&self) -> &DeadLetters {
        &self.dead_letters
    }

    /// How events are mapped, to show what would be sent.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }
}
