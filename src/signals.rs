//! Signals, and what they mean for every command and screen.
//!
//! The first SIGINT or SIGTERM starts a drain, the second ends the program at once. SIGHUP reloads
//! the settings. If the terminal was closed, it starts a drain instead.

use std::io::IsTerminal as _;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Returns a token that the first SIGINT or SIGTERM cancels. The second one exits with 130, the exit
/// code that shells use for an interrupted program.
pub fn first() -> CancellationToken {
    let first = CancellationToken::new();
    let received = first.clone();
    let mut terminations = terminations();
    tokio::spawn(async move {
        if terminations.recv().await.is_some() {
            received.cancel();
        }
        if terminations.recv().await.is_some() {
            std::process::exit(130);
        }
    });
    first
}

/// Returns a channel that receives each SIGINT or SIGTERM from now on.
pub fn terminations() -> mpsc::Receiver<()> {
    let (sender, terminations) = mpsc::channel(2);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            let sender = sender.clone();
            // On an error, only keys can end the program.
            if let Ok(mut signals) = signal(kind) {
                tokio::spawn(async move {
                    while signals.recv().await.is_some() && sender.send(()).await.is_ok() {}
                });
            }
        }
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() && sender.send(()).await.is_ok() {}
    });
    terminations
}

/// The meaning of a SIGHUP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hangup {
    /// Reload the settings.
    Reload,
    /// Drain and end: the terminal was closed.
    TerminalGone,
}

/// Returns a channel that receives the meaning of each SIGHUP from now on.
pub fn hangups() -> mpsc::Receiver<Hangup> {
    let (sender, hangups) = mpsc::channel(2);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let had_terminal = has_terminal();
        if let Ok(mut signals) = signal(SignalKind::hangup()) {
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    let meaning = if had_terminal && !has_terminal() {
                        Hangup::TerminalGone
                    } else {
                        Hangup::Reload
                    };
                    if sender.send(meaning).await.is_err() {
                        return;
                    }
                }
            });
        }
    }
    #[cfg(not(unix))]
    drop(sender);
    hangups
}

/// Calls `reload` at each SIGHUP, one call after the other. Returns when the terminal was closed, and
/// never on systems without SIGHUP.
pub async fn reload_on_hangup(mut hangups: mpsc::Receiver<Hangup>, mut reload: impl AsyncFnMut()) {
    while let Some(hangup) = hangups.recv().await {
        match hangup {
            Hangup::Reload => reload().await,
            Hangup::TerminalGone => return,
        }
    }
    std::future::pending::<()>().await;
}

/// Whether standard input, output or error is a terminal. A closed one no longer counts.
#[cfg(unix)]
fn has_terminal() -> bool {
    std::io::stdin().is_terminal()
        || std::io::stdout().is_terminal()
        || std::io::stderr().is_terminal()
}
