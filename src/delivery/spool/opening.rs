//! Opening a spool: its lock, its tables, and the damage since the last run.

use std::path::Path;

use rusqlite::Connection;
use rustc_hash::FxHashSet;

use crate::network::address::masked;
use crate::sqlite;

use super::chunk_files::ChunkFiles;
use super::commit_marker::{CommitMarker, MarkerFile};
use super::damage::Damage;
use super::dead_letter_table;
use super::error::SpoolError;
use super::lock::FolderLock;
use super::metadata::Metadata;
use super::progress::{MAX_CHUNKS, Progress, SettledItems};
use super::spool::Spool;
use super::spool_dir::{self, SpoolDir};
use super::status::SpoolStatus;
use super::store::{self, Changes, Store};
use super::{chunk_table, salvage};

impl Spool {
    /// Opens the spool in `folder`, which is created where it doesn't exist. Damage is salvaged,
    /// and reported by [`Spool::take_damage`].
    pub fn open(folder: &Path) -> Result<Self, SpoolError> {
        let lock = FolderLock::take(folder)?;
        salvage::finish(folder)?;
        let mut marker_file = MarkerFile::open(folder);
        let marker = marker_file.read();
        let mut chunk_files = ChunkFiles::open(folder).map_err(|source| SpoolError::Folder {
            folder: folder.to_owned(),
            source,
        })?;
        let mut damage = Damage::default();
        let spool = match Self::in_folder(folder) {
            Err(SpoolError::Database { source, .. }) if sqlite::is_damage(&source) => {
                let waiting = marker.map(|m| m.waiting);
                salvage::into_new_file(folder, &chunk_files, waiting, &mut damage)?;
                Self::in_folder(folder)
            }
            other => other,
        };
        let mut spool = spool?;
        if let Some(marker) = marker.filter(|marker| marker.chunk > spool.metadata.chunk) {
            spool.skip_lost_commits(marker, &mut damage);
        }
        for file in chunk_files.take_set_aside() {
            let file = file.display();
            damage.add(
                0,
                format!("the header of a spooled chunk is damaged: its file is kept as {file}"),
            );
        }
        spool.status.lost = damage.items;
        spool.damage = damage;
        spool
            .keep_files(&mut chunk_files)
            .map_err(|source| SpoolError::Database {
                path: spool_dir::database(folder),
                source,
            })?;
        spool.dir = Some(SpoolDir::new(folder, marker_file, chunk_files, lock));
        Ok(spool)
    }

    fn in_folder(folder: &Path) -> Result<Self, SpoolError> {
        let path = spool_dir::database(folder);
        let store = Store::open(&path)?;
        Self::with(store).map_err(|source| SpoolError::Database { path, source })
    }

    /// Opens a spool on a connection alone, without a folder and its lock: for a file system of
    /// the caller's own.
    pub fn on(db: Connection) -> rusqlite::Result<Self> {
        Self::with(Store::on(db)?)
    }

    fn with(store: Store) -> rusqlite::Result<Self> {
        let metadata = store.fact(store::METADATA)?;
        let mut metadata: Metadata = metadata
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let mut status = SpoolStatus::default();
        let mut progress = Progress::default();
        chunk_table::each(store.db(), |chunk| {
            let settled = SettledItems::new(chunk.items, chunk.settled);
            metadata.chunk = metadata.chunk.max(chunk.number);
            status.items += u64::from(settled.left());
            status.bytes += chunk.bytes;
            if progress.len() < MAX_CHUNKS {
                progress.insert(chunk.number, chunk.bytes, settled);
            }
        })?;
        (status.dead_letters, status.dead_letter_bytes) = dead_letter_table::counts(store.db())?;
        status.carried = status.items;
        Ok(Self {
            data_version: store.data_version()?,
            last_chunk_before: metadata.chunk,
            store,
            dir: None,
            metadata,
            progress,
            changes: Changes::default(),
            appended_bytes: 0,
            unsettled: Vec::new(),
            status,
            damage: Damage::default(),
            may_have_marked: true,
        })
    }

    /// Keeps the files of its chunks alone.
    fn keep_files(&self, files: &mut ChunkFiles) -> rusqlite::Result<()> {
        let mut chunks = FxHashSet::default();
        chunk_table::each(self.store.db(), |chunk| {
            chunks.insert((chunk.number, chunk.created_ms));
        })?;
        files.keep(|chunk, created_ms| chunks.contains(&(chunk, created_ms)));
        Ok(())
    }

    /// Continues behind commits that the file has lost. Unless a salvage reported them already,
    /// the end of its log was damaged.
    fn skip_lost_commits(&mut self, marker: CommitMarker, damage: &mut Damage) {
        if damage.notices.is_empty() {
            let lost = marker.appended.saturating_sub(self.metadata.appended);
            let commits = marker.chunk - self.metadata.chunk;
            damage.add(
                lost,
                format!(
                    "the end of the spool's log was damaged: {lost} accepted items in its last {commits} commits are lost; a feed that resumes brings their events again"
                ),
            );
        }
        self.metadata.chunk = marker.chunk;
        self.metadata.appended = marker.appended;
        self.last_chunk_before = marker.chunk;
    }

    /// Sets the destination of its items. A spool with items for another destination is refused.
    pub fn belong_to(&mut self, destination: &str) -> Result<(), SpoolError> {
        let path = self.database();
        let failed = |source| SpoolError::Database {
            path: path.clone(),
            source,
        };
        let items = self.status.items + self.status.dead_letters;
        match self.store.fact(store::DESTINATION).map_err(failed)? {
            Some(theirs) if theirs == destination => return Ok(()),
            Some(theirs) if items > 0 => {
                return Err(SpoolError::OtherDestination {
                    folder: self.folder(),
                    items,
                    theirs,
                    ours: destination.to_owned(),
                });
            }
            _ => {}
        }
        let changes = Changes {
            facts: vec![(store::DESTINATION, destination.to_owned())],
            ..Changes::default()
        };
        let written = self.store.write(&changes, std::iter::empty());
        written.map_err(failed)
    }

    /// The last message of `feed` of which every accepted event is here or settled. A feed is
    /// identified by its address without secrets, so that it resumes with another token, too.
    pub fn last_message(&self, feed: &str) -> Option<&str> {
        self.metadata
            .message
            .as_deref()
            // Earlier versions wrote the whole address.
            .filter(|_| masked(&self.metadata.feed) == feed)
    }
}
