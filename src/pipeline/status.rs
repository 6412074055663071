//! The status of a running pipeline, in a file in its spool's folder, for `status` in another
//! process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::delivery::DeliveryStatus;
use crate::feed::FeedStatus;
use crate::filter::Mode;
use crate::owner_only;
use crate::protocol::{LatencyRow, Rates, Snapshot, Totals, VerificationStatus};

use super::handle::Handle;

/// Interval at which a changed status is written.
const EVERY: Duration = Duration::from_secs(1);
/// Interval at which an unchanged status is written, so that its age shows whether the process runs.
const AT_LEAST: Duration = Duration::from_secs(10);

/// The status of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The process id.
    pub pid: u32,
    /// When this was written.
    pub at_ms: UnixMs,
    /// When the run started.
    pub started_ms: UnixMs,
    /// The destination of its items.
    pub destination: String,
    /// The URL of the feed.
    pub feed: String,
    /// The state of the feed.
    pub feed_status: FeedStatus,
    /// The mode of the gate.
    pub mode: Option<Mode>,
    /// Counts since the start.
    pub totals: Totals,
    /// Events a second.
    pub rates: Rates,
    /// Time from receipt to answer.
    pub latency_ms: LatencyRow,
    /// The state of delivery.
    #[serde(rename = "standing")]
    pub delivery: DeliveryStatus,
    /// Delivered events that were looked up at Customer.io.
    #[serde(default)]
    pub verification: VerificationStatus,
}

impl Status {
    fn of(snapshot: &Snapshot, handle: &Handle) -> Self {
        let settings = handle.settings();
        Self {
            pid: std::process::id(),
            at_ms: snapshot.at_ms,
            started_ms: snapshot.started_ms,
            destination: settings.destination_name(),
            feed: settings.feed.url.to_string(),
            feed_status: snapshot.feed.clone(),
            mode: snapshot.mode,
            totals: snapshot.totals,
            rates: snapshot.rates,
            latency_ms: snapshot.latency,
            delivery: snapshot.delivery.clone(),
            verification: snapshot.verification.clone(),
        }
    }

    /// Reads the status in a spool's folder; none if there is none, or it can't be read.
    pub fn read(folder: &Path) -> Option<Self> {
        let text = std::fs::read(path(folder)).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("status.json")
}

/// Keeps the file up to date, until the task is aborted.
pub(super) async fn keep(handle: Handle) {
    let snapshots = handle.snapshots();
    let mut tick = tokio::time::interval(EVERY);
    let mut written: Option<Status> = None;
    loop {
        tick.tick().await;
        let now = Status::of(&snapshots.borrow().clone(), &handle);
        let fresh = |old: &Status| now.at_ms - old.at_ms < AT_LEAST.as_millis() as i64;
        let same = |old: &Status| {
            let at_ms = now.at_ms;
            Status {
                at_ms,
                ..old.clone()
            } == now
        };
        if !written.as_ref().is_some_and(|old| fresh(old) && same(old)) {
            write(&handle, now.clone()).await;
            written = Some(now);
        }
    }
}

/// Writes the last status of a run.
pub(super) async fn write_last(handle: &Handle) {
    let snapshot = handle.snapshots().borrow().clone();
    write(handle, Status::of(&snapshot, handle)).await;
}

async fn write(handle: &Handle, status: Status) {
    let folder = handle.spool_folder().to_owned();
    let written = tokio::task::spawn_blocking(move || {
        let text = serde_json::to_vec(&status).map_err(std::io::Error::other)?;
        owner_only::replace(&path(&folder), &text)
    });
    // On a full disk the old status stays; readers see its age.
    if let Ok(Err(error)) = written.await {
        tracing::debug!("cannot write the status file: {error}");
    }
}
