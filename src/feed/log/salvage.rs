//! Salvaging the sound rows of a damaged log.
//!
//! Messages are read from both ends of the table up to the first damage on each side, and between
//! the two places by bisection. Each row is checked against its own checksum. If the first page is
//! unreadable, that of a new file replaces it: the tables of all logs start at the same pages.
//! Messages below a damaged interior page of the tree can't be found, and are lost with it; about
//! one page in 30 is an interior page.

use std::collections::{BinaryHeap, HashMap};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use bytestring::ByteString;
use rusqlite::{Connection, OpenFlags, params};
use uuid::Uuid;

use crate::amplitude::time;
use crate::owner_only::{self, beside};
use crate::sqlite::replacement::{Replacement, remove};

use super::damage::Salvaged;
use super::manifest::Manifest;
use super::position::Position;
use super::rows;

/// Maximum number of probes between two damaged places.
const MAX_PROBES: usize = 4_000;
/// Maximum number of messages per transaction.
const BATCH_MESSAGES: usize = 1_000;
/// Maximum bytes of messages per transaction.
const BATCH_BYTES: usize = 4 << 20;
/// Offset of the fields of the first page that describe a file's own pages: the number of pages,
/// the first free page, and the number of free pages (SQLite file format, 1.3).
const PAGES_OFFSET: u64 = 28;

/// Why a log could not be salvaged.
#[derive(Debug, thiserror::Error)]
pub(super) enum SalvageError {
    #[error(transparent)]
    File(#[from] std::io::Error),
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

/// Replaces `file`, which must not be open, by a new file with its sound rows. `expected` is the
/// manifest of its contents, if known; `positions` are the positions that are in memory. Returns
/// the new path of the damaged file.
pub(super) fn into_new_file(
    file: &Path,
    expected: Option<Manifest>,
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
    let mut target = Target::new(&mut to, expected);
    let mut found = HashMap::new();
    if let Some(from) = readable(file, &new, &restored) {
        salvage_messages(&from, &mut target)?;
        found = salvage_positions(&from);
    }
    target.flush()?;
    let (messages, covered) = (target.messages, target.covered);
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
    let damaged_file = replacement.commit(time::now())?;
    let expected_positions = expected.map_or(positions_found, |manifest| manifest.positions);
    let salvaged = Salvaged {
        messages,
        lost: expected.map(|manifest| manifest.messages.saturating_sub(covered)),
        positions_lost: expected_positions.saturating_sub(found.len() as u64),
    };
    Ok((salvaged, damaged_file))
}

/// Moves everything from the write-ahead log into the file, because only the file is renamed.
fn checkpoint(db: &Connection) -> rusqlite::Result<()> {
    db.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
}

/// Opens the damaged file, or a copy of it with the first page of a new file; none if neither is
/// readable.
fn readable(file: &Path, new: &Path, restored: &Path) -> Option<Connection> {
    // Opening an empty file would delete its write-ahead log.
    if fs::metadata(file).ok()?.len() == 0 {
        return None;
    }
    if let Some(from) = open_damaged(file) {
        return Some(from);
    }
    copy_with_first_page(file, new, restored).ok()?;
    open_damaged(restored)
}

/// Opens a file if SQLite finds both tables in it.
fn open_damaged(file: &Path) -> Option<Connection> {
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).ok()?;
    // Without this, SQLite refuses a file that is shorter than its header says.
    db.pragma_update(None, "writable_schema", true).ok()?;
    let tables = "select count(*) from sqlite_schema where name in ('messages', 'acknowledged')";
    let tables: u64 = db.query_row(tables, [], |row| row.get(0)).ok()?;
    (tables == 2).then_some(db)
}

/// Copies the damaged file to `restored`, with the first page of the file `new`.
fn copy_with_first_page(file: &Path, new: &Path, restored: &Path) -> std::io::Result<()> {
    drop(owner_only::create_new(restored)?);
    let bytes = fs::copy(file, restored)?;
    let wal = beside(file, "-wal");
    if wal.exists() {
        fs::copy(wal, beside(restored, "-wal"))?;
    }
    let mut page = vec![0; rows::PAGE_BYTES];
    File::open(new)?.read_exact(&mut page)?;
    let mut copy = File::options().write(true).open(restored)?;
    copy.write_all(&page)?;
    copy.seek(SeekFrom::Start(PAGES_OFFSET))?;
    let pages = u32::try_from(bytes / rows::PAGE_BYTES as u64).unwrap_or(u32::MAX);
    copy.write_all(&pages.to_be_bytes())?;
    // The copy is only read, so that its free pages don't matter.
    copy.write_all(&[0; 8])
}

/// Reads every readable position.
fn salvage_positions(from: &Connection) -> HashMap<String, Position> {
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

/// The new file, and the messages on their way into it.
struct Target<'t> {
    to: &'t mut Connection,
    expected: Option<Manifest>,
    messages: u64,
    /// Number of salvaged messages that the manifest counts.
    covered: u64,
    batch: Vec<(Uuid, ByteString)>,
    batch_bytes: usize,
}

impl<'t> Target<'t> {
    fn new(to: &'t mut Connection, expected: Option<Manifest>) -> Self {
        Self {
            to,
            expected,
            messages: 0,
            covered: 0,
            batch: Vec::new(),
            batch_bytes: 0,
        }
    }

    fn add(&mut self, id: Uuid, text: ByteString) -> rusqlite::Result<()> {
        // A message that was removed stays removed, even if it is still readable.
        if self.expected.is_some_and(|manifest| id < manifest.floor) {
            return Ok(());
        }
        self.messages += 1;
        self.covered += u64::from(self.expected.is_some_and(|manifest| manifest.covers(id)));
        self.batch_bytes += text.len();
        self.batch.push((id, text));
        if self.batch.len() < BATCH_MESSAGES && self.batch_bytes < BATCH_BYTES {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> rusqlite::Result<()> {
        let transaction = self.to.transaction()?;
        rows::put_messages(&transaction, &self.batch)?;
        self.batch.clear();
        self.batch_bytes = 0;
        transaction.commit()
    }
}

/// A range of ids between two places where reading failed. Ordered by width.
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
enum Direction {
    Ascending,
    Descending,
}

/// Reads every readable message.
fn salvage_messages(from: &Connection, target: &mut Target<'_>) -> rusqlite::Result<()> {
    let Some(low) = read(from, (0, u128::MAX), Direction::Ascending, target)? else {
        return Ok(());
    };
    let high = read(from, (low, u128::MAX), Direction::Descending, target)?;
    let mut gaps = BinaryHeap::new();
    gaps.extend(high.and_then(|high| Gap::new(low, high)));
    for _ in 0..MAX_PROBES {
        let Some(Gap { width, low, high }) = gaps.pop() else {
            break;
        };
        let middle = low + width / 2;
        // The upper half includes the message in the middle.
        if let Some(upto) = read(from, (middle - 1, high), Direction::Ascending, target)? {
            gaps.extend(Gap::new(upto, high));
        }
        if let Some(downto) = read(from, (low, middle), Direction::Descending, target)? {
            gaps.extend(Gap::new(low, downto));
        }
    }
    Ok(())
}

/// Reads the messages between two ids, both excluded. Returns the last id before the first failure;
/// none if everything was read.
fn read(
    from: &Connection,
    (low, high): (u128, u128),
    direction: Direction,
    target: &mut Target<'_>,
) -> rusqlite::Result<Option<u128>> {
    let (order, mut reached) = match direction {
        Direction::Ascending => ("asc", low),
        Direction::Descending => ("desc", high),
    };
    let select = format!(
        "select {} from messages where id > ?1 and id < ?2 order by id {order}",
        rows::MESSAGE
    );
    let Ok(mut select) = from.prepare_cached(&select) else {
        return Ok(Some(reached));
    };
    let Ok(mut rows) = select.query(params![low.to_be_bytes(), high.to_be_bytes()]) else {
        return Ok(Some(reached));
    };
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(None),
            Err(_) => return Ok(Some(reached)),
        };
        let Ok((id, text)) = rows::message(row) else {
            continue;
        };
        let at = id.as_u128();
        let is_in_order = match direction {
            Direction::Ascending => reached < at && at < high,
            Direction::Descending => low < at && at < reached,
        };
        // The page of this row is in the wrong place.
        if !is_in_order {
            return Ok(Some(reached));
        }
        reached = at;
        target.add(id, text)?;
    }
}
