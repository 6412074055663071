//! Saving what is sound from a file that SQLite finds damaged.
//!
//! Chunks are read from both ends until nothing more can be read, each item is checked by its
//! own sum, and what is sound goes into a new file. The damaged one is kept beside it.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::amplitude::time;

use super::dead_letters::{self, Which};
use super::progress::Settled;
use super::store::{self, Changes, ChunkRow, Store};
use super::{Damage, SpoolError, entry};

/// Whether this is the file's damage, and not the disk's fullness or the like.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Makes a new file of what is sound in the spool of `folder`, which nobody may have open.
pub(super) fn into_new_file(folder: &Path, damage: &mut Damage) -> Result<(), SpoolError> {
    let old = store::path(folder);
    let new = folder.join("spool.db.new");
    let failed = |source| SpoolError::Database {
        path: new.clone(),
        source,
    };
    remove(&new);
    let mut saved = Saved::default();
    {
        let mut to = Store::open(&new)?;
        // What can't be opened at all holds nothing that could be saved.
        if let Ok(from) = Connection::open_with_flags(&old, OpenFlags::SQLITE_OPEN_READ_WRITE) {
            saved
                .chunks(&Store::unchecked(from), &mut to)
                .map_err(failed)?;
        }
    }
    let aside = folder.join(format!("spool.damaged-{}.db", time::now()));
    let moved = move_aside(&old, &aside).and_then(|()| fs::rename(&new, &old));
    moved.map_err(|source| SpoolError::Folder {
        folder: folder.to_owned(),
        source,
    })?;
    let mut told = format!(
        "the spool was damaged: {} items and {} dead letters were saved, {} items are lost",
        saved.items, saved.letters, saved.lost
    );
    if !saved.whole {
        told.push_str(", and there may have been more that can't be read");
    }
    told.push_str(&format!(
        "; the damaged file is kept as {}",
        aside.display()
    ));
    damage.add(saved.lost, told);
    Ok(())
}

#[derive(Debug, Default)]
struct Saved {
    items: u64,
    letters: u64,
    lost: u64,
    /// Whether everything was read to its end.
    whole: bool,
}

impl Saved {
    fn chunks(&mut self, from: &Store, to: &mut Store) -> rusqlite::Result<()> {
        self.facts(from, to)?;
        let (mut low, mut whole) = (0, false);
        loop {
            match from.chunk_after(low) {
                Ok(Some(row)) => {
                    low = row.number;
                    self.chunk(row, from, to)?;
                }
                Ok(None) => {
                    whole = true;
                    break;
                }
                Err(_) => break,
            }
        }
        let mut high = i64::MAX.cast_unsigned();
        while !whole {
            match from.chunk_before(high) {
                Ok(Some(row)) if row.number > low => {
                    high = row.number;
                    self.chunk(row, from, to)?;
                }
                _ => break,
            }
        }
        self.whole = whole & self.letters(from, to)?;
        Ok(())
    }

    fn chunk(&mut self, row: ChunkRow, from: &Store, to: &mut Store) -> rusqlite::Result<()> {
        let mut settled = Settled::new(row.items, row.settled);
        let before = u64::from(settled.left());
        let Some(entries) = entry::decode(&row.entries) else {
            self.lost += before;
            return Ok(());
        };
        let (mut at, mut items) = (0, Vec::with_capacity(entries.len()));
        for (index, entry) in entries.into_iter().enumerate() {
            let length = entry.bytes as usize;
            let body = from.bytes(row.number, at, length).unwrap_or_default();
            at += length;
            if !entry.holds_for(&body) && settled.settle(index as u32) {
                self.lost += 1;
            }
            items.push(entry.with(body.into()));
        }
        if settled.left() == 0 {
            return Ok(());
        }
        self.items += u64::from(settled.left());
        let changes = Changes {
            chunk: Some((row.number, row.created_ms)),
            items,
            // Where they can't be read, the attempts start anew: that loses nothing.
            retries: from.retries(row.number).unwrap_or_default(),
            ..Changes::default()
        };
        to.write(&changes, std::iter::once((row.number, settled.bits())))
    }

    /// Whether they could be read to their end.
    fn letters(&mut self, from: &Store, to: &mut Store) -> rusqlite::Result<bool> {
        let mut handful = Changes::default();
        let mut failed = None;
        let read = dead_letters::each(from.db(), &Which::All, |letter| {
            handful.letters.push(letter);
            self.letters += 1;
            if handful.letters.len() < 500 {
                return Ok(());
            }
            let written = to.write(&std::mem::take(&mut handful), std::iter::empty());
            written.inspect_err(|_| failed = Some(()))
        });
        match (read, failed) {
            (Err(error), Some(())) => return Err(error),
            (read, _) => {
                to.write(&handful, std::iter::empty())?;
                Ok(read.is_ok())
            }
        }
    }

    fn facts(&mut self, from: &Store, to: &mut Store) -> rusqlite::Result<()> {
        let read = |name| Some((name, from.fact(name).ok()??));
        let changes = Changes {
            facts: store::FACTS.into_iter().filter_map(read).collect(),
            ..Changes::default()
        };
        to.write(&changes, std::iter::empty())
    }
}

/// The file and its log.
fn move_aside(from: &Path, to: &Path) -> std::io::Result<()> {
    let log = beside(from, "-wal");
    if log.exists() {
        fs::rename(&log, beside(to, "-wal"))?;
    }
    // The index of the log is made anew by whoever opens it.
    let _ = fs::remove_file(beside(from, "-shm"));
    fs::rename(from, to)
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
