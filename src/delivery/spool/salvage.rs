//! Saving what is sound from a file that SQLite finds damaged.
//!
//! Contents are read from both ends until nothing more can be read, each item is checked by its
//! own sum, and what is sound goes into a new file. Where what was settled can't be read any
//! more, items come back that were: their ids make that harmless. The damaged file is kept.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::amplitude::time;
use crate::sqlite::replacement::Replacement;

use super::dead_letter::Which;
use super::progress::Settled;
use super::store::{self, Changes, Store};
use super::{Damage, SpoolError, dead_letter_table, entry};

/// Makes a new file of what is sound in the spool of `folder`, which nobody may have open.
/// `waiting` is how many items were in it, as far as that is known.
pub(super) fn into_new_file(
    folder: &Path,
    waiting: Option<u64>,
    damage: &mut Damage,
) -> Result<(), SpoolError> {
    let old = store::path(folder);
    let replacement = Replacement::of(&old);
    let new = replacement.begin();
    let failed = |source| SpoolError::Database {
        path: new.clone(),
        source,
    };
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
    let aside = replacement.commit().map_err(|source| SpoolError::Folder {
        folder: folder.to_owned(),
        source,
    })?;
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

/// Finishes a salvage that a crash broke off.
pub(super) fn finish(folder: &Path) -> Result<(), SpoolError> {
    let replacement = Replacement::of(&store::path(folder));
    if !replacement.is_broken_off() {
        return Ok(());
    }
    replacement
        .finish()
        .map(drop)
        .map_err(|source| SpoolError::Folder {
            folder: folder.to_owned(),
            source,
        })
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
        let read = dead_letter_table::each(from.db(), &Which::All, |letter| {
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
