//! The spool: its folder, disk and quota, and the forwarder that has it open.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::report::{Check, Report};
use crate::config::Settings;
use crate::delivery::spool;
use crate::owner_only;
use crate::tui::widget::text::bytes;

const NAMES: [&str; 4] = ["spool.folder", "spool.disk", "spool.space", "forwarder"];
const RIGHTS: &str =
    "check spool.folder, and that this user may write there: sluicegate must run as one user";

/// Bytes that are written to measure the disk.
const PROBE_BYTES: usize = 1_000_000;
/// Time from which writing them is slow: each commit of the spool waits for the disk.
const SLOW: Duration = Duration::from_millis(500);

pub(super) async fn check(settings: Option<&Settings>, limit: Duration, report: &mut Report) {
    let Some(settings) = settings else {
        return skip_from(0, "the configuration has problems", report);
    };
    let folder = match settings.spool_folder() {
        Ok(folder) => folder,
        Err(error) => {
            report.add(Check::failed(
                NAMES[0],
                error.to_string(),
                "set spool.folder",
            ));
            return skip_from(1, "spool.folder failed", report);
        }
    };
    let shown = folder.display().to_string();
    let probed = folder.clone();
    let probe = tokio::task::spawn_blocking(move || probe(&probed));
    let took = match timeout(limit, probe).await {
        Ok(Ok(Ok(took))) => took,
        other => {
            let why = match other {
                Ok(Ok(Err(error))) => error.to_string(),
                Ok(Err(error)) => error.to_string(),
                _ => format!("not written within {limit:?}"),
            };
            report.add(Check::failed(NAMES[0], format!("{shown}: {why}"), RIGHTS));
            return skip_from(1, "spool.folder failed", report);
        }
    };
    report.add(match owner_only::shared(&folder) {
        Some(note) => Check::warning(NAMES[0], note, "let only its owner read it"),
        None => Check::ok(NAMES[0], shown),
    });
    let speed = format!("1 MB written and synced in {} ms", took.as_millis());
    report.add(if took > SLOW {
        Check::warning(
            NAMES[1],
            speed,
            "use a faster disk, or raise spool.commit_age",
        )
    } else {
        Check::ok(NAMES[1], speed)
    });
    report.add(space(settings, &folder));
    report.add(Check::ok(
        NAMES[3],
        match spool::owner(&folder) {
            Some(pid) => format!("process {pid} runs on this spool"),
            None => "none runs on this spool".to_owned(),
        },
    ));
}

fn skip_from(first: usize, why: &str, report: &mut Report) {
    for name in &NAMES[first..] {
        report.add(Check::not_checked(name, why));
    }
}

/// Writes and syncs a file in the folder, or in the one that it will be made in. Returns the time.
fn probe(folder: &Path) -> io::Result<Duration> {
    let mut file = tempfile::NamedTempFile::new_in(existing(folder))?;
    let started = Instant::now();
    file.write_all(&vec![0x5a; PROBE_BYTES])?;
    file.as_file().sync_all()?;
    Ok(started.elapsed())
}

/// Returns the folder, or the nearest above it that exists.
fn existing(folder: &Path) -> PathBuf {
    let mut above = folder
        .ancestors()
        .filter(|path| !path.as_os_str().is_empty());
    let found = above.find(|path| path.exists());
    found.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// Compares the free space with what the spool may still take of its quota.
fn space(settings: &Settings, folder: &Path) -> Check {
    let used: u64 = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()))
        .sum();
    let quota = settings.spool.quota_bytes;
    let of_quota = match quota {
        0 => "no quota".to_owned(),
        quota => format!("{} of the quota of {} used", size(used), size(quota)),
    };
    match free(&existing(folder)) {
        None => Check::ok(NAMES[2], of_quota),
        Some(free) if free < quota.saturating_sub(used) => Check::warning(
            NAMES[2],
            format!("{of_quota}, and {} free on the disk", size(free)),
            "free space on the disk, or lower spool.quota_bytes: the disk is full before the quota",
        ),
        Some(free) => Check::ok(NAMES[2], format!("{of_quota}, {} free", size(free))),
    }
}

fn size(count: u64) -> String {
    bytes(usize::try_from(count).unwrap_or(usize::MAX))
}

/// The bytes of the disk that this user can still write.
#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}
