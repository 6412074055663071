//! Putting a sound file in the place of a damaged one, in steps that a crash can't spoil.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::amplitude::time;

/// The replacement of one database.
#[derive(Debug)]
pub struct Replacement {
    file: PathBuf,
}

impl Replacement {
    /// The replacement of the database at `file`, which nobody may have open.
    pub fn of(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
        }
    }

    /// Where the new file is to be made; nothing of an earlier attempt is there.
    pub fn begin(&self) -> PathBuf {
        let new = beside(&self.file, ".new");
        remove(&new);
        new
    }

    /// Puts the new file, which is whole, in the place of the damaged one; where that is now.
    pub fn commit(&self) -> io::Result<PathBuf> {
        fs::rename(beside(&self.file, ".new"), self.saved())?;
        self.finish()
    }

    /// Whether a crash came between the two steps of [`Self::commit`]: then [`Self::finish`] it.
    pub fn is_broken_off(&self) -> bool {
        self.saved().exists()
    }

    /// Puts the damaged file aside and the new one in its place; where the damaged one is now.
    pub fn finish(&self) -> io::Result<PathBuf> {
        let aside = self.aside();
        move_aside(&self.file, &aside)?;
        fs::rename(self.saved(), &self.file)?;
        sync(&self.file)?;
        Ok(aside)
    }

    /// The name under which a new file that is whole waits.
    fn saved(&self) -> PathBuf {
        beside(&self.file, ".saved")
    }

    /// The name of the damaged file, with the time: `spool.damaged-1800000000000.db`.
    fn aside(&self) -> PathBuf {
        let part = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let (stem, end) = (part(self.file.file_stem()), part(self.file.extension()));
        self.file
            .with_file_name(format!("{stem}.damaged-{}.{end}", time::now()))
    }
}

/// The path with `end` behind it.
pub fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Removes a database and the files that SQLite keeps beside it.
pub fn remove(path: &Path) {
    for path in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        let _ = fs::remove_file(path);
    }
}

/// The file and its log.
fn move_aside(from: &Path, to: &Path) -> io::Result<()> {
    let log = beside(from, "-wal");
    if log.exists() {
        fs::rename(&log, beside(to, "-wal"))?;
    }
    // The index of the log is made anew by whoever opens it.
    let _ = fs::remove_file(beside(from, "-shm"));
    // It may be aside already.
    if from.exists() {
        fs::rename(from, to)?;
    }
    Ok(())
}

/// Makes the new names durable, where a folder can be opened for that.
fn sync(file: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = file.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}
