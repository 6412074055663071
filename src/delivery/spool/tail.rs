//! How far the spool had come, beside it: so that a damaged end of its log shows.
//!
//! SQLite takes a log up to the first frame whose checksum is wrong and forgets the rest
//! without a word. That is right for what was never whole; what was committed and then damaged
//! would be missed by nobody. So each commit is noted here too, after it is on disk.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::owner_only;

/// Three numbers and their CRC-32.
const BYTES: usize = 28;

/// How far a spool came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// The number of the newest chunk.
    pub(super) chunk: u64,
    /// How many items were ever appended.
    pub(super) appended: u64,
    /// How many of them were not settled.
    pub(super) waiting: u64,
}

/// The note.
#[derive(Debug)]
pub(super) struct Tail {
    /// None where it can't be opened: the spool works without.
    file: Option<File>,
}

impl Tail {
    pub(super) fn open(folder: &Path) -> Self {
        let file = owner_only::open_own(&folder.join("spool.tail"));
        Self { file: file.ok() }
    }

    /// What was noted last; nothing where it is not whole.
    pub(super) fn read(&mut self) -> Option<Head> {
        let file = self.file.as_mut()?;
        let mut bytes = [0; BYTES];
        file.seek(SeekFrom::Start(0)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        let (numbers, sum) = bytes.split_at(BYTES - 4);
        let number = |at: usize| Some(u64::from_le_bytes(numbers[at..at + 8].try_into().ok()?));
        let head = Head {
            chunk: number(0)?,
            appended: number(8)?,
            waiting: number(16)?,
        };
        (crc32fast::hash(numbers) == u32::from_le_bytes(sum.try_into().ok()?)).then_some(head)
    }

    /// Notes it. A note that can't be written leaves an older one, which claims less.
    pub(super) fn write(&mut self, head: Head) {
        let Some(file) = self.file.as_mut() else {
            return;
        };
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&head.chunk.to_le_bytes());
        bytes[8..16].copy_from_slice(&head.appended.to_le_bytes());
        bytes[16..24].copy_from_slice(&head.waiting.to_le_bytes());
        let sum = crc32fast::hash(&bytes[..24]);
        bytes[24..].copy_from_slice(&sum.to_le_bytes());
        let _ = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(&bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reads_as_it_was_written_and_half_a_note_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut tail = Tail::open(dir.path());
        assert_eq!(tail.read(), None);
        let head = Head {
            chunk: 7,
            appended: 1_234,
            waiting: 5,
        };
        tail.write(head);
        assert_eq!(Tail::open(dir.path()).read(), Some(head));
        let path = dir.path().join("spool.tail");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[3] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(Tail::open(dir.path()).read(), None);
    }
}
