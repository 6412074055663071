//! The header of a chunk's file.

use crate::amplitude::time::UnixMs;

/// Size of a header, in bytes: the mark, four numbers, and a CRC-32 of them.
pub(super) const HEADER_BYTES: usize = 40;

/// Marks a file of this program, and the version of its layout.
const MARK: &[u8; 8] = b"SLUCHNK1";

/// Whose contents a file has, and how long they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChunkHeader {
    /// The number of the chunk.
    pub(super) chunk: u64,
    /// When the chunk was created: numbers alone may be used again after a power cut.
    pub(super) created_ms: UnixMs,
    /// Size of the index, which follows the header.
    pub(super) index_bytes: u32,
    /// Size of the items' bytes, which follow the index.
    pub(super) body_bytes: u64,
}

impl ChunkHeader {
    /// The header in these bytes, if they are one.
    pub(super) fn read(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let (fields, sum) = bytes.split_last_chunk()?;
        if crc32fast::hash(fields) != u32::from_le_bytes(*sum) || fields[..8] != MARK[..] {
            return None;
        }
        let number = |at: usize| Some(u64::from_le_bytes(fields[at..at + 8].try_into().ok()?));
        Some(Self {
            chunk: number(8)?,
            created_ms: number(16)?.cast_signed(),
            body_bytes: number(24)?,
            index_bytes: u32::from_le_bytes(fields[32..36].try_into().ok()?),
        })
    }

    /// The header as bytes.
    pub(super) fn bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MARK);
        bytes[8..16].copy_from_slice(&self.chunk.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.created_ms.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.body_bytes.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.index_bytes.to_le_bytes());
        let sum = crc32fast::hash(&bytes[..36]);
        bytes[36..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Size of the whole file, in bytes.
    pub(super) fn size_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.index_bytes) + self.body_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_as_it_was_written_and_any_flipped_bit_shows() {
        let header = ChunkHeader {
            chunk: 7,
            created_ms: -1,
            index_bytes: 3,
            body_bytes: u64::MAX,
        };
        let bytes = header.bytes();
        assert_eq!(ChunkHeader::read(&bytes), Some(header));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(ChunkHeader::read(&flipped), None, "bit {bit}");
        }
        assert_eq!(ChunkHeader::read(&[0; HEADER_BYTES]), None);
    }
}
