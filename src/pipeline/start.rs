//! Starting a pipeline: the channels between its stages, and a task for each.

use std::path::Path;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::config::{ConfigError, Settings};
use crate::customerio::Client;
use crate::customerio::app::{AppClient, AppClientError};
use crate::delivery::fence::Fence;
use crate::delivery::spool::SpoolError;
use crate::delivery::spool::writer::SpoolHandle;
use crate::delivery::{Channels, DeliveryReport, DeliveryStatus, Dispatch};
use crate::feed::record::record;
use crate::feed::{Feed, FeedChannel, FeedStatus, Frames, MessageId};
use crate::filter::{Gate, RuleError, SharedGate};
use crate::jetstream::GroupHandle;
use crate::ledger::{self, HashKey, LedgerRun, LedgerWriter};
use crate::telemetry::ring::SharedRing;

use super::change_log::ChangeLog;
use super::failure::Failure;
use super::group;
use super::handle::Handle;
use super::intake::{Intake, IntakeOutputs};
use super::judge::Judge;
use super::judge_rules::JudgeRules;
use super::ledger_feed::LedgerFeed;
use super::observer::{IntakeReport, Observer};
use super::running::Pipeline;
use super::sources::Sources;
use super::status;
use super::storage::Storage;
use super::verification::sampler::{Sampler, VerifierEnds};
use super::verification::verifier::Verifier;

/// Reports of intake that wait for the observer.
const INTAKE_REPORTS: usize = 8;
/// Reports of delivery that wait for the observer.
const DELIVERY_REPORTS: usize = 64;
/// Commands that wait for delivery.
const CONTROLS: usize = 8;

/// A pipeline that can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A rule is invalid.
    #[error("the gate can't start: {0}")]
    Rule(#[from] RuleError),
    /// The spool can't be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The system can't start a thread.
    #[error("the spool's thread can't start: {0}")]
    Thread(#[from] std::io::Error),
    /// The key of the App API can't be read.
    #[error(transparent)]
    AppKey(#[from] ConfigError),
    /// A client can't be created for the App API.
    #[error(transparent)]
    AppClient(#[from] AppClientError),
    /// The feed can't be recorded.
    #[error("cannot record to {folder}: {source} (feed.record_folder)")]
    Record {
        /// The folder.
        folder: String,
        /// The system's error.
        source: std::io::Error,
    },
}

impl Pipeline {
    /// Starts all stages, on storage that may have items already.
    #[expect(clippy::too_many_lines, reason = "the wiring, a line for each part")]
    pub fn start(
        settings: &Settings,
        feed: Box<dyn Feed>,
        client: &Arc<Client>,
        storage: impl Into<Storage>,
    ) -> Result<Self, StartError> {
        let mut storage = storage.into();
        storage.belong_to(&settings.destination_name())?;
        let (fence, group) = (storage.fence(), storage.group());
        let gate = SharedGate::new(Gate::new(settings.gate, settings.filters())?);
        let rules = Arc::new(ArcSwap::from_pointee(JudgeRules::of(settings)));
        let (notices, notices_received) = mpsc::unbounded_channel();
        let failure = Failure::new(notices.clone());
        let stop = CancellationToken::new();

        let name = feed.name();
        let judge = restored_judge(&gate, &rules, settings, &storage);
        let (channel, feed_ends) = feed_channel(storage.last_message(&name).map(Into::into));
        let (frames, recorder) = recorded(feed_ends.frames, settings, &notices)?;
        let (ledger, ledger_writer) = {
            let place = (&*storage.folder(), group.as_ref());
            ledger_of(settings, place, &notices)
        };
        let storage = storage.start(settings, name, &notices)?;
        let (spool, newest, to_send) = (storage.handle, storage.newest, storage.to_send);

        let (outputs, intake_received) = intake_outputs(&spool, feed_ends.positions);
        let intake_reports = outputs.reports.clone();
        let intake = Intake::new(judge, outputs, id_field(settings), failure.clone());
        let (control, controls) = mpsc::channel(CONTROLS);
        let (channels, delivery) = delivery_channels(&gate, fence.clone());
        let app = app_client(settings, client)?;
        let (sampler, verifying) = verification(settings, app.as_ref());
        let own = settings.dispatch();
        let dispatch = Dispatch::new(client.clone(), own, spool.clone(), newest, channels);
        let sources = Sources {
            gate: gate.clone(),
            change_log: ChangeLog::new(
                spool.folder(),
                group.as_ref().map_or(1, GroupHandle::applied_version),
            ),
            delivery: delivery.status,
            feed: feed_ends.status,
            ring: SharedRing::new(settings.screen.ring_bytes),
            spool: spool.published(),
            sampler,
            notices: notices_received,
            handed_over: storage.handed_over,
            ledger: LedgerFeed::new(ledger, settings.feed.is_playback),
            group: group.as_ref().map(GroupHandle::state),
            group_dead_letters: group.as_ref().map(|group| group.dead_letters().rows()),
        };
        let (snapshots, published) = watch::channel(Arc::default());
        let handle = Handle {
            gate,
            rules,
            settings: Arc::new(Mutex::new(settings.clone())),
            started: Arc::new(settings.clone()),
            destination: Arc::new(Mutex::new(client.destination().clone())),
            control,
            spool,
            snapshots: published,
            ring: sources.ring.clone(),
            notices,
            failure: failure.clone(),
            change_log: sources.change_log.clone(),
            customerio: app,
            group,
        };
        let observer = Observer::new(sources, snapshots).run(intake_received, delivery.reports);
        let mut pipeline = Self {
            feed: failure.spawn("the feed's client", feed.run(channel)),
            intake: failure.spawn("intake", intake.run(frames, stop.clone())),
            dispatch: failure.spawn("delivery", dispatch.run(to_send, controls)),
            observer: failure.spawn("the observer", observer),
            side_tasks: Vec::new(),
            intake_reports,
            recorder,
            ledger: ledger_writer,
            handle: handle.clone(),
            fence,
            stop,
        };
        pipeline.run_beside("the status file", status::keep(handle));
        if let Some(group) = pipeline.handle.group.clone() {
            let handle = pipeline.handle.clone();
            pipeline.run_beside(
                "the group's filters",
                group::follow_filters(handle, group.clone()),
            );
            let dead_letters = group.dead_letters().clone();
            pipeline.run_beside("the group's dead letters", dead_letters.follow());
            let handle = pipeline.handle.clone();
            pipeline.run_beside("the group's figures", group::report_figures(handle, group));
        }
        if let Some((verifier, ends)) = verifying {
            pipeline.run_beside("verification", verifier.run(ends));
        }
        Ok(pipeline)
    }
}

/// Creates the client of the App API, if there is a key.
fn app_client(
    settings: &Settings,
    track: &Arc<Client>,
) -> Result<Option<Arc<AppClient>>, StartError> {
    let Some(destination) = settings.app_destination()? else {
        return Ok(None);
    };
    let client = AppClient::new(destination, track.clone())?;
    Ok(Some(Arc::new(client)))
}

/// Creates the sampler and the verifier, if there is a client and the settings want samples.
fn verification(
    settings: &Settings,
    app: Option<&Arc<AppClient>>,
) -> (Option<Sampler>, Option<(Verifier, VerifierEnds)>) {
    let per_minute = settings.verify.sample_per_minute;
    let Some(app) = app.filter(|_| per_minute > 0) else {
        return (None, None);
    };
    let (sampler, ends) = Sampler::new(per_minute, rand::random());
    let verifier = Verifier::new(app.clone(), per_minute);
    (Some(sampler), Some((verifier, ends)))
}

/// The pipeline's ends of the feed's channel.
struct FeedEnds {
    frames: mpsc::Receiver<Frames>,
    positions: Positions,
    status: watch::Receiver<FeedStatus>,
}

/// Sends how far intake has come in the feed.
struct Positions {
    /// The id of the last message that was received.
    received: watch::Sender<Option<MessageId>>,
    /// The id of the last message that is durable.
    safe: watch::Sender<Option<MessageId>>,
}

/// Creates the feed's channel. `last` is the last message that an earlier run received.
fn feed_channel(last: Option<MessageId>) -> (FeedChannel, FeedEnds) {
    let (received, resume_from) = watch::channel(last);
    let (safe, acknowledge) = watch::channel(None);
    let (status, status_received) = watch::channel(FeedStatus::default());
    let (channel, frames) = FeedChannel::new(resume_from, acknowledge, status);
    let ends = FeedEnds {
        frames,
        positions: Positions { received, safe },
        status: status_received,
    };
    (channel, ends)
}

/// Creates the outputs of intake, and the observer's end of its reports.
fn intake_outputs(
    spool: &SpoolHandle,
    positions: Positions,
) -> (IntakeOutputs, mpsc::Receiver<IntakeReport>) {
    let (reports, reports_received) = mpsc::channel(INTAKE_REPORTS);
    let Positions { received, safe } = positions;
    let outputs = IntakeOutputs {
        spool: spool.clone(),
        reports,
        received,
        safe,
    };
    (outputs, reports_received)
}

/// The observer's ends of delivery's channels.
struct DeliveryEnds {
    reports: mpsc::Receiver<DeliveryReport>,
    status: watch::Receiver<DeliveryStatus>,
}

fn delivery_channels(gate: &SharedGate, fence: Option<Fence>) -> (Channels, DeliveryEnds) {
    let (reports, reports_received) = mpsc::channel(DELIVERY_REPORTS);
    let (status, status_received) = watch::channel(DeliveryStatus::default());
    let channels = Channels {
        gate: gate.clone(),
        fence,
        reports,
        status,
    };
    let ends = DeliveryEnds {
        reports: reports_received,
        status: status_received,
    };
    (channels, ends)
}

/// Creates a judge that remembers the dedupe ids in the storage.
fn restored_judge(
    gate: &SharedGate,
    rules: &Arc<ArcSwap<JudgeRules>>,
    settings: &Settings,
    storage: &Storage,
) -> Judge {
    let mut judge = Judge::new(gate.clone(), rules.clone(), settings);
    judge.remember(storage.recent_ids(Judge::max_recent_ids(settings)));
    judge
}

/// The field of a frame that has its message id.
fn id_field(settings: &Settings) -> Arc<str> {
    settings.feed.message_id_field.as_str().into()
}

/// Starts the ledger, unless the settings turn it off. Events are forwarded without one, too: the
/// operator is told where it can't be used.
fn ledger_of(
    settings: &Settings,
    (spool, group): (&Path, Option<&GroupHandle>),
    notices: &mpsc::UnboundedSender<String>,
) -> (Option<ledger::Recorder>, Option<LedgerWriter>) {
    let Some(own) = settings.ledger(spool) else {
        return (None, None);
    };
    let told = notices.clone();
    // The receiver ends with the observer.
    let tell = move |text| drop(told.send(text));
    let key = group.and_then(|group| HashKey::from_text(group.ledger_key()));
    let run = match (group, key) {
        _ if settings.feed.is_playback => LedgerRun::Playback,
        (Some(group), Some(key)) => LedgerRun::Member {
            name: group.name().to_owned(),
            key,
        },
        _ => LedgerRun::Forwarder,
    };
    match ledger::start(own, run, tell) {
        Ok((recorder, writer)) => (Some(recorder), Some(writer)),
        Err(error) => {
            let _ = notices.send(format!(
                "events are not kept in a ledger: {error} (ledger.folder)"
            ));
            (None, None)
        }
    }
}

/// The thread that records a feed.
type Recorder = std::thread::JoinHandle<()>;

/// Records the frames if the settings ask for it. Returns the frames to take instead, and the
/// thread that records.
fn recorded(
    frames: mpsc::Receiver<Frames>,
    settings: &Settings,
    notices: &mpsc::UnboundedSender<String>,
) -> Result<(mpsc::Receiver<Frames>, Option<Recorder>), StartError> {
    let folder = settings.feed.record_folder.as_str();
    if folder.is_empty() {
        return Ok((frames, None));
    }
    let format = settings.feed.record_format;
    match record(frames, Path::new(folder), format, notices.clone()) {
        Ok((frames, thread)) => Ok((frames, Some(thread))),
        Err(source) => Err(StartError::Record {
            folder: folder.to_owned(),
            source,
        }),
    }
}
