//! The log, as its only writer sees it.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use bytestring::ByteString;
use rusqlite::{Connection, Transaction};
use uuid::Uuid;

use crate::amplitude::time::UnixMs;
use crate::feed::usage::{Usage, age_ms};

use super::damage::Damage;
use super::error::LogError;
use super::manifest::{Manifest, ManifestFile};
use super::opening::{self, Checked, FILE, Opened};
use super::position::Position;
use super::reader::LogReader;
use super::retention::Retention;
use super::rows;

/// Maximum number of messages that one transaction removes, so that no writer waits long for it.
const PRUNE_MESSAGES: u64 = 2_000;

/// A log of messages on disk, with its only writer. All methods block.
#[derive(Debug)]
pub struct Log {
    db: Connection,
    folder: PathBuf,
    retention: Retention,
    manifest: Manifest,
    manifest_file: ManifestFile,
    /// Size of its messages.
    bytes: u64,
    oldest: Option<Uuid>,
    /// Client positions by client name.
    positions: HashMap<String, Position>,
    damage: Damage,
    /// Number of times that a damaged file was replaced.
    generation: u64,
    /// Locked until the log is dropped.
    _lock: File,
}

/// The result of one transaction of [`Log::prune`].
struct Pruned {
    bytes: u64,
    messages: u64,
    /// The oldest message left, if the transaction reached it.
    oldest: Option<Uuid>,
}

impl Log {
    /// Opens the log in `folder`, and creates it if it does not exist. A damaged file is salvaged;
    /// [`Log::damage`] reports the loss.
    pub fn open(folder: &Path, retention: Retention) -> Result<Self, LogError> {
        let opened = opening::open(folder)?;
        let Opened { db, contents, .. } = opened;
        Ok(Self {
            db,
            folder: folder.to_owned(),
            retention,
            manifest: opened.manifest,
            manifest_file: opened.manifest_file,
            bytes: contents.bytes,
            oldest: contents.oldest,
            positions: contents.positions,
            damage: opened.damage,
            generation: opened.generation,
            _lock: opened.lock,
        })
    }

    /// Opens a read-only connection to the same file.
    pub fn reader(&self) -> Result<LogReader, LogError> {
        let opened = LogReader::open(&self.folder.join(FILE), self.generation);
        opened.map_err(|error| self.failed(error))
    }

    /// The id of the newest message.
    pub fn newest(&self) -> Option<Uuid> {
        Some(self.manifest.newest).filter(|id| !id.is_nil())
    }

    /// Client positions by client name.
    pub fn positions(&self) -> &HashMap<String, Position> {
        &self.positions
    }

    /// The losses since it was opened.
    pub fn damage(&self) -> &Damage {
        &self.damage
    }

    /// Number of times that a damaged file was replaced.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Writes messages and positions, all or none; they are durable on return. `None` deletes a
    /// client's position.
    pub fn write(
        &mut self,
        messages: &[(Uuid, ByteString)],
        positions: &HashMap<String, Option<Position>>,
    ) -> Result<(), LogError> {
        self.expect_fewer_positions(positions);
        let mut write = || {
            let transaction = self.db.transaction()?;
            rows::put_messages(&transaction, messages)?;
            for (name, position) in positions {
                rows::put_position(&transaction, name, *position)?;
            }
            transaction.commit()
        };
        let written = write();
        written.map_err(|error| self.failed(error))?;
        for (name, position) in positions {
            match position {
                Some(at) => _ = self.positions.insert(name.clone(), *at),
                None => _ = self.positions.remove(name),
            }
        }
        let sizes = messages.iter().map(|(_, text)| text.len() as u64);
        self.bytes += sizes.sum::<u64>();
        self.oldest = self.oldest.or(messages.first().map(|(id, _)| *id));
        self.manifest.messages += messages.len() as u64;
        self.manifest.positions = self.positions.len() as u64;
        if let Some((newest, _)) = messages.last() {
            self.manifest.newest = *newest;
        }
        self.manifest_file.write(self.manifest);
        Ok(())
    }

    /// Lowers the count of positions in the manifest before they are deleted, so that a crash in
    /// between expects too few, not too many.
    fn expect_fewer_positions(&mut self, positions: &HashMap<String, Option<Position>>) {
        let deleted = |(name, at): &(&String, &Option<Position>)| {
            at.is_none() && self.positions.contains_key(*name)
        };
        let deleted = positions.iter().filter(deleted).count() as u64;
        if deleted > 0 {
            self.manifest.positions = self.manifest.positions.saturating_sub(deleted);
            self.manifest_file.write(self.manifest);
        }
    }

    /// Removes some of the messages beyond the retention. Returns whether more may be left to
    /// remove.
    pub fn prune(&mut self, now_ms: UnixMs) -> Result<bool, LogError> {
        let before = self.manifest;
        let pruned = self.prune_some(first_kept_id(now_ms, self.retention));
        if pruned.is_err() {
            self.manifest = before;
        }
        let pruned = pruned.map_err(|error| self.failed(error))?;
        self.bytes = self.bytes.saturating_sub(pruned.bytes);
        let may_be_more = pruned.messages == PRUNE_MESSAGES;
        if !may_be_more {
            self.oldest = pruned.oldest;
        }
        Ok(may_be_more)
    }

    fn prune_some(&mut self, first_kept: [u8; 16]) -> rusqlite::Result<Pruned> {
        let excess_bytes = self.bytes.saturating_sub(self.retention.bytes);
        let transaction = self.db.transaction()?;
        let (pruned, last) = removable(&transaction, first_kept, excess_bytes)?;
        if let Some(last) = last {
            transaction.execute("delete from messages where id <= ?1", [last])?;
            self.manifest.floor = Uuid::from_u128(u128::from_be_bytes(last).saturating_add(1));
            self.manifest.messages = self.manifest.messages.saturating_sub(pruned.messages);
            // Written before the commit: a crash in between expects too few, not too many.
            self.manifest_file.write(self.manifest);
        }
        transaction.commit()?;
        Ok(pruned)
    }

    /// Replaces the file, which is damaged for the reason `why`, by a new one with its sound rows.
    /// No [`LogReader`] may have it open.
    pub fn repair(&mut self, why: &str) -> Result<(), LogError> {
        tracing::error!("the log of messages is damaged: {why}");
        // The file must be closed before another replaces it.
        self.db = Connection::open_in_memory().map_err(|e| self.failed(e))?;
        let (expected, before) = (Some(self.manifest), self.damage.clone());
        let replaced = opening::replace(&self.folder, expected, &self.positions, why, before);
        let file = self.folder.join(FILE);
        self.generation += 1;
        self.db = Connection::open(&file).map_err(|e| self.failed(e))?;
        self.damage = replaced?;
        let Checked::Sound(db, contents) = opening::check(&self.folder, None)? else {
            return Err(LogError::Unwritten(why.to_owned()));
        };
        self.db = db;
        self.manifest = opening::manifest_of(&contents, self.manifest);
        self.manifest_file.write(self.manifest);
        (self.bytes, self.oldest) = (contents.bytes, contents.oldest);
        Ok(())
    }

    /// The limits of the log.
    pub fn retention(&self) -> Retention {
        self.retention
    }

    /// The size and age of its messages.
    pub fn usage(&self, now_ms: UnixMs) -> Usage {
        Usage {
            messages: self.manifest.messages,
            bytes: self.bytes,
            max_bytes: self.retention.bytes,
            age_ms: self.oldest.map_or(0, |id| age_ms(id, now_ms)),
        }
    }

    /// Limits the file to this number of pages, to simulate a full disk.
    #[cfg(test)]
    pub(crate) fn limit_pages(&self, pages: u32) {
        self.db
            .pragma_update(None, "max_page_count", pages)
            .unwrap();
    }

    fn failed(&self, source: rusqlite::Error) -> LogError {
        LogError::database(&self.folder, source)
    }
}

/// The least id of the messages that are not too old.
fn first_kept_id(now_ms: UnixMs, retention: Retention) -> [u8; 16] {
    let oldest_ms = now_ms.saturating_sub_unsigned(retention.age.as_millis() as u64);
    let mut id = [0; 16];
    // The first 48 bits of an id are its time (RFC 9562, 5.7).
    id[..6].copy_from_slice(&oldest_ms.max(0).to_be_bytes()[2..]);
    id
}

/// Finds the oldest messages to remove: those below `first_kept`, and others until `excess_bytes`
/// are freed. Returns them with the id of the last one.
fn removable(
    transaction: &Transaction<'_>,
    first_kept: [u8; 16],
    excess_bytes: u64,
) -> rusqlite::Result<(Pruned, Option<[u8; 16]>)> {
    let select = "select id, length(cast(text as blob)) from messages order by id limit ?1";
    let mut select = transaction.prepare_cached(select)?;
    let mut rows = select.query([PRUNE_MESSAGES])?;
    let mut last = None;
    let mut pruned = Pruned {
        bytes: 0,
        messages: 0,
        oldest: None,
    };
    while let Some(row) = rows.next()? {
        let id: [u8; 16] = row.get(0)?;
        if id >= first_kept && pruned.bytes >= excess_bytes {
            pruned.oldest = Some(Uuid::from_bytes(id));
            break;
        }
        pruned.bytes += row.get::<_, u64>(1)?;
        pruned.messages += 1;
        last = Some(id);
    }
    Ok((pruned, last))
}
