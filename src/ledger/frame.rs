//! Frames: the units of a ledger's file. Each has a kind, a length and a CRC-32.

use std::io::{self, Read};

/// The kind of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An entry of the dictionary.
    Dictionary = 1,
    /// Rows in the order in which they came.
    Rows = 2,
    /// Sorted rows in columns.
    Block = 3,
    /// A note.
    Note = 4,
}

/// Size of the kind, the length and the checksum.
const HEAD_BYTES: usize = 9;
/// Maximum size of a frame's content in bytes. A longer one is damaged.
const MAX_BYTES: usize = 16 << 20;

/// Appends a frame.
pub(super) fn push(out: &mut Vec<u8>, kind: Kind, content: &[u8]) {
    out.push(kind as u8);
    out.extend_from_slice(&(content.len() as u32).to_le_bytes());
    out.extend_from_slice(&sum(kind as u8, content).to_le_bytes());
    out.extend_from_slice(content);
}

fn sum(kind: u8, content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[kind]);
    hasher.update(content);
    hasher.finalize()
}

/// Reads frames, one after the other.
pub(super) struct Frames<R> {
    input: R,
    content: Vec<u8>,
    /// Size of the whole frames so far.
    pub(super) whole_bytes: u64,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            content: Vec::new(),
            whole_bytes: 0,
        }
    }

    /// Reads the next frame. None at the end, and where the rest is torn or damaged.
    pub(super) fn next(&mut self) -> io::Result<Option<(Kind, &[u8])>> {
        let mut head = [0; HEAD_BYTES];
        if !fill(&mut self.input, &mut head)? {
            return Ok(None);
        }
        let [kind, l0, l1, l2, l3, s0, s1, s2, s3] = head;
        let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let known = match kind {
            1 => Kind::Dictionary,
            2 => Kind::Rows,
            3 => Kind::Block,
            4 => Kind::Note,
            _ => return Ok(None),
        };
        if len > MAX_BYTES {
            return Ok(None);
        }
        self.content.resize(len, 0);
        let is_whole = fill(&mut self.input, &mut self.content)?;
        if !is_whole || sum(kind, &self.content) != u32::from_le_bytes([s0, s1, s2, s3]) {
            return Ok(None);
        }
        self.whole_bytes += (HEAD_BYTES + len) as u64;
        Ok(Some((known, &self.content)))
    }
}

/// Fills `buffer`. Returns false if the input ends before.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match input.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
