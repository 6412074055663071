//! How far the spool had come, beside it: so that a damaged end of its log shows.

use std::path::Path;

use crate::sqlite::note::Note;

/// Three numbers.
const BYTES: usize = 24;

/// How far a spool came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CommitMarker {
    /// The number of the newest chunk.
    pub(super) chunk: u64,
    /// How many items were ever appended.
    pub(super) appended: u64,
    /// How many of them were not settled.
    pub(super) waiting: u64,
}

/// The note.
#[derive(Debug)]
pub(super) struct MarkerFile(Note<BYTES>);

impl MarkerFile {
    pub(super) fn open(folder: &Path) -> Self {
        Self(Note::open(&folder.join("spool.tail")))
    }

    /// What was noted last; nothing where it is not whole.
    pub(super) fn read(&mut self) -> Option<CommitMarker> {
        let bytes = self.0.read()?;
        let number = |at: usize| Some(u64::from_le_bytes(bytes[at..at + 8].try_into().ok()?));
        Some(CommitMarker {
            chunk: number(0)?,
            appended: number(8)?,
            waiting: number(16)?,
        })
    }

    /// Notes it. A note that can't be written leaves an older one, which claims less.
    pub(super) fn write(&mut self, head: CommitMarker) {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&head.chunk.to_le_bytes());
        bytes[8..16].copy_from_slice(&head.appended.to_le_bytes());
        bytes[16..].copy_from_slice(&head.waiting.to_le_bytes());
        self.0.write(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reads_as_it_was_written_and_half_a_note_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut tail = MarkerFile::open(dir.path());
        assert_eq!(tail.read(), None);
        let head = CommitMarker {
            chunk: 7,
            appended: 1_234,
            waiting: 5,
        };
        tail.write(head);
        assert_eq!(MarkerFile::open(dir.path()).read(), Some(head));
        let path = dir.path().join("spool.tail");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[3] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(MarkerFile::open(dir.path()).read(), None);
    }
}
