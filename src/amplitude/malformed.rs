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

impl Malformed {
    /// The position of the fault in `excerpt`, in bytes: a beginning of the part, or text around the
    /// fault. The text near the fault tells which.
    pub fn fault_in(&self, excerpt: &str) -> usize {
        let near = |fault: usize| {
            let from = excerpt.floor_char_boundary(fault.saturating_sub(NEAR_BYTES));
            let end = ceil_char_boundary(excerpt, fault + NEAR_BYTES);
            excerpt.is_char_boundary(fault) && excerpt.get(from..end) == Some(&self.near)
        };
        let in_part = self.at_byte.saturating_sub(self.from_byte);
        if in_part <= excerpt.len() && near(in_part) {
            return in_part;
        }
        if let Some(fault) = (0..=excerpt.len()).find(|fault| near(*fault)) {
            return fault;
        }
        // Bytes that are not UTF-8 are replaced in the excerpt.
        excerpt.find('\u{fffd}').unwrap_or(0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fault_is_found_in_the_whole_part_and_in_an_excerpt() {
        let frame = format!("{}{{\"a\":1 x}}{}", "é".repeat(40), "y".repeat(40));
        let fault = frame.find(" x").unwrap() + 1;
        let malformed = Malformed::between(&frame, (0, frame.len()), fault, "no comma");
        for from in [0, 2, 40, fault - NEAR_BYTES] {
            let excerpt = &frame[frame.floor_char_boundary(from)..];
            let found = malformed.fault_in(excerpt);
            assert_eq!(&excerpt[found..=found], "x", "from {from}");
        }
        let bytes = [b"{\"a\":\"caf".as_slice(), &[0xe9], b"\"}"].concat();
        let error = std::str::from_utf8(&bytes).unwrap_err();
        let malformed = Malformed::not_utf8(&bytes, &error);
        let found = malformed.fault_in(&malformed.near);
        assert!(malformed.near[found..].starts_with('\u{fffd}'));
        assert_eq!(malformed.fault_in(""), 0);
    }
}
