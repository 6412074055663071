//! From WebSocket messages to frames of events.

use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use crate::amplitude::Malformed;
use crate::amplitude::time;
use crate::feed::frame::{Frame, text_of};
use crate::feed::settings::Settings;
use crate::text::grouped;

use super::describe::{ENDED_SILENTLY, describe, describe_close, may_be_message, may_be_request};
use super::error::Failure;
use super::frames::{Oversize, ReadReport};

/// Minimum interval of log lines about messages over the limit.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Maximum messages that are taken together.
const MAX_MESSAGES: usize = 64;
/// Size from which messages are passed on together: what one read of the socket returns.
const MAX_TOGETHER_BYTES: usize = 64 << 10;

/// What a connection brings: a message, its failure, or its end.
type Incoming = Option<Result<Message, WsError>>;

/// Reads the messages of one connection.
#[derive(Debug)]
pub(super) struct Messages<'s> {
    settings: &'s Settings,
    report: Arc<ReadReport>,
    /// Number of data messages so far.
    count: u64,
    logged: Option<Instant>,
    /// Messages over the limit since the last log line.
    unlogged: u64,
}

impl<'s> Messages<'s> {
    /// Reads the messages of the connection of this report.
    pub(super) fn new(settings: &'s Settings, report: Arc<ReadReport>) -> Self {
        Self {
            settings,
            report,
            count: 0,
            logged: None,
            unlogged: 0,
        }
    }

    /// Takes a message, and those after it that `socket` has already. The first one with events is
    /// marked as `resumed`, which is then cleared.
    pub(super) fn take(
        &mut self,
        first: Incoming,
        socket: &mut (impl Stream<Item = Result<Message, WsError>> + Unpin),
        resumed: &mut bool,
    ) -> Taken {
        let received_ms = time::now();
        let mut taken = Taken::default();
        let (mut messages, mut bytes) = (0, 0);
        let mut next = Some(first);
        while let Some(message) = next.take() {
            messages += 1;
            match self.read(message) {
                Ok(Some(text)) => {
                    let resumed = std::mem::take(resumed);
                    let frame = Frame {
                        text,
                        received_ms,
                        resumed,
                        origin: None,
                    };
                    bytes += frame.size_bytes();
                    taken.frames.push(frame);
                }
                Ok(None) => {}
                Err(failure) => {
                    taken.failure = Some(failure);
                    break;
                }
            }
            if messages < MAX_MESSAGES && bytes < MAX_TOGETHER_BYTES {
                next = socket.next().now_or_never();
            }
        }
        taken
    }

    /// Returns the text of a message, or what is malformed in it; none for a message without events.
    /// An error means that the connection has ended.
    fn read(
        &mut self,
        message: Incoming,
    ) -> Result<Option<Result<ByteString, Malformed>>, Failure> {
        let bytes = match message {
            None => return Err(Failure::from(ENDED_SILENTLY.to_owned())),
            Some(Err(error)) => {
                return Err(Failure {
                    may_be_id: self.count == 0 && may_be_message(&error),
                    ..Failure::from(describe(&error))
                });
            }
            Some(Ok(Message::Close(frame))) => {
                return Err(Failure {
                    may_be_id: self.count == 0 && may_be_request(frame.as_ref()),
                    ..Failure::from(describe_close(frame.as_ref()))
                });
            }
            Some(Ok(Message::Text(text))) => text.into(),
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(_)) => return Ok(None),
        };
        let oversize = self.report.take_oversize(self.count);
        self.count += 1;
        if let Some(oversize) = oversize {
            return Ok(Some(Err(self.skipped(&oversize))));
        }
        if bytes == self.settings.pong_text.as_bytes() {
            return Ok(None);
        }
        Ok(Some(text_of(&bytes)))
    }

    fn skipped(&mut self, oversize: &Oversize) -> Malformed {
        let max_bytes = self.settings.max_frame_bytes;
        let why = format!(
            "a message of {} bytes is over feed.max_frame_bytes = {}, and was skipped",
            grouped(oversize.size_bytes),
            grouped(max_bytes as u64)
        );
        if self.logged.is_some_and(|at| at.elapsed() < LOG_EVERY) {
            self.unlogged += 1;
        } else {
            let others = match std::mem::take(&mut self.unlogged) {
                0 => String::new(),
                others => format!("; {} more since the last line", grouped(others)),
            };
            tracing::warn!("{why}{others}; raise that setting to receive such messages");
            self.logged = Some(Instant::now());
        }
        Malformed {
            at_byte: max_bytes,
            why,
            near: String::from_utf8_lossy(&oversize.head).into_owned(),
            from_byte: 0,
            size_bytes: usize::try_from(oversize.size_bytes).unwrap_or(usize::MAX),
            parts: 1,
        }
    }
}

/// Messages that came together.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) frames: Vec<Frame>,
    /// The end of the connection after them, if it has ended.
    pub(super) failure: Option<Failure>,
}
