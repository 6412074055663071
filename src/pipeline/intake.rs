//! Taking frames in: they are decoded, and what they carry is judged.

use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::amplitude::{Malformed, frame, time};
use crate::delivery::Accepted;
use crate::delivery::spool::{self, writer::Handle};
use crate::feed::{Frame, MessageId};
use crate::limits;
use crate::telemetry::observer::TakenIn;

use super::Judge;

/// So many frames are taken in before what came of them is passed on.
const HANDFUL: usize = 64;
/// So much of a malformed frame is kept to look at, in bytes.
const MALFORMED_BYTES: usize = 2_000;

/// Takes frames in: decodes, checks, decides and maps what they carry.
pub(super) struct Intake {
    judge: Judge,
    spool: Handle,
    taken_in: mpsc::Sender<TakenIn>,
    received: watch::Sender<Option<MessageId>>,
    safe: watch::Sender<Option<MessageId>>,
    message_id_field: String,
    last: Option<MessageId>,
}

impl Intake {
    /// Intake that hands what is accepted to `spool`. Once that is durable, it says in `safe`
    /// how far it came, and tells `taken_in` what it made of the frames.
    pub(super) fn new(
        judge: Judge,
        spool: Handle,
        taken_in: mpsc::Sender<TakenIn>,
        received: watch::Sender<Option<MessageId>>,
        safe: watch::Sender<Option<MessageId>>,
        message_id_field: String,
    ) -> Self {
        let last = received.borrow().clone();
        Self {
            judge,
            spool,
            taken_in,
            received,
            safe,
            message_id_field,
            last,
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
            if !self.hand_over(&mut handful) {
                // What can't be kept must not be taken: the feed waits from here on.
                tracing::error!("the spool's thread has ended: start again; the feed is not read");
                stop.cancelled().await;
                return;
            }
        }
    }

    /// Whether there was someone to take it.
    fn hand_over(&mut self, handful: &mut Vec<Frame>) -> bool {
        let mut accepted = Vec::new();
        let mut shares = Vec::with_capacity(handful.len());
        let told = self.take_in(handful.drain(..), &mut accepted, &mut shares);
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
            drop(shares);
        };
        self.spool.append(spool::writer::Handful {
            accepted,
            message,
            then: Box::new(then),
        })
    }

    fn take_in(
        &mut self,
        frames: impl Iterator<Item = Frame>,
        accepted: &mut Vec<Accepted>,
        shares: &mut Vec<OwnedSemaphorePermit>,
    ) -> TakenIn {
        let mut told = TakenIn {
            records: Vec::new(),
            waited_ms: 0,
            notices: Vec::new(),
        };
        self.judge.begin();
        for frame in frames {
            shares.push(frame.share);
            told.waited_ms = (time::now() - frame.received_ms).max(0).unsigned_abs();
            let text = match frame.text {
                Ok(text) => text,
                Err(malformed) => {
                    let near = malformed.near.clone().into();
                    told.records
                        .push(self.judge.malformed(malformed, near, frame.received_ms));
                    continue;
                }
            };
            let mut resumed = frame.resumed;
            frame::decode(&text, frame.received_ms, &self.message_id_field, |one| {
                let event = match one {
                    Ok(event) => event,
                    Err(malformed) => {
                        let kept = excerpt(&text, &malformed);
                        told.records
                            .push(self.judge.malformed(malformed, kept, frame.received_ms));
                        return;
                    }
                };
                let id: Option<MessageId> = event.message_id().map(|id| id.as_ref().into());
                if std::mem::take(&mut resumed) {
                    told.notices
                        .push(resumption(self.last.as_deref(), id.as_deref()));
                }
                told.records.push(self.judge.judge(event, accepted));
                if id.is_some() {
                    self.last = id;
                }
            });
        }
        if let Some(last) = &self.last {
            self.received.send_replace(Some(last.clone()));
        }
        told
    }
}

/// A piece of a malformed part: a copy, so that the frame need not be kept for it.
fn excerpt(frame: &str, malformed: &Malformed) -> bytestring::ByteString {
    let part =
        &frame[frame.floor_char_boundary(malformed.at_byte.saturating_sub(MALFORMED_BYTES / 2))..];
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
                limits::span((first - last).max(0))
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
