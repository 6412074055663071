//! Where events come from.
//!
//! A [`Feed`] hands over frames and tells how it stands. It is read only as fast as frames
//! are taken from it: a feed that can be slowed, as a WebSocket is by TCP, then waits.
//! [`server`] is the other end: it serves archives and made-up traffic by the same conventions.

pub mod fill;
pub mod log;
pub mod record;
pub mod replay;
pub mod scenario;
pub mod server;
pub mod settings;
pub mod traffic;
pub mod websocket;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::timeout;

use crate::amplitude::Malformed;
use crate::amplitude::time::{self, UnixMs};
use crate::text::visible;

pub use settings::Settings;
pub use websocket::WebSocketFeed;

/// Frames that are received, and whose events are not yet on disk, may hold so many bytes.
const FRAME_BYTES: usize = 4 << 20;
/// How long a frame may wait for the pipeline before that counts as being behind.
const PATIENCE: Duration = Duration::from_millis(200);

/// What a feed received in one piece.
#[derive(Debug)]
pub struct Frame {
    /// Its text, or where it stopped being text.
    pub text: Result<ByteString, Malformed>,
    /// When it came.
    pub received_ms: UnixMs,
    /// Whether it is the first since the feed connected again.
    pub resumed: bool,
    /// Its share of the bytes that may wait; given back when this is dropped.
    pub share: OwnedSemaphorePermit,
}

/// A message's id, as the feed gave it.
pub type MessageId = Arc<str>;

/// The longest id that is asked for again: it goes into a URL, and servers take 8 kB of one.
pub const MAX_MESSAGE_ID_BYTES: usize = 256;

/// Whether a server can be asked for this id: it is neither empty nor longer than 256 bytes, and
/// every character of it can be seen.
pub fn is_message_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_MESSAGE_ID_BYTES && id.chars().all(|c| visible(c) == c)
}

/// How a feed and its pipeline speak.
#[derive(Debug)]
pub struct Link {
    /// Where frames go; it is full while the pipeline is behind.
    pub frames: mpsc::Sender<Frame>,
    /// The bytes that may still wait there, in KiB.
    room: Arc<Semaphore>,
    /// The last message that was taken in: where a reconnect resumes.
    pub last_received: watch::Receiver<Option<MessageId>>,
    /// The last message up to which all is safe on this side: what is acknowledged.
    pub safe: watch::Receiver<Option<MessageId>>,
    /// How the feed stands.
    pub status: watch::Sender<FeedStatus>,
}

/// Nobody takes frames any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unwanted;

impl Link {
    /// A link, and where its frames come out.
    pub fn new(
        last_received: watch::Receiver<Option<MessageId>>,
        safe: watch::Receiver<Option<MessageId>>,
        status: watch::Sender<FeedStatus>,
    ) -> (Self, mpsc::Receiver<Frame>) {
        let (frames, taken) = mpsc::channel(1_024);
        let room = Arc::new(Semaphore::new(FRAME_BYTES / 1_024));
        (
            Self {
                frames,
                room,
                last_received,
                safe,
                status,
            },
            taken,
        )
    }

    /// Waits until the pipeline takes the frame. Meanwhile the feed reads nothing, and TCP
    /// holds the server back.
    pub async fn hand_over(
        &self,
        text: Result<ByteString, Malformed>,
        resumed: bool,
    ) -> Result<(), Unwanted> {
        let received_ms = time::now();
        let bytes = text.as_ref().map_or(0, |text| text.len());
        let share = (bytes / 1_024 + 1).min(FRAME_BYTES / 1_024) as u32;
        let sending = async {
            let share = self
                .room
                .clone()
                .acquire_many_owned(share)
                .await
                .map_err(|_| Unwanted)?;
            let frame = Frame {
                text,
                received_ms,
                resumed,
                share,
            };
            self.frames.send(frame).await.map_err(|_| Unwanted)
        };
        tokio::pin!(sending);
        if let Ok(sent) = timeout(PATIENCE, &mut sending).await {
            return sent;
        }
        self.status
            .send_modify(|s| s.blocked_since_ms = Some(received_ms));
        let sent = tokio::select! {
            sent = &mut sending => sent,
            () = self.frames.closed() => Err(Unwanted),
        };
        self.status.send_modify(|s| s.blocked_since_ms = None);
        sent
    }
}

/// Something that events come from.
pub trait Feed: Send {
    /// Hands over frames until the link's receiver is gone. A feed that breaks mends itself.
    fn run(self: Box<Self>, link: Link) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// What it is called on screen.
    fn name(&self) -> String;
}

/// How a feed stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedStatus {
    /// What it is doing.
    pub state: FeedState,
    /// How often it has connected.
    pub connects: u64,
    /// Since when the pipeline has not taken its frame: it is behind.
    pub blocked_since_ms: Option<UnixMs>,
    /// How much time the last reconnect had to cover, in words: only the pipeline knows it, from the
    /// messages before and behind.
    pub resumed: Option<String>,
    /// How often the feed went on without a message's id that the server could not be asked for:
    /// events may have been missed each time.
    #[serde(default)]
    pub given_up: u64,
}

/// What a feed is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedState {
    /// It is connecting for the first time.
    #[default]
    Connecting,
    /// Frames can come.
    Live,
    /// It is down and will connect again.
    Down {
        /// What happened, in words.
        why: String,
        /// When it tries again.
        next_ms: UnixMs,
    },
}
