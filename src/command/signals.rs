//! SIGINT and SIGTERM: the first asks for a drain, the second ends the program at once.
//! SIGHUP asks for the settings to be read again, unless the terminal is gone.

use std::io::IsTerminal as _;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first signal. The second one exits with 130, as shells
/// expect of an interrupted program.
pub(super) fn first() -> CancellationToken {
    let first = CancellationToken::new();
    let told = first.clone();
    tokio::spawn(async move {
        wait().await;
        told.cancel();
        wait().await;
        std::process::exit(130);
    });
    first
}

async fn wait() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// What SIGHUP asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hangup {
    /// Read the settings again.
    Reload,
    /// End: the terminal that the program was started from was closed.
    TerminalGone,
}

/// Each SIGHUP, and what it asks for.
pub(super) fn hangups() -> mpsc::Receiver<Hangup> {
    let (told, hangups) = mpsc::channel(2);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let had_terminal = std::io::stdin().is_terminal();
        if let Ok(mut signals) = signal(SignalKind::hangup()) {
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    let gone = had_terminal && !std::io::stdin().is_terminal();
                    let asks = if gone {
                        Hangup::TerminalGone
                    } else {
                        Hangup::Reload
                    };
                    if told.send(asks).await.is_err() {
                        return;
                    }
                }
            });
        }
    }
    hangups
}
