//! Intake: decodes frames, and has their events judged.
//!
//! A frame may be large, and broken in each of its elements. Between elements intake yields to other
//! tasks, and it passes on the first events before the last ones are decoded.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::amplitude::frame::{Events, Progress};
use crate::amplitude::{Event, Malformed, time};
use crate::delivery::Accepted;
use crate::delivery::spool::writer::{Append, SpoolHandle};
use crate::feed::{Frame, MAX_MESSAGE_ID_BYTES, MessageId, is_message_id};
use crate::text;

use super::failure::Failure;
use super::judge::Judge;
use super::observer::IntakeReport;

/// Maximum frames per batch.
const MAX_FRAMES: usize = 64;
/// Maximum records per batch: each takes some hundred bytes besides its text.
const MAX_RECORDS: usize = 1_024;
/// Bytes of a frame after which intake yields: about a millisecond of work.
const YIELD_BYTES: usize = 256 << 10;
/// The work on an element besides its text, expressed in bytes of text.
const ELEMENT_BYTES: usize = 1 << 10;
/// Maximum excerpt of a malformed frame, in bytes.
const EXCERPT_BYTES: usize = 2_000;

/// Decodes frames, has their events judged, and hands accepted items to the spool.
pub(super) struct Intake {
    judge: Judge,
    outputs: IntakeOutputs,
    message_id_field: Arc<str>,
    /// The last message of the last frame that was taken whole.
    last: Option<MessageId>,
    /// Whether the operator was told of message ids that can't be used.
    has_reported_unusable_id: bool,
    batch: Batch,
    failure: Failure,
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

/// The results of frames that are not passed on yet.
#[derive(Default)]
struct Batch {
    accepted: Vec<Accepted>,
    report: IntakeReport,
    /// The room of the frames in the feed's memory.
    permits: Vec<OwnedSemaphorePermit>,
}

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
            last,
            has_reported_unusable_id: false,
            batch: Batch::default(),
            failure,
        }
    }

    /// Runs until `stop` is cancelled and all received frames are taken.
    pub(super) async fn run(mut self, mut frames: mpsc::Receiver<Frame>, stop: CancellationToken) {
        let mut taken = Vec::with_capacity(MAX_FRAMES);
        loop {
            tokio::select! {
                count = frames.recv_many(&mut taken, MAX_FRAMES) => if count == 0 {
                    self.outputs.spool.end();
                    return;
                },
                () = stop.cancelled(), if !frames.is_closed() => {
                    frames.close();
                    continue;
                }
            }
            if !self.take_frames(&mut taken).await {
                // Frames that can't be kept are not taken: the feed waits from now on.
                self.failure.report(
                    "the spool's thread has ended, and the feed is not read: start the program again".into(),
                );
                stop.cancelled().await;
                return;
            }
        }
    }

    /// Takes frames, and passes on their results. Returns false if the spool has ended.
    async fn take_frames(&mut self, frames: &mut Vec<Frame>) -> bool {
        self.judge.begin();
        for frame in frames.drain(..) {
            if !self.take_frame(frame).await {
                return false;
            }
        }
        if let Some(last) = &self.last {
            self.outputs.received.send_replace(Some(last.clone()));
        }
        self.pass_on()
    }

    /// Takes a frame. Returns false if the spool has ended.
    async fn take_frame(&mut self, frame: Frame) -> bool {
        self.batch.report.waited_ms = (time::now() - frame.received_ms).max(0).unsigned_abs();
        let text = match frame.text {
            Ok(text) => text,
            Err(malformed) => {
                let near = malformed.near.clone().into();
                self.malformed(malformed, near, frame.received_ms);
                self.batch.permits.push(frame.permit);
                return true;
            }
        };
        let id_field = self.message_id_field.clone();
        let mut events = Events::new(&text, frame.received_ms, &id_field);
        let (mut resumed, mut last, mut cost) = (frame.resumed, None, 0);
        while let Some(progress) = events.advance() {
            cost += ELEMENT_BYTES;
            match progress {
                Progress::Found(Ok(event)) => {
                    cost += event.size_bytes();
                    let id = self.event(event, std::mem::take(&mut resumed));
                    last = id.or(last);
                }
                Progress::Found(Err(malformed)) => {
                    cost += malformed.size_bytes;
                    let kept = excerpt(&text, &malformed);
                    self.malformed(malformed, kept, frame.received_ms);
                }
                Progress::Counted(size_bytes) => cost += size_bytes,
            }
            if cost >= YIELD_BYTES {
                cost = 0;
                tokio::task::yield_now().await;
            }
            if self.batch.report.records.len() >= MAX_RECORDS {
                if !self.pass_on() {
                    return false;
                }
                self.judge.begin();
            }
        }
        // A message is safe only once its whole frame is.
        self.last = last.or(self.last.take());
        self.batch.permits.push(frame.permit);
        true
    }

    /// Judges an event. Returns the id of its message.
    fn event(&mut self, event: Event, resumed: bool) -> Option<MessageId> {
        let id: Option<MessageId> = match event.message_id() {
            Some(id) if is_message_id(&id) => Some(id.as_ref().into()),
            Some(id) => {
                self.report_unusable_id(&id);
                None
            }
            None => None,
        };
        let batch = &mut self.batch;
        if resumed {
            let covered = resumption(self.last.as_deref(), id.as_deref());
            batch.report.resumed.push(covered);
        }
        let record = self.judge.judge(event, &mut batch.accepted);
        batch.report.records.push(record);
        id
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
        self.batch.report.notices.push(text);
    }

    fn malformed(
        &mut self,
        malformed: Malformed,
        kept: bytestring::ByteString,
        received_ms: time::UnixMs,
    ) {
        let record = self.judge.malformed(malformed, kept, received_ms);
        self.batch.report.records.push(record);
    }

    /// Passes on the results so far. Returns false if the spool has ended.
    fn pass_on(&mut self) -> bool {
        let Batch {
            accepted,
            report,
            permits,
        } = std::mem::take(&mut self.batch);
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
        self.outputs.spool.append(Append {
            accepted,
            message,
            on_durable: Box::new(on_durable),
        })
    }
}

/// Copies an excerpt of a malformed part, so that its frame can be freed.
fn excerpt(frame: &str, malformed: &Malformed) -> bytestring::ByteString {
    let around = malformed.at_byte.saturating_sub(EXCERPT_BYTES / 2);
    let from = frame.floor_char_boundary(around.max(malformed.from_byte));
    let end = malformed.from_byte.saturating_add(malformed.size_bytes);
    let part = &frame[from..frame.floor_char_boundary(end).max(from)];
    part[..part.floor_char_boundary(EXCERPT_BYTES)].into()
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
mod tests {
    use super::*;

    #[test]
    fn the_time_that_a_reconnect_covers_is_reported() {
        let id = |ms: u64| {
            let stamp = uuid::Timestamp::from_unix(uuid::NoContext, ms / 1_000, 0);
            uuid::Uuid::new_v7(stamp).to_string()
        };
        let text = resumption(Some(&id(1_800_000_000_000)), Some(&id(1_800_000_090_000)));
        assert_eq!(
            text,
            "feed resumed: 2 min lie between the last message and the next"
        );
        assert!(resumption(None, Some("7")).contains("no message ids"));
    }
}
