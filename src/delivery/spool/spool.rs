//! The spool, without a thread or a clock: what is appended, settled, rescheduled or made a dead
//! letter, until a commit makes it durable.

use std::path::{Path, PathBuf};

use crate::amplitude::time::UnixMs;
use crate::delivery::{Accepted, History, SpoolPosition};

use super::chunk_table;
use super::damage::Damage;
use super::dead_letter::DeadLetter;
use super::metadata::Metadata;
use super::progress::{Progress, SettledItems, Step};
use super::retry_table::RetryRow;
use super::spool_dir::{self, SpoolDir};
use super::status::SpoolStatus;
use super::store::{self, Changes, Store};

/// A spool that no other process has open.
#[derive(Debug)]
pub struct Spool {
    pub(super) store: Store,
    /// Its folder; none for a spool on a connection alone.
    pub(super) dir: Option<SpoolDir>,
    pub(super) metadata: Metadata,
    /// The newest chunk of earlier runs: items up to it have no event in the ring.
    pub(super) last_chunk_before: u64,
    pub(super) progress: Progress,
    pub(super) changes: Changes,
    pub(super) appended_bytes: usize,
    /// Items that could not be settled because the file could not be read.
    pub(super) unsettled: Vec<SpoolPosition>,
    pub(super) status: SpoolStatus,
    pub(super) damage: Damage,
    /// The file's data version when it was last checked for changes by other processes.
    pub(super) data_version: i64,
    /// Whether there may be more dead letters that are marked for a retry.
    pub(super) may_have_marked: bool,
}

impl Spool {
    /// Notes how far the feed has come, with the next commit.
    pub fn note_message(&mut self, feed: &str, message: &str) {
        if self.metadata.feed != feed {
            self.metadata.feed = feed.to_owned();
        }
        self.metadata.message = Some(message.to_owned());
        // The commit fills in the value.
        self.changes.facts = vec![(store::METADATA, String::new())];
    }

    /// Adds items, with the next commit.
    pub fn append(&mut self, items: impl IntoIterator<Item = Accepted>) {
        let before = self.changes.items.len();
        self.changes.items.extend(items);
        let added = self.changes.items[before..].iter();
        self.appended_bytes += added.map(|a| a.item.body.len()).sum::<usize>();
    }

    /// Settles items: with the next commit where this finishes their chunk, or else with the
    /// next one that writes progress.
    pub fn settle(&mut self, positions: impl IntoIterator<Item = SpoolPosition>) {
        for position in positions {
            self.settle_one(position);
        }
    }

    fn settle_one(&mut self, position: SpoolPosition) {
        if !self.progress.knows(position.chunk) {
            match chunk_table::at(self.store.db(), position.chunk) {
                Ok(Some(row)) => {
                    let settled = SettledItems::new(row.items, row.settled);
                    self.progress.insert(position.chunk, row.bytes, settled);
                }
                // The whole chunk is settled and gone.
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!("cannot read the spool: {error}");
                    self.unsettled.push(position);
                    return;
                }
            }
        }
        match self.progress.settle(position) {
            Step::Nothing => return,
            Step::One => {}
            Step::Last { bytes } => {
                self.changes.finished.push(position.chunk);
                self.status.bytes = self.status.bytes.saturating_sub(bytes);
            }
        }
        self.status.items = self.status.items.saturating_sub(1);
    }

    /// Keeps the attempts of items that failed, with the next commit; `next_ms` is when they are
    /// tried again at the earliest.
    pub fn reschedule(
        &mut self,
        items: impl IntoIterator<Item = (SpoolPosition, History)>,
        next_ms: UnixMs,
    ) {
        let retry = |(position, history)| RetryRow {
            position,
            history,
            next_ms,
        };
        self.changes.retries.extend(items.into_iter().map(retry));
    }

    /// Makes an item a dead letter, which also settles it: both in one step.
    pub fn dead_letter(&mut self, position: SpoolPosition, letter: DeadLetter) {
        self.status.dead_letters += 1;
        self.status.dead_letter_bytes += letter.bytes();
        self.changes.dead_letters.push(letter);
        self.settle([position]);
    }

    /// Whether every item is settled.
    pub fn is_empty(&self) -> bool {
        self.status.items == 0
    }

    /// Number of items appended since the last commit.
    pub fn appended(&self) -> usize {
        self.changes.items.len()
    }

    /// Bytes appended since the last commit.
    pub fn appended_bytes(&self) -> usize {
        self.appended_bytes
    }

    /// Its state. Its writer adds the quota and faults.
    pub fn status(&self) -> SpoolStatus {
        SpoolStatus {
            // A file that can't be read fails the next commit, which reports it.
            oldest_ms: chunk_table::oldest(self.store.db()).ok().flatten(),
            ..self.status.clone()
        }
    }

    /// Bytes that it takes of its quota.
    pub fn used_bytes(&self) -> u64 {
        self.status.bytes + self.status.dead_letter_bytes
    }

    /// Takes the damage found since the last call.
    pub fn take_damage(&mut self) -> Damage {
        std::mem::take(&mut self.damage)
    }

    /// The number of the newest chunk.
    pub fn newest(&self) -> u64 {
        self.metadata.chunk
    }

    /// Its folder.
    pub fn folder(&self) -> PathBuf {
        self.dir
            .as_ref()
            .map_or_else(PathBuf::new, |dir| dir.folder.clone())
    }

    pub(super) fn database(&self) -> PathBuf {
        let folder = self.dir.as_ref().map(|dir| dir.folder.as_path());
        spool_dir::database(folder.unwrap_or(Path::new("")))
    }
}
