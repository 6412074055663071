//! Intake: has frames decoded and their events assessed, by several tasks where there is much to do,
//! and judges the events in the order in which they came.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::amplitude::time;
use crate::delivery::Accepted;
use crate::delivery::spool::writer::{Append, SpoolHandle};
use crate::feed::{Frame, Frames, MAX_MESSAGE_ID_BYTES, MessageId, Origin};
use crate::text;

use super::decoding::{DecodedPart, Decoding, Element};
use super::failure::Failure;
use super::judge::Judge;
use super::observer::IntakeReport;

/// Size up to which waiting frames are decoded together, in bytes.
const TOGETHER_BYTES: usize = 64 << 10;
/// Size from which a task of their own pays for frames, in bytes: about 50 µs of work.
const TASK_BYTES: usize = 16 << 10;
/// Maximum results that are passed on together: bytes of accepted items, and records.
const PENDING_BYTES: usize = 256 << 10;
const PENDING_RECORDS: usize = 1_024;
/// Parts that a task makes before intake has taken them.
const PARTS_AHEAD: usize = 2;

/// Judges the events of frames, and hands accepted items to the spool.
pub(super) struct Intake {
    judge: Judge,
    outputs: IntakeOutputs,
    message_id_field: Arc<str>,
    /// Maximum tasks that decode at the same time.
    max_tasks: usize,
    /// The tasks that decode, in the order of their frames.
    tasks: VecDeque<DecodingTask>,
    /// The last message of the last frame that was taken whole.
    last: Option<MessageId>,
    /// Whether the operator was told of message ids that can't be used.
    has_reported_unusable_id: bool,
    pending: Pending,
    failure: Failure,
}

/// The results of parts that are not passed on yet.
#[derive(Default)]
struct Pending {
    accepted: Vec<Accepted>,
    report: IntakeReport,
    permits: Vec<OwnedSemaphorePermit>,
    /// Messages of a shared stream whose events are all judged.
    received: Vec<Origin>,
    /// The bytes of the accepted items.
    bytes: usize,
}

/// The outputs of intake.
pub(super) struct IntakeOutputs {
    /// Receives the accepted items.
    pub(super) spool: SpoolHandle,
    /// Receives a report of each batch, once the batch is durable.
    pub(super) reports: mpsc::Sender<IntakeReport>,
    /// Receives the id of the last message that was received.
    pub(super) received: watch::Sender<Option<MessageId>>,
    /// Receives the id of the last message that is durable.
    pub(super) safe: watch::Sender<Option<MessageId>>,
}

/// A task that decodes frames, and its results.
struct DecodingTask {
    parts: mpsc::Receiver<DecodedPart>,
    task: JoinHandle<()>,
}

/// The spool's thread has ended.
struct SpoolEnded;

impl Intake {
    /// Creates intake. `message_id_field` is the field of a frame that has its message id.
    pub(super) fn new(
        judge: Judge,
        outputs: IntakeOutputs,
        message_id_field: Arc<str>,
        failure: Failure,
    ) -> Self {
        let last = outputs.received.borrow().clone();
        Self {
            judge,
            outputs,
            message_id_field,
            max_tasks: max_tasks(),
            tasks: VecDeque::new(),
            last,
            has_reported_unusable_id: false,
            pending: Pending::default(),
            failure,
        }
    }

    /// Runs until `stop` is cancelled and all received frames are taken.
    pub(super) async fn run(mut self, frames: mpsc::Receiver<Frames>, stop: CancellationToken) {
        match self.take_all(frames, &stop).await {
            Ok(()) => self.outputs.spool.end(),
            Err(SpoolEnded) => {
                // Frames that can't be kept are not taken: the feed waits from now on.
                self.failure.report(
                    "the spool's thread has ended, and the feed is not read: start the program again".into(),
                );
                stop.cancelled().await;
            }
        }
    }

    async fn take_all(
        &mut self,
        mut frames: mpsc::Receiver<Frames>,
        stop: &CancellationToken,
    ) -> Result<(), SpoolEnded> {
        let mut is_ended = false;
        loop {
            // Under load more comes at once, and results are passed on together.
            let is_idle = self.tasks.is_empty() && frames.is_empty();
            if is_idle && !self.pending.is_empty() {
                self.pass_on()?;
            }
            if is_ended && self.tasks.is_empty() {
                return Ok(());
            }
            tokio::select! {
                part = next_part(&mut self.tasks), if !self.tasks.is_empty() => {
                    if let Some(part) = part {
                        self.take_part(part)?;
                    }
                }
                batch = frames.recv(), if !is_ended && self.tasks.len() < self.max_tasks => {
                    match batch {
                        Some(batch) => self.take_frames(batch, &mut frames).await?,
                        None => is_ended = true,
                    }
                }
                () = stop.cancelled(), if !frames.is_closed() => frames.close(),
            }
        }
    }

    /// Takes frames, with others that wait.
    async fn take_frames(
        &mut self,
        first: Frames,
        frames: &mut mpsc::Receiver<Frames>,
    ) -> Result<(), SpoolEnded> {
        let size = |batch: &Frames| batch.frames.iter().map(Frame::size_bytes).sum::<usize>();
        let mut bytes = size(&first);
        let mut batches = vec![first];
        while bytes < TOGETHER_BYTES
            && let Ok(batch) = frames.try_recv()
        {
            bytes += size(&batch);
            batches.push(batch);
        }
        // The criteria are loaded here, so that a later frame never meets earlier ones.
        let criteria = self.judge.criteria();
        let field = self.message_id_field.clone();
        if bytes >= TASK_BYTES && self.max_tasks > 1 {
            self.tasks
                .push_back(DecodingTask::start(move |parts| async move {
                    for part in Decoding::new(batches, criteria, &field) {
                        // Intake has ended.
                        if parts.send(part).await.is_err() {
                            return;
                        }
                        tokio::task::yield_now().await;
                    }
                }));
            return Ok(());
        }
        while let Some(part) = next_part(&mut self.tasks).await {
            self.take_part(part)?;
        }
        for part in Decoding::new(batches, criteria, &field) {
            self.take_part(part)?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Judges the events of a part.
    fn take_part(&mut self, part: DecodedPart) -> Result<(), SpoolEnded> {
        let pending = &mut self.pending;
        pending.accepted.reserve(part.elements.len());
        pending.report.records.reserve(part.elements.len());
        pending.bytes += part.block.len();
        pending.permits.extend(part.permits);
        if let Some(received_ms) = part.received_ms {
            pending.report.waited_ms = (time::now() - received_ms).max(0).unsigned_abs();
        }
        for element in part.elements {
            match element {
                Element::Event(assessment) => {
                    pending.report.ids.push(assessment.id);
                    let accepted = &mut pending.accepted;
                    let record =
                        self.judge
                            .conclude(assessment, &part.block, &part.criteria, accepted);
                    pending.report.records.push(record);
                }
                Element::Malformed(malformed, kept, received_ms) => {
                    let record = self.judge.malformed(malformed, kept, received_ms);
                    pending.report.records.push(record);
                }
                Element::Resumed(id) => {
                    let covered = resumption(self.last.as_deref(), id.as_deref());
                    pending.report.resumed.push(covered);
                }
                Element::FrameEnd(id) => self.last = Some(id),
                Element::Begin(origin) => self.judge.begin(origin),
                Element::End(origin) => pending.received.push(origin),
            }
        }
        if let Some(id) = part.unusable_id {
            self.report_unusable_id(&id);
        }
        if self.pending.bytes >= PENDING_BYTES
            || self.pending.report.records.len() >= PENDING_RECORDS
        {
            return self.pass_on();
        }
        Ok(())
    }

    /// Reports once that message ids can't be used.
    fn report_unusable_id(&mut self, id: &str) {
        if std::mem::replace(&mut self.has_reported_unusable_id, true) {
            return;
        }
        let text = format!(
            "the message id {:?} can't be used to resume: it is empty, longer than {} bytes, or has \
             invisible characters; such ids are ignored (feed.message_id_field = {:?})",
            text::excerpt(id, 40),
            MAX_MESSAGE_ID_BYTES,
            self.message_id_field,
        );
        tracing::warn!("{text}");
        self.pending.report.notices.push(text);
    }

    /// Passes on the results so far.
    fn pass_on(&mut self) -> Result<(), SpoolEnded> {
        let Pending {
            accepted,
            report,
            permits,
            received,
            bytes: _,
        } = std::mem::take(&mut self.pending);
        if let Some(last) = &self.last {
            self.outputs.received.send_replace(Some(last.clone()));
        }
        let (reports, safe) = (self.outputs.reports.clone(), self.outputs.safe.clone());
        let message = self.last.clone();
        let safe_now = message.clone();
        let on_durable = move || {
            // The observer outlives intake: it waits for this channel to end.
            let _ = reports.blocking_send(report);
            if safe_now.is_some() {
                safe.send_replace(safe_now);
            }
            // The feed gets their room back.
            drop(permits);
        };
        let is_taken = self.outputs.spool.append(Append {
            accepted,
            message,
            received,
            on_durable: Box::new(on_durable),
        });
        if is_taken { Ok(()) } else { Err(SpoolEnded) }
    }
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.report.is_empty() && self.accepted.is_empty() && self.permits.is_empty()
    }
}

/// Maximum tasks that decode at the same time. A core is left to the feed, the spool and delivery,
/// so that on two cores intake decodes itself.
fn max_tasks() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores - 1).max(1)
}

impl DecodingTask {
    fn start<W>(work: impl FnOnce(mpsc::Sender<DecodedPart>) -> W) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let (sender, parts) = mpsc::channel(PARTS_AHEAD);
        Self {
            parts,
            task: tokio::spawn(work(sender)),
        }
    }
}

/// The next part in the order of the frames. None if the first task has ended, or there is none. A
/// panic of a task goes on here.
async fn next_part(tasks: &mut VecDeque<DecodingTask>) -> Option<DecodedPart> {
    loop {
        let first = tasks.front_mut()?;
        if let Some(part) = first.parts.recv().await {
            return Some(part);
        }
        let ended = (&mut first.task).await;
        tasks.pop_front();
        if let Err(error) = ended
            && let Ok(panic) = error.try_into_panic()
        {
            resume_unwind(panic);
        }
    }
}

/// Describes the time between the last message before a reconnect and the first one after it.
fn resumption(last: Option<&str>, first: Option<&str>) -> String {
    let sent = |id: Option<&str>| {
        let (seconds, nanos) = uuid::Uuid::parse_str(id?).ok()?.get_timestamp()?.to_unix();
        Some(seconds.cast_signed() * 1_000 + i64::from(nanos) / 1_000_000)
    };
    match (sent(last), sent(first)) {
        (Some(last), Some(first)) => {
            format!(
                "feed resumed: {} lie between the last message and the next",
                text::duration((first - last).max(0))
            )
        }
        _ => "feed is back; it gives no message ids, so what was missed is not known".to_owned(),
    }
}

#[cfg(test)]
mod tests;
