//! The journal that is being written: rows in the order in which they come.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::dictionary::Dictionary;
use super::error::LedgerError;
use super::files::{self, FileKind};
use super::frame::{self, Kind};
use super::note::Noted;
use super::pack;
use super::row::{NewRow, ROW_BYTES, Row};
use crate::owner_only;

/// Maximum rows of a journal, give or take those of a tenth of a second. Packing holds them in memory,
/// in 4.2 MB.
const MAX_ROWS: usize = 131_072;
/// Maximum age of a journal.
const MAX_AGE: Duration = Duration::from_secs(3_600);
/// Maximum size of the rows of a frame, in bytes.
const FRAME_BYTES: usize = 256 << 10;
/// Size that a disk must take before a ledger that could not be written goes on, in bytes. A disk that
/// is nearly full would fail again at once.
const ROOM_BYTES: usize = 256 << 10;

/// The journal that is being written. Its lock shows other processes that it is in use.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    dictionary: Dictionary,
    created: Instant,
    /// Rows in the file and in memory.
    rows: usize,
    /// Size of the whole frames in the file, in bytes.
    whole_bytes: u64,
    /// Frames that are not written yet, and the number of their rows.
    pending: Vec<u8>,
    pending_rows: usize,
    /// Rows that were written after the last sync.
    unsynced_rows: usize,
    is_synced: bool,
}

impl Journal {
    /// Creates the next journal, whose number no other process has.
    pub(super) fn create(folder: &Path) -> Result<Self, LedgerError> {
        let files = files::list(folder).map_err(|source| LedgerError::of(folder, source))?;
        let mut number = files.last().map_or(1, |file| file.number + 1);
        loop {
            let path = files::path(folder, number, FileKind::Journal);
            match owner_only::create_new(&path) {
                Ok(file) => {
                    // It can only be refused where the file system has no locks.
                    let _ = file.try_lock();
                    return Ok(Self::of_file(path, file));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(source) => return Err(LedgerError::of(&path, source)),
            }
        }
    }

    /// A journal in an empty file.
    pub(super) fn of_file(path: PathBuf, file: File) -> Self {
        Self {
            path,
            file,
            dictionary: Dictionary::default(),
            created: Instant::now(),
            rows: 0,
            whole_bytes: 0,
            pending: Vec::new(),
            pending_rows: 0,
            unsynced_rows: 0,
            is_synced: true,
        }
    }

    /// Whether it must be closed and packed.
    pub(super) fn is_full(&self) -> bool {
        self.rows >= MAX_ROWS || self.created.elapsed() >= MAX_AGE
    }

    /// Whether its frames in memory should be written now.
    pub(super) fn is_due(&self) -> bool {
        self.pending.len() >= FRAME_BYTES
    }

    /// Adds rows, which the next [`Self::write`] writes.
    pub(super) fn add(&mut self, rows: &[NewRow]) {
        self.rows += rows.len();
        self.pending_rows += rows.len();
        for rows in rows.chunks(FRAME_BYTES / ROW_BYTES) {
            let mut content = Vec::with_capacity(rows.len() * ROW_BYTES);
            for new in rows {
                let (dictionary, pending) = (&mut self.dictionary, &mut self.pending);
                let event_type = dictionary.number_type(&new.event_type, pending);
                let decision = new.decision.as_ref();
                let decision = decision.map_or(0, |it| dictionary.number_decision(it, pending));
                Row::new(new, event_type, decision).encode(&mut content);
            }
            frame::push(&mut self.pending, Kind::Rows, &content);
        }
    }

    /// Adds a note.
    pub(super) fn note(&mut self, noted: &Noted) {
        frame::push(&mut self.pending, Kind::Note, &pack::note_text(noted));
    }

    /// Writes what was added. After an error nothing more can be written to it.
    pub(super) fn write(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.is_synced = false;
        self.file.write_all(&self.pending)?;
        self.whole_bytes += self.pending.len() as u64;
        self.unsynced_rows += self.pending_rows;
        self.pending_rows = 0;
        self.pending.clear();
        Ok(())
    }

    /// Waits until what was written is on the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if !self.is_synced {
            self.file.sync_data()?;
            self.is_synced = true;
            self.unsynced_rows = 0;
        }
        Ok(())
    }

    /// Whether its disk takes some more, which is then taken back.
    pub(super) fn has_room(&mut self) -> bool {
        let mut probe = || {
            self.file.write_all(&vec![0; ROOM_BYTES])?;
            self.file.sync_data()?;
            self.cut()
        };
        probe().is_ok()
    }

    /// Closes it after an error, without a torn end. Returns the number of rows that are not on the
    /// disk, or not for certain.
    pub(super) fn give_up(mut self) -> u64 {
        // A torn end that can't be cut off is passed over by readers, and an empty file has no rows.
        if self.whole_bytes == 0 {
            let _ = fs::remove_file(&self.path);
        } else {
            let _ = self.cut();
        }
        let unsynced = if self.pending_rows == 0 {
            self.unsynced_rows
        } else {
            0
        };
        (self.pending_rows + unsynced) as u64
    }

    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.whole_bytes)?;
        io::Seek::seek(&mut self.file, io::SeekFrom::Start(self.whole_bytes))?;
        Ok(())
    }
}
