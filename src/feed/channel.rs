//! The connection between a feed and its pipeline, with backpressure.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;

use crate::amplitude::time;

use super::frame::{Frame, Frames};
use super::message_id::MessageId;
use super::status::FeedStatus;

/// Maximum bytes of frames that were received and whose events are not on disk yet.
const FRAME_BYTES: usize = 4 << 20;
/// Permits are counted in units of this size, in bytes.
const PERMIT_BYTES: usize = 1_024;
/// Maximum number of batches of frames in the channel.
const BATCHES: usize = 256;
/// A frame that waits longer than this for the pipeline marks the feed as blocked.
const BLOCKED_AFTER: Duration = Duration::from_millis(200);

/// A feed's end of the connection to its pipeline.
#[derive(Debug)]
pub struct FeedChannel {
    /// Frames for the pipeline; full while the pipeline is behind.
    pub frames: mpsc::Sender<Frames>,
    /// Memory left for frames, in units of [`PERMIT_BYTES`].
    memory: Arc<Semaphore>,
    /// The last message that the pipeline received: a reconnect resumes after it.
    pub last_received: watch::Receiver<Option<MessageId>>,
    /// The last message up to which everything is durable: the feed acknowledges it.
    pub safe: watch::Receiver<Option<MessageId>>,
    /// The feed's status.
    pub status: watch::Sender<FeedStatus>,
}

/// The error of a feed whose pipeline takes no more frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PipelineClosed;

impl FeedChannel {
    /// Creates a channel, and returns it with the receiver of its frames.
    pub fn new(
        last_received: watch::Receiver<Option<MessageId>>,
        safe: watch::Receiver<Option<MessageId>>,
        status: watch::Sender<FeedStatus>,
    ) -> (Self, mpsc::Receiver<Frames>) {
        let (frames, receiver) = mpsc::channel(BATCHES);
        let memory = Arc::new(Semaphore::new(FRAME_BYTES / PERMIT_BYTES));
        (
            Self {
                frames,
                memory,
                last_received,
                safe,
                status,
            },
            receiver,
        )
    }

    /// Sends frames that came together, and waits until the pipeline takes them. The feed reads
    /// nothing meanwhile, so that TCP slows the server down.
    pub async fn send(&self, frames: Vec<Frame>) -> Result<(), PipelineClosed> {
        let received_ms = time::now();
        let permits = frames.iter().map(|f| f.size_bytes() / PERMIT_BYTES + 1);
        let permits = permits.sum::<usize>().min(FRAME_BYTES / PERMIT_BYTES) as u32;
        let sending = async {
            let permit = self
                .memory
                .clone()
                .acquire_many_owned(permits)
                .await
                .map_err(|_| PipelineClosed)?;
            let frames = Frames { frames, permit };
            self.frames.send(frames).await.map_err(|_| PipelineClosed)
        };
        tokio::pin!(sending);
        if let Ok(sent) = timeout(BLOCKED_AFTER, &mut sending).await {
            return sent;
        }
        self.status
            .send_modify(|s| s.blocked_since_ms = Some(received_ms));
        let sent = tokio::select! {
            sent = &mut sending => sent,
            () = self.frames.closed() => Err(PipelineClosed),
        };
        self.status.send_modify(|s| s.blocked_since_ms = None);
        sent
    }
}
