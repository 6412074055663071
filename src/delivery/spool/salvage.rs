//! Salvage of a file that SQLite finds damaged.
//!
//! Contents are read from both ends until nothing more can be read, each item is checked by its
//! own checksum, and sound items go into a new file. Where the record of settled items is
//! unreadable, settled items come back: their ids make that harmless. The damaged file is kept.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::amplitude::time::{self, UnixMs};
use crate::sqlite::replacement::Replacement;

use super::chunk_files::ChunkFiles;
use super::chunk_table::ChunkRow;
use super::contents::Contents;
use super::damage::Damage;
use super::dead_letter::DeadLetterSelection;
use super::error::SpoolError;
use super::progress::SettledItems;
use super::spool_dir::database;
use super::store::{self, Changes, Store};
use super::{chunk_table, dead_letter_table, entry, retry_table};

/// Dead letters that are written in one transaction.
const LETTERS_AT_A_TIME: usize = 500;

/// Salvages the spool in `folder` into a new file; no connection to the old one may be open.
/// `waiting` is the number of items in it, as far as that is known.
pub(super) fn into_new_file(
    folder: &Path,
    files: &ChunkFiles,
    waiting: Option<u64>,
    damage: &mut Damage,
) -> Result<(), SpoolError> {
    let old = database(folder);
    let replacement = Replacement::of(&old);
    let new = replacement.begin();
    let failed = |source| SpoolError::Database {
        path: new.clone(),
        source,
    };
    let mut saved = Saved::default();
    {
        let mut to = Store::open(&new)?;
        // A file that can't be opened at all holds nothing that could be saved.
        let from = Connection::open_with_flags(&old, OpenFlags::SQLITE_OPEN_READ_WRITE);
        let from = from.ok().map(Store::unchecked);
        if let Some(from) = &from {
            copy_facts(from, &mut to).map_err(failed)?;
            saved.copy_chunks(from, &mut to).map_err(failed)?;
            saved.copy_dead_letters(from, &mut to).map_err(failed)?;
        }
        saved
            .add_files(files, from.as_ref(), &mut to)
            .map_err(failed)?;
        // Only the database itself is renamed, not its log.
        to.copy_log().map_err(failed)?;
    }
    let aside = replacement
        .commit(time::now())
        .map_err(|source| SpoolError::Folder {
            folder: folder.to_owned(),
            source,
        })?;
    let lost = waiting.map_or(saved.lost, |waiting| waiting.saturating_sub(saved.items));
    let notice = format!(
        "the spool was damaged: {} items and {} dead letters were saved, {lost} items are lost; the damaged file is kept as {}",
        saved.items,
        saved.dead_letters,
        aside.display()
    );
    damage.add(lost, notice);
    Ok(())
}

/// Finishes a salvage that a crash interrupted.
pub(super) fn finish(folder: &Path) -> Result<(), SpoolError> {
    let replacement = Replacement::of(&database(folder));
    if !replacement.is_broken_off() {
        return Ok(());
    }
    replacement
        .finish(time::now())
        .map(drop)
        .map_err(|source| SpoolError::Folder {
            folder: folder.to_owned(),
            source,
        })
}

/// A chunk that is saved.
struct SoundChunk {
    added: Changes,
    settled: SettledItems,
}

/// Counts of a salvage.
#[derive(Debug, Default)]
struct Saved {
    items: u64,
    dead_letters: u64,
    /// Items whose bytes are damaged.
    lost: u64,
}

impl Saved {
    fn copy_chunks(&mut self, from: &Store, to: &mut Store) -> rusqlite::Result<()> {
        let mut low = 0;
        while let Ok(next) = chunk_table::contents_after(from.db(), low) {
            let Some(number) = next else {
                return Ok(());
            };
            low = number;
            self.copy_chunk(number, from, to)?;
        }
        // The next one is unreadable: continue from the other end.
        let mut high = i64::MAX.cast_unsigned();
        while let Ok(Some(number)) = chunk_table::contents_before(from.db(), high)
            && number > low
        {
            high = number;
            self.copy_chunk(number, from, to)?;
        }
        Ok(())
    }

    /// Copies a chunk whose contents are in the damaged database.
    fn copy_chunk(&mut self, number: u64, from: &Store, to: &mut Store) -> rusqlite::Result<()> {
        let Ok(contents) = Contents::find(from.db(), None, number) else {
            return Ok(());
        };
        let row = chunk_table::at(from.db(), number).ok().flatten();
        let created_ms = row.as_ref().map_or_else(time::now, |row| row.created_ms);
        let Some(mut changes) = self.sound(&contents, number, created_ms, row) else {
            return Ok(());
        };
        // Where they are unreadable, the items get all their attempts again.
        changes.added.retries = retry_table::of_chunk(from.db(), number).unwrap_or_default();
        to.write(
            &changes.added,
            std::iter::once((number, changes.settled.bits())),
        )
    }

    /// Adds the chunks that have files, which stay where they are.
    fn add_files(
        &mut self,
        files: &ChunkFiles,
        from: Option<&Store>,
        to: &mut Store,
    ) -> rusqlite::Result<()> {
        for number in files.chunks() {
            let Some((file, header)) = files.find(number) else {
                continue;
            };
            let db = from.map(Store::db);
            let row = db.and_then(|db| chunk_table::at(db, number).ok().flatten());
            let contents = Contents::in_file(file, header);
            let Some(mut changes) = self.sound(&contents, number, header.created_ms, row) else {
                continue;
            };
            let retries = db.and_then(|db| retry_table::of_chunk(db, number).ok());
            changes.added.retries = retries.unwrap_or_default();
            changes.added.has_file = true;
            to.write(
                &changes.added,
                std::iter::once((number, changes.settled.bits())),
            )?;
        }
        Ok(())
    }

    /// The chunk of these contents, of which damaged items count as settled; none if no item is left.
    fn sound(
        &mut self,
        contents: &Contents<'_>,
        number: u64,
        created_ms: UnixMs,
        row: Option<ChunkRow>,
    ) -> Option<SoundChunk> {
        let index = contents.index().unwrap_or_default();
        let entries = entry::decode(&index)?;
        let stored = row.and_then(|row| row.settled);
        let mut settled = SettledItems::new(entries.len() as u32, stored);
        let (mut at, mut items) = (0, Vec::with_capacity(entries.len()));
        for (item, entry) in entries.into_iter().enumerate() {
            let length = entry.bytes as usize;
            let body = contents.bodies(at, length).unwrap_or_default();
            at += length;
            if !entry.matches(&body) && settled.settle(item as u32) {
                self.lost += 1;
            }
            items.push(entry.with(body.into()));
        }
        self.items += u64::from(settled.left());
        let added = Changes {
            chunk: Some((number, created_ms)),
            items,
            ..Changes::default()
        };
        (settled.left() > 0).then_some(SoundChunk { added, settled })
    }

    /// Copies the dead letters that can be read.
    fn copy_dead_letters(&mut self, from: &Store, to: &mut Store) -> rusqlite::Result<()> {
        let mut changes = Changes::default();
        let mut write_failed = false;
        let read = dead_letter_table::each(from.db(), &DeadLetterSelection::All, |letter| {
            changes.dead_letters.push(letter);
            self.dead_letters += 1;
            if changes.dead_letters.len() < LETTERS_AT_A_TIME {
                return Ok(());
            }
            let written = to.write(&std::mem::take(&mut changes), std::iter::empty());
            written.inspect_err(|_| write_failed = true)
        });
        match read {
            Err(error) if write_failed => Err(error),
            _ => to.write(&changes, std::iter::empty()),
        }
    }
}

fn copy_facts(from: &Store, to: &mut Store) -> rusqlite::Result<()> {
    let read = |name| Some((name, from.fact(name).ok()??));
    let changes = Changes {
        facts: store::FACTS.into_iter().filter_map(read).collect(),
        ..Changes::default()
    };
    to.write(&changes, std::iter::empty())
}
