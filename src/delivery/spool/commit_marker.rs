//! A file beside the spool that notes the last commit, so that a damaged end of the log is
//! noticed.

use std::path::Path;

use crate::sqlite::note::Note;

/// Size of a marker: three numbers.
const BYTES: usize = 24;

/// The progress of a spool at its last commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CommitMarker {
    /// The number of the newest chunk.
    pub(super) chunk: u64,
    /// Number of items that were ever appended.
    pub(super) appended: u64,
    /// Number of them that were not settled.
    pub(super) waiting: u64,
}

/// The file that holds the marker.
#[derive(Debug)]
pub(super) struct MarkerFile(Note<BYTES>);

impl MarkerFile {
    pub(super) fn open(folder: &Path) -> Self {
        Self(Note::open(&folder.join("spool.tail")))
    }

    /// The last marker; none where it is not whole.
    pub(super) fn read(&mut self) -> Option<CommitMarker> {
        let bytes = self.0.read()?;
        let number = |at: usize| Some(u64::from_le_bytes(bytes[at..at + 8].try_into().ok()?));
        Some(CommitMarker {
            chunk: number(0)?,
            appended: number(8)?,
            waiting: number(16)?,
        })
    }

    /// Writes the marker. Where that fails an older one stays, which claims less.
    pub(super) fn write(&mut self, marker: CommitMarker) {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&marker.chunk.to_le_bytes());
        bytes[8..16].copy_from_slice(&marker.appended.to_le_bytes());
        bytes[16..].copy_from_slice(&marker.waiting.to_le_bytes());
        self.0.write(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_reads_as_it_was_written_and_half_a_marker_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = MarkerFile::open(dir.path());
        assert_eq!(file.read(), None);
        let marker = CommitMarker {
            chunk: 7,
            appended: 1_234,
            waiting: 5,
        };
        file.write(marker);
        assert_eq!(MarkerFile::open(dir.path()).read(), Some(marker));
        let path = dir.path().join("spool.tail");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[3] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(MarkerFile::open(dir.path()).read(), None);
    }
}
