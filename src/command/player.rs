//! A task that plays events into a feed beside a command. If it fails, the command ends with its
//! error.

use std::future::Future;

use color_eyre::eyre::{Result, WrapErr as _, bail};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::feed::replay::{ReplayFailed, ReplayReport};
use crate::text::grouped;

/// A running player.
pub(super) struct Player {
    task: JoinHandle<Result<ReplayReport, ReplayFailed>>,
    broke_off: CancellationToken,
}

impl Player {
    /// Starts the player. `tell` receives errors as they happen.
    pub(super) fn start(
        playing: impl Future<Output = Result<ReplayReport, ReplayFailed>> + Send + 'static,
        tell: impl Fn(String) + Send + 'static,
    ) -> Self {
        let broke_off = CancellationToken::new();
        let guard = broke_off.clone().drop_guard();
        let task = tokio::spawn(async move {
            // A panic drops the guard, which cancels the token.
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

    /// Returns a token that is cancelled when the player fails.
    pub(super) fn broke_off(&self) -> CancellationToken {
        self.broke_off.clone()
    }

    /// Stops the player. Returns an error if it failed or could not read some files.
    pub(super) async fn end(self) -> Result<()> {
        if !self.task.is_finished() {
            // The operator left before the end.
            self.task.abort();
            return Ok(());
        }
        let played = self
            .task
            .await
            .wrap_err("the player stopped by a fault in this program")??;
        refuse_unreadable(&played)
    }
}

/// Returns an error if some files could not be read.
pub(super) fn refuse_unreadable(played: &ReplayReport) -> Result<()> {
    match unreadable(played) {
        Some(why) => bail!(why),
        None => Ok(()),
    }
}

/// Returns a message on the files that could not be read.
fn unreadable(played: &ReplayReport) -> Option<String> {
    let (first, others) = played.unreadable.split_first()?;
    let more = match others.len() {
        0 => String::new(),
        more => format!(" (and {} more)", grouped(more as u64)),
    };
    Some(format!("not all was played: {first}{more}"))
}
