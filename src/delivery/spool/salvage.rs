//! Saving what is sound from a file that SQLite finds damaged.
//!
//! Contents are read from both ends until nothing more can be read, each item is checked by its
//! own sum, and what is sound goes into a new file. Where what was settled can't be read any
//! more, items come back that were: their ids make that harmless. The damaged file is kept.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::amplitude::time;

use super::letter::Which;
use super::progress::Settled;
use super::store::{self, Changes, Store};
use super::{Damage, SpoolError, entry, letter_table};

/// Whether this is the file's damage, and not the disk's fullness or the like.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Makes a new file of what is sound in the spool of `folder`, which nobody may have open.
/// `waiting` is how many items were in it, as far as that is known.
pub(super) fn into_new_file(
    folder: &Path,
    waiting: Option<u64>,
    damage: &mut Damage,
) -> Result<(), SpoolError> {
    let old = store::path(folder);
    let new = folder.join("spool.db.new");
    let failed = |source| SpoolError::Database {
        path: new.clone(),
        source,
    };
    remove(&new);
    let mut count = Saved::default();
    {
        let mut to = Store::open(&new)?;
        // What can't be opened at all holds nothing that could be saved.
        if let Ok(from) = Connection::open_with_flags(&old, OpenFlags::SQLITE_OPEN_READ_WRITE) {
            let from = Store::unchecked(from);
            facts(&from, &mut to).map_err(failed)?;
            count.chunks(&from, &mut to).map_err(failed)?;
            count.letters(&from, &mut to).map_err(failed)?;
        }
        // Only the file itself changes its name.
        to.copy_log().map_err(failed)?;
    }
    fs::rename(&new, saved(folder)).map_err(|source| SpoolError::Folder {
        folder: folder.to_owned(),
        source,
    })?;
    let aside = finish(folder)?;
    let lost = waiting.map_or(count.lost, |waiting| waiting.saturating_sub(count.items));
    let told = format!(
        "the spool was damaged: {} items and {} dead letters were saved, {lost} items are lost; the damaged file is kept as {}",
        count.items,
        count.letters,
        aside.display()
    );
    damage.add(lost, told);
    Ok(())
}

/// Where a new file that is whole waits to take the place of the damaged one.
fn saved(folder: &Path) -> PathBuf {
    folder.join("spool.db.saved")
}

/// Whether a crash broke a salvage off, and the next step is to [`finish`] it.
pub(super) fn is_broken_off(folder: &Path) -> bool {
    saved(folder).exists()
}

/// Puts the damaged file aside and the saved one in its place; where the damaged one is now.
pub(super) fn finish(folder: &Path) -> Result<PathBuf, SpoolError> {
    let old = store::path(folder);
    let aside = folder.join(format!("spool.damaged-{}.db", time::now()));
    move_aside(&old, &aside)
        .and_then(|()| fs::rename(saved(folder), &old))
        .and_then(|()| sync(folder))
        .map_err(|source| SpoolError::Folder {
            folder: folder.to_owned(),
            source,
        })?;
    Ok(aside)
}

#[derive(Debug, Default)]
struct Saved {
    items: u64,
    letters: u64,
    lost: u64,
}

impl Saved {
    fn chunks(&mut self, from: &Store, to: &mut Store) -> rusqlite::Result<()> {
        let mut low = 0;
        while let Ok(next) = from.contents_after(low) {
            let Some(number) = next else {
                return Ok(());
            };
            low = number;
            self.chunk(number, from, to)?;
        }
        // It can't be read on from here: so from the other end.
        let mut high = i64::MAX.cast_unsigned();
        while let Ok(Some(number)) = from.contents_before(high)
            && number > low
        {
            high = number;
            self.chunk(number, from, to)?;
        }
        Ok(())
    }

    fn chunk(&mut self, number: u64, from: &Store, to: &mut Store) -> rusqlite::Result<()> {
        let Ok(contents) = from.contents(number) else {
            return Ok(());
        };
        let index = contents.index().unwrap_or_default();
        let Some(entries) = entry::decode(&index) else {
            return Ok(());
        };
        let row = from.chunk_at(number).ok().flatten();
        let created_ms = row.as_ref().map_or_else(time::now, |row| row.created_ms);
        let stored = row.and_then(|row| row.settled);
        let mut settled = Settled::new(entries.len() as u32, stored);
        let (mut at, mut items) = (0, Vec::with_capacity(entries.len()));
        for (item, entry) in entries.into_iter().enumerate() {
            let length = entry.bytes as usize;
            let body = contents.bodies(at, length).unwrap_or_default();
            at += length;
            if !entry.holds_for(&body) && settled.settle(item as u32) {
                self.lost += 1;
            }
            items.push(entry.with(body.into()));
        }
        if settled.left() == 0 {
            return Ok(());
        }
        self.items += u64::from(settled.left());
        let changes = Changes {
            chunk: Some((number, created_ms)),
            items,
            // Where they can't be read, the attempts start anew: that loses nothing.
            retries: from.retries(number).unwrap_or_default(),
            ..Changes::default()
        };
        to.write(&changes, std::iter::once((number, settled.bits())))
    }

    /// Whatever of them can be read.
    fn letters(&mut self, from: &Store, to: &mut Store) -> rusqlite::Result<()> {
        let mut handful = Changes::default();
        let mut failed = None;
        let read = letter_table::each(from.db(), &Which::All, |letter| {
            handful.letters.push(letter);
            self.letters += 1;
            if handful.letters.len() < 500 {
                return Ok(());
            }
            let written = to.write(&std::mem::take(&mut handful), std::iter::empty());
            written.inspect_err(|_| failed = Some(()))
        });
        match (read, failed) {
            (Err(error), Some(())) => Err(error),
            _ => to.write(&handful, std::iter::empty()),
        }
    }
}

fn facts(from: &Store, to: &mut Store) -> rusqlite::Result<()> {
    let read = |name| Some((name, from.fact(name).ok()??));
    let changes = Changes {
        facts: store::FACTS.into_iter().filter_map(read).collect(),
        ..Changes::default()
    };
    to.write(&changes, std::iter::empty())
}

/// The file and its log.
fn move_aside(from: &Path, to: &Path) -> std::io::Result<()> {
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
fn sync(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

fn remove(path: &Path) {
    for path in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        let _ = fs::remove_file(path);
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
