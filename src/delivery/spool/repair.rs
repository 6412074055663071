//! What a spool does where its file is damaged, or its disk is full, while it runs.

use rusqlite::{Connection, ErrorCode};

use crate::sqlite;

use super::progress::{Progress, Settled};
use super::reserve::{self, Reserve};
use super::store::Store;
use super::{Damage, Spool, SpoolError, dead_letter_table, salvage};

impl Spool {
    /// Salvages what can be while the run goes on, where the file is damaged; whether it is
    /// sound again.
    pub fn repair(&mut self, error: &rusqlite::Error) -> bool {
        if !sqlite::is_damage(error) || self.home.is_none() {
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

    /// Gives up the reserve where the disk is full; whether that helps.
    pub(super) fn make_room(&mut self, error: &rusqlite::Error) -> bool {
        let full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
        let reserve = self.home.as_mut().map(|home| &mut home.reserve);
        full && reserve.is_some_and(Reserve::release) && self.store.copy_log().is_ok()
    }

    /// Whether there is room for more items: the reserve is kept, or as much is free in the
    /// file.
    pub fn has_room(&mut self) -> bool {
        match &self.home {
            Some(home) if !home.reserve.is_there() => self
                .store
                .free_bytes()
                .is_ok_and(|free| free >= reserve::BYTES),
            _ => true,
        }
    }

    /// Keeps the reserve again, if the disk has room for it.
    pub fn restore_reserve(&mut self) {
        if let Some(home) = &mut self.home {
            home.reserve.restore();
        }
    }

    fn salvage(&mut self) -> Result<(), SpoolError> {
        let path = self.path();
        let database = |source| SpoolError::Database {
            path: path.clone(),
            source,
        };
        // The file has to be closed before another takes its place.
        let nothing = Connection::open_in_memory().map_err(database)?;
        self.store = Store::unchecked(nothing);
        let mut damage = Damage::default();
        let waiting = Some(self.row.items);
        let salvaged = salvage::into_new_file(&self.folder(), waiting, &mut damage);
        self.store = Store::open(&path)?;
        if let Some(home) = &mut self.home {
            home.renewed();
        }
        salvaged?;
        self.recount().map_err(database)?;
        self.row.lost += damage.items;
        self.damage.items += damage.items;
        self.damage.told.extend(damage.told);
        Ok(())
    }

    /// Counts anew what waits: what the file has, less what is settled since.
    fn recount(&mut self) -> rusqlite::Result<()> {
        let before = std::mem::take(&mut self.progress);
        let mut progress = Progress::default();
        let (mut left, mut all_bytes) = (0, 0);
        self.store.each_chunk(|number, items, bytes, stored| {
            let mut settled = Settled::new(items, stored);
            if let Some(known) = before.get(number) {
                (0..items)
                    .filter(|item| known.has(*item))
                    .for_each(|item| _ = settled.settle(item));
            }
            left += u64::from(settled.left());
            all_bytes += bytes;
            if before.knows(number) {
                progress.insert(number, bytes, settled);
            }
        })?;
        self.progress = progress;
        self.row.items = left;
        self.row.bytes = all_bytes;
        self.version = self.store.version()?;
        (self.row.letters, self.row.letter_bytes) = dead_letter_table::counts(self.store.db())?;
        Ok(())
    }
}
