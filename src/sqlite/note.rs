//! A note beside a database that records its last commit.
//!
//! SQLite reads a log up to the first frame with a wrong checksum, and silently drops the rest.
//! That is right for an unfinished commit, but a finished one that was damaged later would not be
//! missed. So each commit is noted in a file of its own, after it is on disk.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::owner_only;

/// Size of the CRC-32 after a note.
const SUM_BYTES: usize = size_of::<u32>();

/// A note of `N` bytes, and its checksum.
#[derive(Debug)]
pub struct Note<const N: usize> {
    /// None if it can't be opened: the database works without it.
    file: Option<File>,
}

impl<const N: usize> Note<N> {
    /// Opens the note, and creates it if it does not exist.
    pub fn open(path: &Path) -> Self {
        Self {
            file: owner_only::open_own(path).ok(),
        }
    }

    /// Reads the note; none if it is damaged.
    pub fn read(&mut self) -> Option<[u8; N]> {
        let file = self.file.as_mut()?;
        let (mut bytes, mut sum) = ([0; N], [0; SUM_BYTES]);
        file.seek(SeekFrom::Start(0)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        file.read_exact(&mut sum).ok()?;
        (crc32fast::hash(&bytes) == u32::from_le_bytes(sum)).then_some(bytes)
    }

    /// Writes the note. If that fails, the old one stays, which claims less.
    pub fn write(&mut self, bytes: &[u8; N]) {
        let Some(file) = self.file.as_mut() else {
            return;
        };
        let mut all = bytes.to_vec();
        all.extend(crc32fast::hash(bytes).to_le_bytes());
        let _ = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(&all));
    }
}
