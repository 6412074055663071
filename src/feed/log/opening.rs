//! Opening a log, and replacing its file where that is damaged.

use std::collections::HashMap;
use std::fs::{self, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use uuid::Uuid;

use crate::amplitude::time;
use crate::owner_only;
use crate::sqlite::replacement::{Replacement, beside};

use super::damage::Damage;
use super::known::{Known, Noted};
use super::salvage::{self, SalvageError};
use super::{FILE, Keep, Log, LogError, Position, rows};

/// What a file holds, every row of which was read.
#[derive(Debug, Default)]
struct Contents {
    messages: u64,
    bytes: u64,
    oldest: Option<Uuid>,
    newest: Option<Uuid>,
    /// Messages of those that must be there.
    covered: u64,
    positions: HashMap<String, Position>,
}

/// A file that can be used, or the reason why it has to be replaced.
enum Opened {
    Sound(Connection, Contents),
    Damaged(String),
}

pub(super) fn open(folder: &Path, keep: Keep) -> Result<Log, LogError> {
    let io = |source| file_error(folder, source);
    owner_only::create_folder(folder).map_err(io)?;
    let lock = owner_only::open_own(&folder.join("lock")).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(LogError::Taken {
                folder: folder.to_owned(),
            });
        }
        Err(TryLockError::Error(source)) => return Err(io(source)),
    }
    let file = folder.join(FILE);
    let replacement = Replacement::of(&file);
    if replacement.is_broken_off() {
        replacement.finish(time::now()).map_err(io)?;
    }
    let mut noted = Noted::open(folder);
    let known = noted.read();
    owner_only::prepare_database(&file).map_err(io)?;
    let (mut damage, mut generation) = (Damage::default(), 0);
    let log_copy = keep_log(&file);
    let mut opened = sound(folder, known)?;
    if let Opened::Damaged(why) = &opened {
        replace(folder, known, &HashMap::new(), (why, &mut damage))?;
        generation = 1;
        opened = sound(folder, None)?;
    }
    if let Some(copy) = log_copy {
        let _ = fs::remove_file(copy);
    }
    let (db, contents) = match opened {
        Opened::Sound(db, contents) => (db, contents),
        Opened::Damaged(why) => {
            return Err(file_error(folder, std::io::Error::other(why)));
        }
    };
    let now_known = known_of(&contents, known.unwrap_or_default());
    noted.write(now_known);
    Ok(Log {
        db,
        folder: folder.to_owned(),
        keep,
        known: now_known,
        noted,
        bytes: contents.bytes,
        oldest: contents.oldest,
        positions: contents.positions,
        damage,
        generation,
        _lock: lock,
    })
}

impl Log {
    /// Replaces the file, which is damaged for this reason, by what is sound in it; no
    /// [`Reader`](super::Reader) may have it open.
    pub fn mend(&mut self, why: &str) -> Result<(), LogError> {
        tracing::error!("the log of messages is damaged: {why}");
        // The file has to be closed before another takes its place.
        self.db = Connection::open_in_memory().map_err(|e| self.failed(e))?;
        let damage = (why, &mut self.damage);
        let replaced = replace(&self.folder, Some(self.known), &self.positions, damage);
        let file = self.folder.join(FILE);
        self.generation += 1;
        self.db = Connection::open(&file).map_err(|e| self.failed(e))?;
        replaced?;
        let Opened::Sound(db, contents) = sound(&self.folder, None)? else {
            return Err(LogError::Unwritten(why.to_owned()));
        };
        self.db = db;
        self.known = known_of(&contents, self.known);
        self.noted.write(self.known);
        (self.bytes, self.oldest) = (contents.bytes, contents.oldest);
        Ok(())
    }
}

impl LogError {
    /// Whether it says that the file is damaged.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Database { source, .. } if rows::is_damage(source))
    }
}

impl super::Reader {
    /// Whether an error says that the file is damaged.
    pub fn is_damage(error: &rusqlite::Error) -> bool {
        rows::is_damage(error)
    }
}

fn known_of(contents: &Contents, before: Known) -> Known {
    Known {
        floor: before.floor,
        // Ids go on behind those that were lost.
        newest: contents.newest.unwrap_or_default().max(before.newest),
        messages: contents.messages,
        positions: contents.positions.len() as u64,
    }
}

/// Salvages what is sound, and says so.
fn replace(
    folder: &Path,
    known: Option<Known>,
    positions: &HashMap<String, Position>,
    (why, damage): (&str, &mut Damage),
) -> Result<(), LogError> {
    let file = folder.join(FILE);
    let salvaged = salvage::into_new_file(&file, known, positions);
    let (salvaged, aside) = salvaged.map_err(|error| match error {
        SalvageError::File(source) => file_error(folder, source),
        SalvageError::Database(source) => LogError::Database {
            folder: folder.to_owned(),
            source,
        },
    })?;
    let (copy, log) = (copy_of_log(&file), beside(&aside, "-wal"));
    if copy.exists() && !log.exists() {
        // Without it the damaged file is still there.
        let _ = fs::rename(copy, log);
    }
    damage.add(salvaged, why, &aside);
    if let Some(told) = &damage.told {
        tracing::error!("{told}");
    }
    Ok(())
}

/// Opens the file and reads all that is in it.
fn sound(folder: &Path, known: Option<Known>) -> Result<Opened, LogError> {
    let file = folder.join(FILE);
    let length = fs::metadata(&file).map_err(|source| file_error(folder, source))?;
    let must_be = known.map_or(0, |known| known.messages);
    if length.len() == 0 && must_be > 0 {
        return Ok(Opened::Damaged("it is empty".to_owned()));
    }
    let opened = || {
        let db = Connection::open(&file)?;
        rows::prepare(&db)?;
        let contents = contents(&db, known)?;
        Ok((db, contents))
    };
    match opened() {
        Ok((_, contents)) if contents.covered < must_be => Ok(Opened::Damaged(
            "messages are missing that were in it".to_owned(),
        )),
        Ok((_, contents))
            if known.is_some_and(|k| (contents.positions.len() as u64) < k.positions) =>
        {
            let why = "positions of readers are missing that were in it";
            Ok(Opened::Damaged(why.to_owned()))
        }
        Ok((db, contents)) => Ok(Opened::Sound(db, contents)),
        Err(error) if rows::is_damage(&error) => Ok(Opened::Damaged(error.to_string())),
        Err(source) => Err(LogError::Database {
            folder: folder.to_owned(),
            source,
        }),
    }
}

/// Reads every row, so that damage shows before anything is served.
fn contents(db: &Connection, known: Option<Known>) -> rusqlite::Result<Contents> {
    let mut contents = Contents::default();
    let all = format!("select {} from messages order by id", rows::MESSAGE);
    let mut all = db.prepare(&all)?;
    let mut all = all.query([])?;
    while let Some(row) = all.next()? {
        let (id, text) = rows::message(row)?;
        contents.messages += 1;
        contents.bytes += text.len() as u64;
        contents.covered += u64::from(known.is_some_and(|known| known.covers(id)));
        contents.oldest.get_or_insert(id);
        contents.newest = Some(id);
    }
    let all = format!("select {} from acknowledged", rows::POSITION);
    let mut all = db.prepare(&all)?;
    contents.positions = all
        .query_map([], rows::position)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(contents)
}

/// Copies SQLite's log, where a process that ended at once left one: opening the file removes
/// what of it is damaged.
fn keep_log(file: &Path) -> Option<PathBuf> {
    let copy = copy_of_log(file);
    let _ = fs::remove_file(&copy);
    let log = beside(file, "-wal");
    let is_there = fs::metadata(&log).is_ok_and(|log| log.len() > 0);
    // Where the disk has no room for it, only the damaged log itself is not kept.
    let is_copied = is_there && fs::copy(log, &copy).is_ok();
    is_copied.then_some(copy)
}

fn copy_of_log(file: &Path) -> PathBuf {
    beside(file, "-wal.before")
}

fn file_error(folder: &Path, source: std::io::Error) -> LogError {
    LogError::File {
        folder: folder.to_owned(),
        source,
    }
}
