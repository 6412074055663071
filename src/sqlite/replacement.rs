//! Replacing a damaged file with a sound one, in steps that survive a crash.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::owner_only::{self, beside};

/// The replacement of a database.
#[derive(Debug)]
pub struct Replacement {
    file: PathBuf,
}

impl Replacement {
    /// Replaces the database at `file`, to which no connection may be open.
    pub fn of(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
        }
    }

    /// The path for the new file, from which an earlier attempt is removed.
    pub fn begin(&self) -> PathBuf {
        let new = beside(&self.file, ".new");
        remove(&new);
        new
    }

    /// Replaces the damaged file with the new one, which is complete. Returns the damaged file's new
    /// path, whose name contains `now_ms`.
    pub fn commit(&self, now_ms: i64) -> io::Result<PathBuf> {
        fs::rename(beside(&self.file, ".new"), self.saved())?;
        self.finish(now_ms)
    }

    /// Whether a crash interrupted [`Self::commit`], so that [`Self::finish`] is needed.
    pub fn is_broken_off(&self) -> bool {
        self.saved().exists()
    }

    /// Finishes an interrupted [`Self::commit`]. Returns the damaged file's new path, whose name
    /// contains `now_ms`.
    pub fn finish(&self, now_ms: i64) -> io::Result<PathBuf> {
        let aside = self.aside(now_ms);
        move_aside(&self.file, &aside)?;
        fs::rename(self.saved(), &self.file)?;
        owner_only::sync_folder_of(&self.file)?;
        Ok(aside)
    }

    /// The name of a complete new file until it replaces the damaged one.
    fn saved(&self) -> PathBuf {
        beside(&self.file, ".saved")
    }

    /// The new name of the damaged file: `spool.damaged-1800000000000.db`.
    fn aside(&self, now_ms: i64) -> PathBuf {
        let part = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let (stem, end) = (part(self.file.file_stem()), part(self.file.extension()));
        self.file
            .with_file_name(format!("{stem}.damaged-{now_ms}.{end}"))
    }
}

/// Removes a database, its log and the log's index.
pub fn remove(path: &Path) {
    for path in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        let _ = fs::remove_file(path);
    }
}

/// Renames the file and its log.
fn move_aside(from: &Path, to: &Path) -> io::Result<()> {
    let log = beside(from, "-wal");
    if log.exists() {
        fs::rename(&log, beside(to, "-wal"))?;
    }
    // SQLite rebuilds the log's index when it opens the file.
    let _ = fs::remove_file(beside(from, "-shm"));
    // An interrupted attempt may have renamed it already.
    if from.exists() {
        fs::rename(from, to)?;
    }
    Ok(())
}
