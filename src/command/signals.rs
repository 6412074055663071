//! SIGINT and SIGTERM: the first asks for a drain, the second ends the program at once.

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
