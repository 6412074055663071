//! Records in temporary files, divided by the hash of the event.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, Write as _};

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

    /// Appends the records of a part.
    pub(super) fn read(&mut self, index: usize, out: &mut Vec<[u8; N]>) -> io::Result<()> {
        let writer = &mut self.0[index];
        writer.flush()?;
        let file = writer.get_mut();
        let count = file.stream_position()? as usize / N;
        file.rewind()?;
        let begin = out.len();
        out.resize(begin + count, [0; N]);
        file.read_exact(out[begin..].as_flattened_mut())
    }
}
