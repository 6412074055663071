//! The sources of actions outside the shell: keys, snapshots, signals.

use std::pin::Pin;
use std::sync::Arc;

use crossterm::event::EventStream;
use tokio::sync::{mpsc, watch};

use crate::protocol::Snapshot;
use crate::signals::{self, Hangup};
use crate::tui::forwarder::Forwarder;

/// The sources of actions outside the shell.
pub(crate) struct Inputs {
    pub(crate) keys: EventStream,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) terminations: mpsc::Receiver<()>,
    pub(crate) hangups: mpsc::Receiver<Hangup>,
    /// Completes when the pipeline fails.
    pub(crate) failed: Pin<Box<dyn Future<Output = ()> + Send>>,
    pub(crate) has_failed: bool,
}

impl Inputs {
    /// The sources for a screen on a forwarder.
    pub(crate) fn new(forwarder: &Forwarder) -> Self {
        Self {
            keys: EventStream::new(),
            snapshots: forwarder.snapshots(),
            terminations: signals::terminations(),
            hangups: signals::hangups(),
            failed: Box::pin(forwarder.clone().failed()),
            has_failed: false,
        }
    }
}
