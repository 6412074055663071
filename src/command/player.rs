//! What plays events into a feed beside a command: where it ends by itself, that is told, and
//! ends the command with an error.

use std::future::Future;

use color_eyre::eyre::{Result, WrapErr as _, bail};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::feed::replay::{ReplayFailed, ReplayReport};
use crate::text::grouped;

/// A player at work.
pub(super) struct Player {
    task: JoinHandle<Result<ReplayReport, ReplayFailed>>,
    broke_off: CancellationToken,
}

impl Player {
    /// Starts it. `tell` is told what goes wrong when it does.
    pub(super) fn start(
        playing: impl Future<Output = Result<ReplayReport, ReplayFailed>> + Send + 'static,
        tell: impl Fn(String) + Send + 'static,
    ) -> Self {
        let broke_off = CancellationToken::new();
        let guard = broke_off.clone().drop_guard();
        let task = tokio::spawn(async move {
            // A panic drops it too.
            let played = playing.await;
            match &played {
                Ok(played) => {
                    guard.disarm();
                    if let Some(why) = unreadable(played) {
                        tell(why);
                    }
                }
                Err(error) => tell(error.to_string()),
            }
            played
        });
        Self { task, broke_off }
    }

    /// Cancelled when it broke off.
    pub(super) fn broke_off(&self) -> CancellationToken {
        self.broke_off.clone()
    }

    /// Ends it, whether all is played or not; why not all could be.
    pub(super) async fn end(self) -> Result<()> {
        if !self.task.is_finished() {
            // Whoever looked on has left.
            self.task.abort();
            return Ok(());
        }
        let played = self.task.await.wrap_err("the player broke off")??;
        refuse_unreadable(&played)
    }
}

/// What could not be read ends the command with an error, once what could be is played.
pub(super) fn refuse_unreadable(played: &ReplayReport) -> Result<()> {
    match unreadable(played) {
        Some(why) => bail!(why),
        None => Ok(()),
    }
}

fn unreadable(played: &ReplayReport) -> Option<String> {
    let (first, others) = played.unreadable.split_first()?;
    let more = match others.len() {
        0 => String::new(),
        more => format!(" (and {} more)", grouped(more as u64)),
    };
    Some(format!("not all was played: {first}{more}"))
}
