//! Opening the file of a log, and replacing it if it is damaged.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use uuid::Uuid;

use crate::amplitude::time;
use crate::owner_only::{self, beside};
use crate::sqlite::replacement::Replacement;

use super::damage::Damage;
use super::error::LogError;
use super::manifest::{Manifest, ManifestFile};
use super::position::Position;
use super::rows;
use super::salvage::{self, SalvageError};

/// The name of the file in the log's folder.
pub(super) const FILE: &str = "messages.sqlite";

/// The contents of a file whose rows were all read.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) messages: u64,
    pub(super) bytes: u64,
    pub(super) oldest: Option<Uuid>,
    pub(super) newest: Option<Uuid>,
    /// Number of messages that the manifest counts.
    covered: u64,
    pub(super) positions: HashMap<String, Position>,
}

/// The result of reading a whole file.
pub(super) enum Checked {
    /// Every row is sound.
    Sound(Connection, Contents),
    /// The file must be replaced, for this reason.
    Damaged(String),
}

/// A log that was opened, and repaired if necessary.
pub(super) struct Opened {
    pub(super) db: Connection,
    pub(super) contents: Contents,
    pub(super) manifest: Manifest,
    pub(super) manifest_file: ManifestFile,
    pub(super) damage: Damage,
    pub(super) generation: u64,
    pub(super) lock: File,
}

/// Opens the log in `folder`, and creates it if it does not exist.
pub(super) fn open(folder: &Path) -> Result<Opened, LogError> {
    let io = |source| LogError::file(folder, source);
    owner_only::create_folder(folder).map_err(io)?;
    let lock = lock(folder)?;
    let file = folder.join(FILE);
    let replacement = Replacement::of(&file);
    if replacement.is_broken_off() {
        replacement.finish(time::now()).map_err(io)?;
    }
    let mut manifest_file = ManifestFile::open(folder);
    let expected = manifest_file.read();
    owner_only::prepare_database(&file).map_err(io)?;
    let (mut damage, mut generation) = (Damage::default(), 0);
    let wal_copy = copy_wal(&file);
    let mut checked = check(folder, expected)?;
    if let Checked::Damaged(why) = &checked {
        damage = replace(folder, expected, &HashMap::new(), why, damage)?;
        generation = 1;
        checked = check(folder, None)?;
    }
    if let Some(copy) = wal_copy {
        let _ = fs::remove_file(copy);
    }
    let (db, contents) = match checked {
        Checked::Sound(db, contents) => (db, contents),
        Checked::Damaged(why) => return Err(io(std::io::Error::other(why))),
    };
    let manifest = manifest_of(&contents, expected.unwrap_or_default());
    manifest_file.write(manifest);
    Ok(Opened {
        db,
        contents,
        manifest,
        manifest_file,
        damage,
        generation,
        lock,
    })
}

/// Locks the folder for this process.
fn lock(folder: &Path) -> Result<File, LogError> {
    let io = |source| LogError::file(folder, source);
    let lock = owner_only::open_own(&folder.join("lock")).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(LogError::Taken {
            folder: folder.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// The manifest of a file with these contents that follows the manifest `before`.
pub(super) fn manifest_of(contents: &Contents, before: Manifest) -> Manifest {
    Manifest {
        floor: before.floor,
        // New ids must be greater than those of lost messages.
        newest: contents.newest.unwrap_or_default().max(before.newest),
        messages: contents.messages,
        positions: contents.positions.len() as u64,
    }
}

/// Replaces a file, which is damaged for the reason `why`, by a new one with every sound row.
/// Returns `damage` with the loss added.
pub(super) fn replace(
    folder: &Path,
    expected: Option<Manifest>,
    positions: &HashMap<String, Position>,
    why: &str,
    mut damage: Damage,
) -> Result<Damage, LogError> {
    let file = folder.join(FILE);
    let salvaged = salvage::into_new_file(&file, expected, positions);
    let (salvaged, damaged_file) = salvaged.map_err(|error| match error {
        SalvageError::File(source) => LogError::file(folder, source),
        SalvageError::Database(source) => LogError::database(folder, source),
    })?;
    let (copy, wal) = (wal_copy_path(&file), beside(&damaged_file, "-wal"));
    if copy.exists() && !wal.exists() {
        // The copy only helps an investigation; the damaged file itself is kept.
        let _ = fs::rename(copy, wal);
    }
    damage.add(salvaged, why, &damaged_file);
    if let Some(description) = &damage.description {
        tracing::error!("{description}");
    }
    Ok(damage)
}

/// Opens the file and reads all its rows.
pub(super) fn check(folder: &Path, expected: Option<Manifest>) -> Result<Checked, LogError> {
    let file = folder.join(FILE);
    let metadata = fs::metadata(&file).map_err(|source| LogError::file(folder, source))?;
    let expected_messages = expected.map_or(0, |manifest| manifest.messages);
    let expected_positions = expected.map_or(0, |manifest| manifest.positions);
    if metadata.len() == 0 && expected_messages > 0 {
        return Ok(Checked::Damaged("it is empty".to_owned()));
    }
    let read = || {
        let db = Connection::open(&file)?;
        rows::prepare(&db)?;
        let contents = contents(&db, expected)?;
        Ok((db, contents))
    };
    let damaged = |why: &str| Ok(Checked::Damaged(why.to_owned()));
    match read() {
        Ok((_, contents)) if contents.covered < expected_messages => {
            damaged("messages are missing that were in it")
        }
        Ok((_, contents)) if (contents.positions.len() as u64) < expected_positions => {
            damaged("positions of clients are missing that were in it")
        }
        Ok((db, contents)) => Ok(Checked::Sound(db, contents)),
        Err(error) if rows::is_damage(&error) => damaged(&error.to_string()),
        Err(source) => Err(LogError::database(folder, source)),
    }
}

/// Reads every row, so that damage is found before anything is served.
fn contents(db: &Connection, expected: Option<Manifest>) -> rusqlite::Result<Contents> {
    let mut contents = Contents::default();
    let all = format!("select {} from messages order by id", rows::MESSAGE);
    let mut all = db.prepare(&all)?;
    let mut all = all.query([])?;
    while let Some(row) = all.next()? {
        let (id, text) = rows::message(row)?;
        contents.messages += 1;
        contents.bytes += text.len() as u64;
        contents.covered += u64::from(expected.is_some_and(|manifest| manifest.covers(id)));
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

/// Copies SQLite's write-ahead log if a killed process left one: opening the file discards the
/// damaged part of it. Returns the path of the copy.
fn copy_wal(file: &Path) -> Option<PathBuf> {
    let copy = wal_copy_path(file);
    let _ = fs::remove_file(&copy);
    let wal = beside(file, "-wal");
    let exists = fs::metadata(&wal).is_ok_and(|wal| wal.len() > 0);
    // On a full disk only the copy for an investigation is missing.
    let is_copied = exists && fs::copy(wal, &copy).is_ok();
    is_copied.then_some(copy)
}

fn wal_copy_path(file: &Path) -> PathBuf {
    beside(file, "-wal.before")
}
