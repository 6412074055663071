//! Signals, for every command and for the screens: one place decides what they ask for.
//!
//! SIGINT and SIGTERM ask for a drain the first time, and for an end at once the second. SIGHUP asks
//! for the settings to be read again, unless the terminal is gone: then it asks for a drain, too.

use std::io::IsTerminal as _;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first SIGINT or SIGTERM. The second one exits with 130, as
/// shells expect of an interrupted program.
pub fn first() -> CancellationToken {
    let first = CancellationToken::new();
    let told = first.clone();
    let mut terminations = terminations();
    tokio::spawn(async move {
        if terminations.recv().await.is_some() {
            told.cancel();
        }
        if terminations.recv().await.is_some() {
            std::process::exit(130);
        }
    });
    first
}

/// Each SIGINT or SIGTERM from now on.
pub fn terminations() -> mpsc::Receiver<()> {
    let (told, terminations) = mpsc::channel(2);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            let told = told.clone();
            // Without signals there are only keys.
            if let Ok(mut signals) = signal(kind) {
                tokio::spawn(async move {
                    while signals.recv().await.is_some() && told.send(()).await.is_ok() {}
                });
            }
        }
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() && told.send(()).await.is_ok() {}
    });
    terminations
}

/// What SIGHUP asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hangup {
    /// Read the settings again.
    Reload,
    /// End: the terminal that the program was started from was closed.
    TerminalGone,
}

/// Each SIGHUP, and what it asks for.
pub fn hangups() -> mpsc::Receiver<Hangup> {
    let (told, hangups) = mpsc::channel(2);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let had_terminal = has_terminal();
        if let Ok(mut signals) = signal(SignalKind::hangup()) {
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    let asks = if had_terminal && !has_terminal() {
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
    #[cfg(not(unix))]
    drop(told);
    hangups
}

/// Whether somebody sits before the program: what it reads, says or logs goes to a terminal. One
/// that was closed is none any more.
#[cfg(unix)]
fn has_terminal() -> bool {
    std::io::stdin().is_terminal()
        || std::io::stdout().is_terminal()
        || std::io::stderr().is_terminal()
}
