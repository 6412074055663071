//! What a service manager is told: systemd, or another that speaks its `sd_notify` protocol.
//!
//! Without a service manager, which is named by `$NOTIFY_SOCKET`, nothing is sent. A message that can't
//! be sent is logged once: the service itself goes on.

#[cfg(unix)]
use std::sync::Once;
use std::time::{Duration, Instant};

#[cfg(unix)]
use sd_notify::NotifyState;

/// What is told of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceState {
    /// The start is done.
    Ready,
    /// Settings are being reloaded; [`ServiceState::Ready`] follows.
    Reloading,
    /// The end has begun.
    Stopping,
}

/// Tells the state.
pub fn tell(state: ServiceState) {
    #[cfg(unix)]
    match state {
        ServiceState::Ready => send(&[NotifyState::Ready]),
        ServiceState::Stopping => send(&[NotifyState::Stopping]),
        // systemd compares this time with that of its SIGHUP.
        ServiceState::Reloading => match NotifyState::monotonic_usec_now() {
            Ok(now) => send(&[NotifyState::Reloading, now]),
            Err(_) => send(&[NotifyState::Reloading]),
        },
    }
    #[cfg(not(unix))]
    let _ = state;
}

/// Tells in one line what the service does, for `systemctl status`.
pub fn describe(line: &str) {
    // A line end would begin another message.
    #[cfg(unix)]
    send(&[NotifyState::Status(&line.replace(['\n', '\r'], " "))]);
    #[cfg(not(unix))]
    let _ = line;
}

/// Tells the service manager that the process works, if it was asked to (`WatchdogSec=`). A process that
/// stops telling is restarted.
#[derive(Debug)]
pub struct Watchdog {
    /// Time without a sign of life after which the process counts as hung. None: nobody asks.
    patience: Option<Duration>,
    last: Option<Instant>,
}

impl Watchdog {
    /// What the environment asks for.
    pub fn from_environment() -> Self {
        #[cfg(unix)]
        let patience = sd_notify::watchdog_enabled();
        #[cfg(not(unix))]
        let patience = None;
        Self {
            patience,
            last: None,
        }
    }

    /// Gives a sign of life, if half of the time for it is over. Call it once a second or more often,
    /// where the work is done that is to be watched.
    pub fn works(&mut self, now: Instant) {
        let Some(patience) = self.patience else {
            return;
        };
        let is_due = |last: Instant| now.duration_since(last) >= patience / 2;
        if self.last.is_none_or(is_due) {
            self.last = Some(now);
            #[cfg(unix)]
            send(&[NotifyState::Watchdog]);
        }
    }
}

#[cfg(unix)]
fn send(states: &[NotifyState<'_>]) {
    static TOLD: Once = Once::new();
    if let Err(error) = sd_notify::notify(states) {
        TOLD.call_once(|| tracing::warn!("cannot tell the service manager: {error}"));
    }
}
