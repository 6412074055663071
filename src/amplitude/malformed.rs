//! A part of a frame that holds no event.

use std::str::Utf8Error;

/// The size of the excerpt on either side of a fault, in bytes.
pub(super) const NEAR_BYTES: usize = 20;

/// A frame, or a part of one, that holds no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The position of the fault, in bytes from the start of the frame.
    pub at_byte: usize,
    /// The fault, as a phrase.
    pub why: String,
    /// The text around the fault.
    pub near: String,
    /// The start of the part that can't be read, in bytes from the start of the frame.
    pub from_byte: usize,
    /// The size of that part in bytes.
    pub size_bytes: usize,
    /// The number of parts this stands for: more than one if a frame has very many.
    pub parts: u64,
}

impl Malformed {
    /// A part of `text` between two positions, with a fault at `broke`.
    pub(super) fn between(
        text: &str,
        (from, end): (usize, usize),
        broke: usize,
        why: impl Into<String>,
    ) -> Self {
        let from = text.floor_char_boundary(from);
        let part = text[from..ceil_char_boundary(text, end.max(from))].trim_end();
        // A part that is cut off breaks after its last character, not after the space that follows.
        let end = from + part.len();
        let broke = broke.clamp(from, end);
        let near_from = text.floor_char_boundary(broke.saturating_sub(NEAR_BYTES).max(from));
        let near_end = ceil_char_boundary(text, (broke + NEAR_BYTES).min(end).max(near_from));
        Self {
            at_byte: broke,
            why: why.into(),
            near: text[near_from..near_end].to_owned(),
            from_byte: from,
            size_bytes: part.len(),
            parts: 1,
        }
    }

    /// A frame that is not UTF-8, with the first byte that isn't.
    pub fn not_utf8(frame: &[u8], error: &Utf8Error) -> Self {
        let at = error.valid_up_to();
        let from = at.saturating_sub(NEAR_BYTES);
        let end = frame.len().min(at.saturating_add(NEAR_BYTES));
        Self {
            at_byte: at,
            why: "no UTF-8".to_owned(),
            near: String::from_utf8_lossy(frame.get(from..end).unwrap_or_default()).into_owned(),
            from_byte: 0,
            size_bytes: frame.len(),
            parts: 1,
        }
    }

    /// The part of the frame that can't be read. `text` may be shorter than the frame.
    pub fn part<'t>(&self, text: &'t str) -> &'t str {
        let from = text.floor_char_boundary(self.from_byte);
        let end = self.from_byte.saturating_add(self.size_bytes);
        &text[from..text.floor_char_boundary(end).max(from)]
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "byte {}: {}, near {:?}",
            self.at_byte, self.why, self.near
        )
    }
}

pub(super) fn ceil_char_boundary(text: &str, at: usize) -> usize {
    text.ceil_char_boundary(at.min(text.len()))
}
