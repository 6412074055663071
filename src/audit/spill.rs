//! Records in temporary files, divided by the hash of the event.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};

use crate::ledger::Key;

/// Number of parts: one of 10 million events takes about 5 MB.
pub(super) const PARTS: usize = 64;
/// Size of the buffer of a part, in bytes.
const BUFFER_BYTES: usize = 32 << 10;

/// Records of `N` bytes, in a temporary file for each part.
pub(super) struct Spill<const N: usize>(Vec<BufWriter<File>>);

impl<const N: usize> Spill<N> {
    pub(super) fn new() -> io::Result<Self> {
        let part = |_| {
            Ok(BufWriter::with_capacity(
                BUFFER_BYTES,
                tempfile::tempfile()?,
            ))
        };
        (0..PARTS).map(part).collect::<io::Result<_>>().map(Self)
    }

    /// Adds the record of an event.
    pub(super) fn push(&mut self, key: Key, record: &[u8]) -> io::Result<()> {
        self.0[key.hash as usize % PARTS].write_all(record)
    }

    /// Reads a part from its begin.
    pub(super) fn part(&mut self, index: usize) -> io::Result<Vec<[u8; N]>> {
        let writer = &mut self.0[index];
        writer.flush()?;
        let file = writer.get_mut();
        file.rewind()?;
        let mut bytes = Vec::new();
        BufReader::new(&mut *file).read_to_end(&mut bytes)?;
        let (records, _) = bytes.as_chunks::<N>();
        Ok(records.to_vec())
    }
}
