//! What is told of a part of a text that is broken.

use crate::amplitude::frame::Malformed;

/// How much is shown of the text around a fault, on either side of it, in bytes.
pub(super) const NEAR_BYTES: usize = 20;

/// What is wrong with an element that begins with this byte: only objects are events.
pub(super) fn no_object(byte: u8) -> String {
    let what = match byte {
        b'[' => "an event is an object, not a list",
        b'"' => "an event is an object, not a text",
        b'-' | b'0'..=b'9' => "an event is an object, not a number",
        b't' | b'f' | b'n' => "an event is an object, not a bare word",
        _ => "no JSON: expected an event",
    };
    what.to_owned()
}

/// What is told of the part of `text` between these bytes, which broke at `broke`.
pub(in crate::amplitude) fn malformed(
    text: &str,
    (from, end): (usize, usize),
    broke: usize,
    why: String,
) -> Malformed {
    let from = text.floor_char_boundary(from);
    let part = text[from..ceil_char_boundary(text, end.max(from))].trim_end();
    // What is cut off breaks behind its last character, not behind the space that follows.
    let end = from + part.len();
    let broke = broke.clamp(from, end);
    let near_from = text.floor_char_boundary(broke.saturating_sub(NEAR_BYTES).max(from));
    let near_end = ceil_char_boundary(text, (broke + NEAR_BYTES).min(end).max(near_from));
    Malformed {
        at_byte: broke,
        why,
        near: text[near_from..near_end].to_owned(),
        from_byte: from,
        size_bytes: part.len(),
        parts: 1,
    }
}

pub(super) fn ceil_char_boundary(text: &str, at: usize) -> usize {
    text.ceil_char_boundary(at.min(text.len()))
}
