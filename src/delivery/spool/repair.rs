//! Repair of an open spool: after damage to its file, or on a full disk.

use rusqlite::{Connection, ErrorCode};

use crate::sqlite;

use super::damage::Damage;
use super::error::SpoolError;
use super::progress::{Progress, SettledItems};
use super::reserve;
use super::spool::Spool;
use super::store::Store;
use super::{chunk_table, dead_letter_table, salvage};

impl Spool {
    /// Salvages a damaged file while it is open. Returns whether it can be used again.
    pub fn repair(&mut self, error: &rusqlite::Error) -> bool {
        if !sqlite::is_damage(error) || self.dir.is_none() {
            return false;
        }
        tracing::error!("the spool is damaged: {error}");
        match self.salvage() {
            Ok(()) => true,
            Err(error) => {
                tracing::error!("{error}");
                false
            }
        }
    }

    /// Gives up the reserve where the disk is full, and then the free files. Returns whether that
    /// made room.
    pub(super) fn make_room(&mut self, error: &rusqlite::Error) -> bool {
        let is_full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
        let Some(dir) = self.dir.as_mut().filter(|_| is_full) else {
            return false;
        };
        let made_room = dir.reserve.release() || dir.chunk_files.remove_all_free();
        made_room && self.store.copy_log().is_ok()
    }

    /// Whether there is room for more items: the reserve is kept, or there is as much free space in
    /// the database and in free files.
    pub fn has_room(&mut self) -> bool {
        match &self.dir {
            Some(dir) if !dir.reserve.is_there() => self
                .store
                .free_bytes()
                .is_ok_and(|free| free + dir.chunk_files.free_bytes() >= reserve::BYTES),
            _ => true,
        }
    }

    /// Makes the reserve again, if the disk has room for it.
    pub fn restore_reserve(&mut self) {
        if let Some(dir) = &mut self.dir
            && !dir.reserve.is_there()
        {
            dir.chunk_files.trim();
            dir.reserve.restore();
        }
    }

    fn salvage(&mut self) -> Result<(), SpoolError> {
        let path = self.database();
        let failed = |source| SpoolError::Database {
            path: path.clone(),
            source,
        };
        // The file has to be closed before another replaces it.
        let placeholder = Connection::open_in_memory().map_err(failed)?;
        self.store = Store::unchecked(placeholder);
        let mut damage = Damage::default();
        let waiting = Some(self.status.items);
        let folder = self.folder();
        let salvaged = match &self.dir {
            Some(dir) => salvage::into_new_file(&folder, &dir.chunk_files, waiting, &mut damage),
            None => Ok(()),
        };
        self.store = Store::open(&path)?;
        if let Some(dir) = &mut self.dir {
            dir.database_replaced();
        }
        salvaged?;
        self.recount().map_err(failed)?;
        self.status.lost += damage.items;
        self.damage.extend(damage);
        Ok(())
    }

    /// Counts the waiting items again: those in the file, less those settled since.
    fn recount(&mut self) -> rusqlite::Result<()> {
        let before = std::mem::take(&mut self.progress);
        let mut progress = Progress::default();
        let (mut left, mut all_bytes) = (0, 0);
        chunk_table::each(self.store.db(), |chunk| {
            let mut settled = SettledItems::new(chunk.items, chunk.settled);
            if let Some(known) = before.get(chunk.number) {
                (0..chunk.items)
                    .filter(|item| known.has(*item))
                    .for_each(|item| _ = settled.settle(item));
            }
            left += u64::from(settled.left());
            all_bytes += chunk.bytes;
            if before.knows(chunk.number) {
                progress.insert(chunk.number, chunk.bytes, settled);
            }
        })?;
        self.progress = progress;
        self.status.items = left;
        self.status.bytes = all_bytes;
        self.data_version = self.store.data_version()?;
        (self.status.dead_letters, self.status.dead_letter_bytes) =
            dead_letter_table::counts(self.store.db())?;
        Ok(())
    }
}
