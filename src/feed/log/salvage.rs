//! Saving what is sound from a log that is damaged.
//!
//! Messages are read from both ends of the table until nothing more can be read; between the two
//! places where that fails, in ever smaller steps. Each is checked by its own sum. Where the first
//! page can't be read, that of a new file takes its place: the tables of all logs begin at the
//! same pages. Messages below a damaged page that leads to others can't be found, and are lost
//! with it; such a page is one of some thirty.

use std::collections::{BinaryHeap, HashMap};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use bytestring::ByteString;
use rusqlite::{Connection, OpenFlags, params};
use uuid::Uuid;

use crate::amplitude::time;
use crate::owner_only;
use crate::sqlite::replacement::{Replacement, beside, remove};

use super::damage::Salvaged;
use super::known::Known;
use super::{Position, rows};

/// Places between two damaged ones that are tried.
const MOST_PROBES: usize = 4_000;
/// Messages that are written at once, and their bytes.
const AT_ONCE: usize = 1_000;
const AT_ONCE_BYTES: usize = 4 << 20;
/// The fields of the first page that tell of a file's own pages: how many there are, and which of
/// them are free.
const PAGES_AT: u64 = 28;

/// Why a log could not be salvaged.
#[derive(Debug, thiserror::Error)]
pub(super) enum SalvageError {
    #[error(transparent)]
    File(#[from] std::io::Error),
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

/// Puts a new file of what is sound in the place of `file`, which nobody may have open. `known` is
/// what must be in it, where that is known; `positions` are those that are known anyway. Returns
/// where the damaged file is now.
pub(super) fn into_new_file(
    file: &Path,
    known: Option<Known>,
    positions: &HashMap<String, Position>,
) -> Result<(Salvaged, PathBuf), SalvageError> {
    let replacement = Replacement::of(file);
    let new = replacement.begin();
    owner_only::prepare_database(&new)?;
    let mut to = Connection::open(&new)?;
    rows::prepare(&to)?;
    checkpoint(&to)?;
    let restored = beside(file, ".restored");
    remove(&restored);
    let mut saved = Saved {
        to: &mut to,
        known,
        messages: 0,
        covered: 0,
        batch: Vec::new(),
        batch_bytes: 0,
    };
    let mut found = HashMap::new();
    if let Some(from) = readable(file, &new, &restored) {
        messages(&from, &mut saved)?;
        found = positions_of(&from);
    }
    saved.write()?;
    let (messages, covered) = (saved.messages, saved.covered);
    let positions_found = found.len() as u64;
    found.extend(positions.iter().map(|(name, at)| (name.clone(), *at)));
    let transaction = to.transaction()?;
    for (name, position) in &found {
        rows::put_position(&transaction, name, Some(*position))?;
    }
    transaction.commit()?;
    checkpoint(&to)?;
    drop(to);
    remove(&restored);
    let aside = replacement.commit(time::now())?;
    let positions_known = known.map_or(positions_found, |known| known.positions);
    let salvaged = Salvaged {
        messages,
        lost: known.map(|known| known.messages.saturating_sub(covered)),
        positions_lost: positions_known.saturating_sub(found.len() as u64),
    };
    Ok((salvaged, aside))
}

/// Only the file itself changes its name, so it has to hold everything.
fn checkpoint(db: &Connection) -> rusqlite::Result<()> {
    db.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
}

/// The damaged file, or a copy of it with the first page of a new one; nothing where neither can
/// be read.
fn readable(file: &Path, new: &Path, restored: &Path) -> Option<Connection> {
    // Opening an empty one would remove its log.
    if fs::metadata(file).ok()?.len() == 0 {
        return None;
    }
    if let Some(from) = opened(file) {
        return Some(from);
    }
    restore(file, new, restored).ok()?;
    opened(restored)
}

/// A connection to a file whose tables are known to SQLite.
fn opened(file: &Path) -> Option<Connection> {
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).ok()?;
    // So that a file with fewer pages than it says is read as far as it goes.
    db.pragma_update(None, "writable_schema", true).ok()?;
    let tables = "select count(*) from sqlite_schema where name in ('messages', 'acknowledged')";
    let tables: u64 = db.query_row(tables, [], |row| row.get(0)).ok()?;
    (tables == 2).then_some(db)
}

fn restore(file: &Path, new: &Path, restored: &Path) -> std::io::Result<()> {
    drop(owner_only::create_new(restored)?);
    let bytes = fs::copy(file, restored)?;
    let log = beside(file, "-wal");
    if log.exists() {
        fs::copy(log, beside(restored, "-wal"))?;
    }
    let mut page = vec![0; rows::PAGE_BYTES];
    File::open(new)?.read_exact(&mut page)?;
    let mut copy = File::options().write(true).open(restored)?;
    copy.write_all(&page)?;
    copy.seek(SeekFrom::Start(PAGES_AT))?;
    let pages = u32::try_from(bytes / rows::PAGE_BYTES as u64).unwrap_or(u32::MAX);
    copy.write_all(&pages.to_be_bytes())?;
    // No page is free, as far as this copy is asked.
    copy.write_all(&[0; 8])
}

/// All positions that can be read.
fn positions_of(from: &Connection) -> HashMap<String, Position> {
    let mut found = HashMap::new();
    for order in ["", "desc"] {
        let all = format!(
            "select {} from acknowledged order by name {order}",
            rows::POSITION
        );
        let Ok(mut all) = from.prepare(&all) else {
            continue;
        };
        let Ok(mut all) = all.query([]) else {
            continue;
        };
        while let Ok(Some(row)) = all.next() {
            found.extend(rows::position(row));
        }
    }
    found
}

/// Messages on their way into the new file.
struct Saved<'t> {
    to: &'t mut Connection,
    known: Option<Known>,
    messages: u64,
    /// Messages of those that are known.
    covered: u64,
    batch: Vec<(Uuid, ByteString)>,
    batch_bytes: usize,
}

impl Saved<'_> {
    fn take(&mut self, id: Uuid, text: ByteString) -> rusqlite::Result<()> {
        // What was removed and can be read again stays removed.
        if self.known.is_some_and(|known| id < known.floor) {
            return Ok(());
        }
        self.messages += 1;
        self.covered += u64::from(self.known.is_some_and(|known| known.covers(id)));
        self.batch_bytes += text.len();
        self.batch.push((id, text));
        if self.batch.len() < AT_ONCE && self.batch_bytes < AT_ONCE_BYTES {
            return Ok(());
        }
        self.write()
    }

    fn write(&mut self) -> rusqlite::Result<()> {
        let transaction = self.to.transaction()?;
        rows::put_messages(&transaction, &self.batch)?;
        self.batch.clear();
        self.batch_bytes = 0;
        transaction.commit()
    }
}

/// Ids between two places where reading failed, the widest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Gap {
    width: u128,
    low: u128,
    high: u128,
}

impl Gap {
    fn new(low: u128, high: u128) -> Option<Self> {
        let width = high.saturating_sub(low);
        (width > 1).then_some(Self { width, low, high })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// All messages that can be read.
fn messages(from: &Connection, saved: &mut Saved<'_>) -> rusqlite::Result<()> {
    let Some(low) = read(from, (0, u128::MAX), Way::Up, saved)? else {
        return Ok(());
    };
    let high = read(from, (low, u128::MAX), Way::Down, saved)?;
    let mut gaps = BinaryHeap::new();
    gaps.extend(high.and_then(|high| Gap::new(low, high)));
    for _ in 0..MOST_PROBES {
        let Some(Gap { width, low, high }) = gaps.pop() else {
            break;
        };
        let middle = low + width / 2;
        // The message in the middle itself belongs to the upper half.
        if let Some(upto) = read(from, (middle - 1, high), Way::Up, saved)? {
            gaps.extend(Gap::new(upto, high));
        }
        if let Some(downto) = read(from, (low, middle), Way::Down, saved)? {
            gaps.extend(Gap::new(low, downto));
        }
    }
    Ok(())
}

/// Reads the messages between two ids, without these, until it fails; how far it came then.
/// Nothing where it came to the end.
fn read(
    from: &Connection,
    (low, high): (u128, u128),
    way: Way,
    saved: &mut Saved<'_>,
) -> rusqlite::Result<Option<u128>> {
    let (order, mut reached) = match way {
        Way::Up => ("asc", low),
        Way::Down => ("desc", high),
    };
    let some = format!(
        "select {} from messages where id > ?1 and id < ?2 order by id {order}",
        rows::MESSAGE
    );
    let Ok(mut some) = from.prepare_cached(&some) else {
        return Ok(Some(reached));
    };
    let Ok(mut some) = some.query(params![low.to_be_bytes(), high.to_be_bytes()]) else {
        return Ok(Some(reached));
    };
    loop {
        let row = match some.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(None),
            Err(_) => return Ok(Some(reached)),
        };
        let Ok((id, text)) = rows::message(row) else {
            continue;
        };
        let at = id.as_u128();
        let goes_on = match way {
            Way::Up => reached < at && at < high,
            Way::Down => low < at && at < reached,
        };
        // A page that is in the wrong place.
        if !goes_on {
            return Ok(Some(reached));
        }
        reached = at;
        saved.take(id, text)?;
    }
}
