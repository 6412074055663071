//! Bounds on unpacking, against archives that are made to fill memory or time.

use std::io::{self, Read};

/// Maximum layers of packing: a zip, its member's gzip, and one to spare.
pub(super) const MAX_LAYERS: usize = 3;
/// Maximum size of an unpacked file, or member of a zip, in bytes. Beyond it, the ratio to the packed
/// size is limited to [`MAX_RATIO`].
pub(super) const UNPACKED_BYTES: u64 = 256 << 20;
/// Maximum ratio of unpacked to packed bytes. The ratio of Amplitude's exports is 10 to 20.
pub(super) const MAX_RATIO: u64 = 200;

/// A reader that returns an error after a number of bytes.
pub(super) struct Limited<R> {
    pub(super) reader: R,
    /// The number of bytes left.
    pub(super) left: u64,
}

/// The error after the last byte allowed.
#[derive(Debug, thiserror::Error)]
#[error("the unpacked size exceeds its limit")]
pub(super) struct OverSize;

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other(OverSize)),
        }
        Ok(read)
    }
}
