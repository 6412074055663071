//! The pipeline: it wires the stages into tasks, and owns start, drain and shutdown.
//!
//! ```text
//! feed ──frames──▶ intake ──accepted──▶ spool ──items──▶ dispatch ──▶ Customer.io
//!                                         └──records──▶ observer ◀──answers──┘
//! ```
//! Every arrow is bounded. Where the spool can't be written, or is full, frames wait, then the
//! feed is not read: nothing is dropped on the way. Where delivery can't go on, items wait in
//! the spool.

mod failure;
mod intake;
pub mod judge;
mod judge_rules;
mod observer;
mod recent_ids;
mod reload;
mod status;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::customerio::Client;
use crate::customerio::client::Destination;
use crate::delivery::spool::dead_letters::DeadLetters;
use crate::delivery::spool::{self, Spool, SpoolError};
use crate::delivery::{Channels, Control, DeliveryStatus, Dispatch};
use crate::feed::record::record;
use crate::feed::{Feed, FeedChannel, FeedStatus, Frame, MessageId};
use crate::filter::RuleError;
use crate::filter::{Filters, Gate, SharedGate};
use crate::protocol::{Command, Snapshot};
use crate::telemetry::ring::SharedRing;
use crate::text::grouped;

use failure::Failure;
use intake::Intake;
pub use judge::Judge;
pub use judge_rules::JudgeRules;
use observer::{IntakeReport, Observer, Sources};
pub use reload::{ReloadError, ReloadReport};
pub use status::Status;

/// What a screen, or a command, holds of a running pipeline.
#[derive(Debug, Clone)]
pub struct Handle {
    gate: SharedGate,
    rules: Arc<ArcSwap<JudgeRules>>,
    /// Those that were loaded last.
    settings: Arc<Mutex<Settings>>,
    /// Those that this run was started with.
    started: Arc<Settings>,
    destination: Arc<Mutex<Destination>>,
    control: mpsc::Sender<Control>,
    spool: spool::writer::SpoolHandle,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    ring: SharedRing,
    notices: mpsc::UnboundedSender<String>,
    failure: Failure,
}

/// A running pipeline.
#[derive(Debug)]
pub struct Pipeline {
    handle: Handle,
    stop: CancellationToken,
    feed: JoinHandle<()>,
    intake: JoinHandle<()>,
    dispatch: JoinHandle<()>,
    observer: JoinHandle<()>,
    /// The observer runs as long as there is one: it has to see how the spool ends.
    observed: mpsc::Sender<IntakeReport>,
    helpers: Vec<JoinHandle<()>>,
    /// The thread that records the feed, where it is recorded.
    recorder: Option<std::thread::JoinHandle<()>>,
}

/// How a pipeline ended.
#[derive(Debug)]
pub struct ShutdownReport {
    /// How everything stood at the end.
    pub last: Arc<Snapshot>,
    /// What was accepted and not settled: it is in the spool.
    pub left: u64,
    /// What came and could not be written to the spool: it was never accepted.
    pub unwritten: u64,
    /// Why it ended by itself, if it did.
    pub failure: Option<String>,
}

/// Why a pipeline can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A rule does not compile.
    #[error("the gate can't start: {0}")]
    Rule(#[from] RuleError),
    /// The spool can't be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The system gives no thread.
    #[error("the spool's thread can't start: {0}")]
    Thread(#[from] std::io::Error),
    /// The feed can't be recorded.
    #[error("cannot record to {folder}: {source} (feed.record_folder)")]
    Record {
        /// The folder.
        folder: String,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A rule does not compile.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The spool can't be opened.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The dead letters can't be read or changed.
    #[error("the dead letters can't be used: {0}")]
    Letters(#[from] rusqlite::Error),
    /// They can't be written elsewhere.
    #[error("the export is not whole: {0}")]
    Export(#[from] std::io::Error),
    /// There is no spool any more.
    #[error("there is no spool in {folder} any more", folder = folder.display())]
    Gone {
        /// Where it was.
        folder: std::path::PathBuf,
    },
}

impl Pipeline {
    /// Starts everything, on a spool that goes on where it was.
    pub fn start(
        settings: &Settings,
        feed: Box<dyn Feed>,
        client: &Arc<Client>,
        mut spool: Spool,
    ) -> Result<Self, StartError> {
        spool.belong_to(&settings.destination_name())?;
        let gate = Gate::new(settings.gate, settings.filters())?;
        let gate = SharedGate::new(gate);
        let rules = Arc::new(ArcSwap::from_pointee(JudgeRules::of(settings)));
        let ring = SharedRing::new(settings.screen.ring_bytes);
        let stop = CancellationToken::new();

        let name = feed.name();
        let before: Option<MessageId> = spool.last_message(&name).map(Into::into);
        let mut judge = Judge::new(gate.clone(), rules.clone(), settings);
        // Where they can't be read, what comes again is sent again, under the same id.
        let recent = spool.recent_ids(Judge::max_recent_ids(settings));
        judge.remember(recent.unwrap_or_default());
        let newest = spool.newest();

        let (received, resume_from) = watch::channel(before);
        let (safe, acknowledge) = watch::channel(None);
        let (status, feed_status) = watch::channel(FeedStatus::default());
        let (channel, mut frames) = FeedChannel::new(resume_from, acknowledge, status);
        let (durable, to_send) = mpsc::channel(2);
        let (taken_in, told) = mpsc::channel(8);
        let (answered, answers) = mpsc::channel(64);
        let (control, controls) = mpsc::channel(8);
        let (delivery_status, delivery) = watch::channel(DeliveryStatus::default());
        let (snapshots, published) = watch::channel(Arc::default());
        let (notices, told_of) = mpsc::unbounded_channel();

        let recorder = match settings.feed.record_folder.as_str() {
            "" => None,
            folder => {
                let (passed, thread) = recorded(frames, folder, settings, &notices)?;
                frames = passed;
                Some(thread)
            }
        };
        let spool = spool::writer::start(spool, settings.spool(), name, durable, notices.clone())?;
        let sources = Sources {
            gate: gate.clone(),
            delivery,
            feed: feed_status,
            ring: ring.clone(),
            spool: spool.published(),
            notices: told_of,
        };
        let failure = Failure::new(notices.clone());
        let intake = Intake::new(
            judge,
            spool.clone(),
            taken_in.clone(),
            received,
            safe,
            settings.feed.message_id_field.clone(),
            failure.clone(),
        );
        let dispatch = Dispatch::new(
            client.clone(),
            settings.dispatch(),
            spool.clone(),
            newest,
            Channels {
                gate: gate.clone(),
                reports: answered,
                status: delivery_status,
            },
        );
        let handle = Handle {
            gate,
            rules,
            settings: Arc::new(Mutex::new(settings.clone())),
            started: Arc::new(settings.clone()),
            destination: Arc::new(Mutex::new(client.destination().clone())),
            control,
            spool,
            snapshots: published,
            ring,
            notices,
            failure: failure.clone(),
        };
        let watched = |name, task: Pin<Box<dyn Future<Output = ()> + Send>>| {
            tokio::spawn(failure.clone().watched(name, task))
        };
        let observer = Observer::new(sources, snapshots).run(told, answers);
        Ok(Self {
            feed: watched("the feed's client", feed.run(channel)),
            intake: watched("intake", Box::pin(intake.run(frames, stop.clone()))),
            dispatch: watched("delivery", Box::pin(dispatch.run(to_send, controls))),
            observer: watched("the observer", Box::pin(observer)),
            helpers: vec![
                watched("the status file", Box::pin(status::keep(handle.clone()))),
                watched(
                    "the watch on the key's file",
                    Box::pin(reload::watch_key(handle.clone())),
                ),
            ],
            observed: taken_in,
            recorder,
            handle,
            stop,
        })
    }

    /// What a screen needs.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Takes nothing more in, waits up to `drain` until all is settled that can be, and ends.
    /// When `hurry` is cancelled it waits no longer. What is left stays in the spool.
    pub async fn end(self, drain: Duration, hurry: CancellationToken) -> ShutdownReport {
        self.stop.cancel();
        let control = &self.handle.control;
        // It may have ended this very moment: then there is nothing to tell it.
        let _ = control.send(Control::Drain(Instant::now() + drain)).await;
        let mut dispatch = self.dispatch;
        let in_time = tokio::select! {
            // Its panic was printed; what it had is in the spool.
            _ = &mut dispatch => true,
            () = tokio::time::sleep(drain) => false,
            () = hurry.cancelled() => false,
        };
        if !in_time {
            let _ = control.send(Control::GiveUp).await;
            let _ = dispatch.await;
        }
        self.feed.abort();
        self.helpers.iter().for_each(JoinHandle::abort);
        // It waits for the thread, which may wait for the disk.
        let spool = self.handle.spool.clone();
        let closing = tokio::task::spawn_blocking(move || spool.close());
        let unwritten = closing.await.unwrap_or_default();
        drop(self.observed);
        let _ = self.intake.await;
        if let Some(recorder) = self.recorder {
            // It ends its file, now that no more frames come.
            let _ = tokio::task::spawn_blocking(move || recorder.join()).await;
        }
        let _ = self.observer.await;
        let last = self.handle.snapshots.borrow().clone();
        status::write_last(&self.handle).await;
        ShutdownReport {
            left: last.delivery.spool.items,
            unwritten,
            failure: self.handle.failure.why(),
            last,
        }
    }
}

/// The frames once they are recorded, and the thread that does so.
fn recorded(
    frames: mpsc::Receiver<Frame>,
    folder: &str,
    settings: &Settings,
    notices: &mpsc::UnboundedSender<String>,
) -> Result<(mpsc::Receiver<Frame>, std::thread::JoinHandle<()>), StartError> {
    let format = settings.feed.record_format;
    let recording = record(frames, Path::new(folder), format, notices.clone());
    recording.map_err(|source| StartError::Record {
        folder: folder.to_owned(),
        source,
    })
}

impl Handle {
    #[cfg(test)]
    pub(crate) async fn control(&self, control: Control) {
        let _ = self.control.send(control).await;
    }

    /// Carries out what a screen asks for; what to say of it, if anything.
    pub async fn apply(&self, command: Command) -> Result<String, CommandError> {
        let letters = |count: u64, what: &str| match count {
            0 => "nothing is done: that dead letter is gone, or on its way again".to_owned(),
            1 => format!("1 dead letter {what}"),
            count => format!("{} dead letters {what}", grouped(count)),
        };
        match command {
            Command::SetGate(mode) => self.gate.set_mode(mode),
            Command::SetFilters(filters) => self.gate.set_filters(filters)?,
            // It ends only when everything does.
            Command::Resume => _ = self.control.send(Control::Resume).await,
            Command::RetryDeadLetters(which) => {
                let count = self.with_letters(move |l| Ok(l.retry(&which)?)).await?;
                return Ok(letters(count, "will be tried again"));
            }
            Command::DiscardDeadLetters(which) => {
                let count = self.with_letters(move |l| Ok(l.discard(&which)?)).await?;
                return Ok(letters(count, "discarded"));
            }
        }
        Ok(String::new())
    }

    /// Does something with the dead letters, where it may wait for the disk.
    pub async fn with_letters<T: Send + 'static>(
        &self,
        act: impl FnOnce(&DeadLetters) -> Result<T, CommandError> + Send + 'static,
    ) -> Result<T, CommandError> {
        let folder = self.spool.folder().to_owned();
        let acting = tokio::task::spawn_blocking(move || match DeadLetters::open(&folder)? {
            Some(letters) => act(&letters),
            None => Err(CommandError::Gone { folder }),
        });
        match acting.await {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Tells the operator something.
    pub fn notify(&self, text: String) {
        // It ends only when everything does.
        let _ = self.notices.send(text);
    }

    /// Waits until the pipeline can't go on, because a part of it has ended by itself.
    pub async fn failed(&self) {
        self.failure.wait().await;
    }

    /// The filters that are in force.
    pub fn filters(&self) -> Filters {
        self.gate.load().filters().clone()
    }

    /// Snapshots as they are published.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// The recent events.
    pub fn ring(&self) -> &SharedRing {
        &self.ring
    }

    /// The folder of the spool, in which its dead letters are.
    pub fn spool_folder(&self) -> &std::path::Path {
        self.spool.folder()
    }

    /// How events are mapped, to show what would be sent.
    pub fn judge_rules(&self) -> Arc<JudgeRules> {
        self.rules.load_full()
    }
}
