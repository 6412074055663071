//! Taking frames in: they are decoded, and what they carry is judged.
//!
//! A frame may be large, and broken in every part of it: between its elements intake lets others
//! run, and what came of the first of them is passed on before the last is read.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::amplitude::frame::{Events, Progress};
use crate::amplitude::{Event, Malformed, time};
use crate::delivery::Accepted;
use crate::delivery::spool::{self, writer::SpoolHandle};
use crate::feed::{Frame, MAX_MESSAGE_ID_BYTES, MessageId, is_message_id};

use super::Judge;
use super::failure::Failure;
use super::observer::IntakeReport;

/// Frames taken in before what came of them is passed on.
const HANDFUL: usize = 64;
/// Elements of frames taken in before what came of them is passed on: with what belongs to it,
/// each takes some hundred bytes beside its text.
const BATCH: usize = 1_024;
/// Others run after this many bytes of a frame: about a millisecond of work.
const REST_BYTES: usize = 256 << 10;
/// An element costs at least as much as this many bytes.
const ELEMENT_BYTES: usize = 1 << 10;
/// So much of a malformed frame is kept to look at, in bytes.
const MALFORMED_BYTES: usize = 2_000;

/// Takes frames in: decodes, checks, decides and maps what they carry.
pub(super) struct Intake {
    judge: Judge,
    spool: SpoolHandle,
    taken_in: mpsc::Sender<IntakeReport>,
    received: watch::Sender<Option<MessageId>>,
    safe: watch::Sender<Option<MessageId>>,
    message_id_field: Arc<str>,
    /// The last message of the last frame that was taken in whole.
    last: Option<MessageId>,
    /// Whether it was told that messages have ids that can't be asked for.
    told_unusable_id: bool,
    batch: Batch,
    failure: Failure,
}

/// What came of frames and is not passed on yet.
#[derive(Default)]
struct Batch {
    accepted: Vec<Accepted>,
    told: IntakeReport,
    permits: Vec<OwnedSemaphorePermit>,
}

impl Intake {
    /// Intake that hands what is accepted to `spool`. Once that is durable, it says in `safe`
    /// how far it came, and tells `taken_in` what it made of the frames.
    pub(super) fn new(
        judge: Judge,
        spool: SpoolHandle,
        taken_in: mpsc::Sender<IntakeReport>,
        received: watch::Sender<Option<MessageId>>,
        safe: watch::Sender<Option<MessageId>>,
        message_id_field: String,
        failure: Failure,
    ) -> Self {
        let last = received.borrow().clone();
        Self {
            judge,
            spool,
            taken_in,
            received,
            safe,
            message_id_field: message_id_field.into(),
            last,
            told_unusable_id: false,
            batch: Batch::default(),
            failure,
        }
    }

    /// Runs until it is stopped and the frames that were received are taken in.
    pub(super) async fn run(mut self, mut frames: mpsc::Receiver<Frame>, stop: CancellationToken) {
        let mut handful = Vec::with_capacity(HANDFUL);
        loop {
            tokio::select! {
                taken = frames.recv_many(&mut handful, HANDFUL) => if taken == 0 {
                    self.spool.end();
                    return;
                },
                () = stop.cancelled(), if !frames.is_closed() => {
                    frames.close();
                    continue;
                }
            }
            if !self.take_in(&mut handful).await {
                // What can't be kept must not be taken: the feed waits from here on.
                self.failure.report(
                    "the spool's thread has ended: start again; the feed is not read".into(),
                );
                stop.cancelled().await;
                return;
            }
        }
    }

    /// Takes frames in and passes on what came of them; whether there was someone to take it.
    async fn take_in(&mut self, handful: &mut Vec<Frame>) -> bool {
        self.judge.begin();
        for frame in handful.drain(..) {
            if !self.take_in_one(frame).await {
                return false;
            }
        }
        if let Some(last) = &self.last {
            self.received.send_replace(Some(last.clone()));
        }
        self.pass_on()
    }

    async fn take_in_one(&mut self, frame: Frame) -> bool {
        self.batch.told.waited_ms = (time::now() - frame.received_ms).max(0).unsigned_abs();
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
            if cost >= REST_BYTES {
                cost = 0;
                tokio::task::yield_now().await;
            }
            if self.batch.told.records.len() >= BATCH {
                if !self.pass_on() {
                    return false;
                }
                self.judge.begin();
            }
        }
        // A message is safe once all of its frame is.
        self.last = last.or(self.last.take());
        self.batch.permits.push(frame.permit);
        true
    }

    /// Judges an event; its message's id.
    fn event(&mut self, event: Event, resumed: bool) -> Option<MessageId> {
        let id: Option<MessageId> = match event.message_id() {
            Some(id) if is_message_id(&id) => Some(id.as_ref().into()),
            Some(id) => {
                self.unusable_id(&id);
                None
            }
            None => None,
        };
        let batch = &mut self.batch;
        if resumed {
            let covered = resumption(self.last.as_deref(), id.as_deref());
            batch.told.resumed.push(covered);
        }
        let record = self.judge.judge(event, &mut batch.accepted);
        batch.told.records.push(record);
        id
    }

    /// Tells once that such an id is none.
    fn unusable_id(&mut self, id: &str) {
        if std::mem::replace(&mut self.told_unusable_id, true) {
            return;
        }
        let text = format!(
            "{:?} of a message is no id to resume behind: it is empty, longer than {} bytes, or holds what \
             can't be seen; this and others like it are passed over (feed.message_id_field = {:?})",
            crate::text::excerpt(id, 40),
            MAX_MESSAGE_ID_BYTES,
            self.message_id_field,
        );
        tracing::warn!("{text}");
        self.batch.told.notices.push(text);
    }

    fn malformed(
        &mut self,
        malformed: Malformed,
        kept: bytestring::ByteString,
        received_ms: time::UnixMs,
    ) {
        let record = self.judge.malformed(malformed, kept, received_ms);
        self.batch.told.records.push(record);
    }

    /// Passes on what came of the frames so far; whether there was someone to take it.
    fn pass_on(&mut self) -> bool {
        let Batch {
            accepted,
            told,
            permits,
        } = std::mem::take(&mut self.batch);
        let (taken_in, safe, message) =
            (self.taken_in.clone(), self.safe.clone(), self.last.clone());
        let safe_now = message.clone();
        let then = move || {
            // The observer outlives intake: it waits for this channel to end.
            let _ = taken_in.blocking_send(told);
            if safe_now.is_some() {
                safe.send_replace(safe_now);
            }
            // The feed has their room again.
            drop(permits);
        };
        self.spool.append(spool::writer::Append {
            accepted,
            message,
            on_durable: Box::new(then),
        })
    }
}

/// A piece of a malformed part: a copy, so that the frame need not be kept for it.
fn excerpt(frame: &str, malformed: &Malformed) -> bytestring::ByteString {
    let around = malformed.at_byte.saturating_sub(MALFORMED_BYTES / 2);
    let from = frame.floor_char_boundary(around.max(malformed.from_byte));
    let end = malformed.from_byte.saturating_add(malformed.size_bytes);
    let part = &frame[from..frame.floor_char_boundary(end).max(from)];
    part[..part.floor_char_boundary(MALFORMED_BYTES)].into()
}

/// How much time lies between the last message before a reconnect and the first after it.
fn resumption(last: Option<&str>, first: Option<&str>) -> String {
    let sent = |id: Option<&str>| {
        let (seconds, nanos) = uuid::Uuid::parse_str(id?).ok()?.get_timestamp()?.to_unix();
        Some(seconds.cast_signed() * 1_000 + i64::from(nanos) / 1_000_000)
    };
    match (sent(last), sent(first)) {
        (Some(last), Some(first)) => {
            format!(
                "feed resumed: {} lie between the last message and the next",
                crate::text::duration((first - last).max(0))
            )
        }
        _ => "feed is back; it gives no message ids, so what was missed is not known".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_much_time_a_reconnect_had_to_cover_is_told() {
        let id = |ms: u64| {
            let stamp = uuid::Timestamp::from_unix(uuid::NoContext, ms / 1_000, 0);
            uuid::Uuid::new_v7(stamp).to_string()
        };
        let told = resumption(Some(&id(1_800_000_000_000)), Some(&id(1_800_000_090_000)));
        assert_eq!(
            told,
            "feed resumed: 2 min lie between the last message and the next"
        );
        assert!(resumption(None, Some("7")).contains("no message ids"));
    }
}
