//! The background work of the audit.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::mpsc;
use ulid::Ulid;

use crate::amplitude::archive::MAX_EVENT_BYTES;
use crate::audit::{Against, Collector, EventFiles, compare};
use crate::config::Settings;
use crate::customerio::dedupe;
use crate::ledger::Reader;
use crate::telemetry::ring::SharedRing;
use crate::tui::action::Action;
use crate::tui::audit::state::Finding;
use crate::tui::forwarder::Forwarder;

/// The folder that `audit` and `backfill` download to, in the working folder.
const FOLDER: &str = "amplitude-export";
/// Maximum files of an audit on the screen: the hours of a week.
const MAX_FILES: usize = 168;

/// Makes an audit in the background, unless `current` is another run by then.
pub(crate) fn start(
    forwarder: &Forwarder,
    folder: &Path,
    (run, current): (u64, Arc<AtomicU64>),
    answers: mpsc::UnboundedSender<Action>,
) {
    let settings = match forwarder {
        Forwarder::Here(handle) if handle.group().is_some() => {
            let why = "each member of a group has a ledger of its own: run `sluicegate audit \
                       --ledger` with those of all members";
            // The screen may be closed by now.
            let _ = answers.send(Action::Audited(run, Err(why.to_owned())));
            return;
        }
        Forwarder::Here(handle) => handle.settings(),
        Forwarder::Remote(_) => {
            let why = "the ledger and the export are on the forwarder's machine: run `sluicegate \
                       audit` there";
            // The screen may be closed by now.
            let _ = answers.send(Action::Audited(run, Err(why.to_owned())));
            return;
        }
    };
    let folder = folder.join(FOLDER);
    tokio::task::spawn_blocking(move || {
        let progress = |done: usize, of: usize| {
            let is_wanted = current.load(Relaxed) == run;
            let is_open = answers.send(Action::AuditReads(run, done, of)).is_ok();
            if is_wanted && is_open {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        let found = audit(&settings, &folder, &progress);
        let _ = answers.send(Action::Audited(run, found.map(Box::new)));
    });
}

fn audit(
    settings: &Settings,
    folder: &Path,
    progress: &(dyn Fn(usize, usize) -> ControlFlow<()> + Sync),
) -> Result<Finding, String> {
    let (paths, left_out) = files(folder)?;
    let spool = settings.spool_folder().map_err(|error| error.to_string())?;
    let failed = |error: crate::audit::AuditError| error.to_string();
    let ledger = Reader::open(&settings.ledger_folder(&spool)).map_err(|e| e.to_string())?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let collectors = Collector::for_threads(threads, ledger.key(), settings).map_err(failed)?;
    let files = EventFiles {
        paths: paths.into(),
        max_event_bytes: MAX_EVENT_BYTES,
    };
    let all = files.paths.len();
    let progress = |done| progress(done, all);
    let (mut collected, _) = files.collect(collectors, &progress).map_err(failed)?;
    let against = Against {
        ledgers: &[ledger],
        hours: None,
        deliver: &[],
        has_details: true,
    };
    let audited = compare(&mut collected, &against).map_err(failed)?;
    Ok(Finding {
        total: audited.report.total,
        hours: audited.details.into_iter().collect(),
        left_out,
    })
}

/// The newest files of hours in the folder, oldest first, and the number of older ones.
fn files(folder: &Path) -> Result<(Vec<PathBuf>, usize), String> {
    let entries = std::fs::read_dir(folder).map(|all| all.flatten().map(|entry| entry.path()));
    let is_export = |path: &PathBuf| path.extension().is_some_and(|end| end == "zip");
    let mut paths: Vec<PathBuf> = entries.into_iter().flatten().filter(is_export).collect();
    if paths.is_empty() {
        return Err(format!(
            "no hours of an export are in {}: download them with `sluicegate audit --start DAY --end DAY`, \
             started in the same folder",
            folder.display()
        ));
    }
    // Amplitude's hours are in the names.
    paths.sort();
    let left_out = paths.len().saturating_sub(MAX_FILES);
    Ok((paths.split_off(left_out), left_out))
}

/// Finds an event in the ring by its dedupe id.
pub(crate) fn find(ring: SharedRing, id: Ulid, answers: mpsc::UnboundedSender<Action>) {
    tokio::task::spawn_blocking(move || {
        let (mut next, mut found) = (0, None);
        let has_id = |record: &crate::protocol::Record| {
            let event = record.event()?;
            (dedupe::id(event) == id).then_some(record.sequence)
        };
        while let Some(batch) = ring.copy_batch(&mut next, has_id) {
            found = batch.last().copied().or(found);
        }
        // The screen may be closed by now.
        let _ = answers.send(Action::AuditedEvent(id, found));
    });
}
