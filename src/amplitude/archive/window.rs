//! A window over a stream of text that is mostly UTF-8.

use std::io::{self, Read};

use bytestring::ByteString;

/// Bytes read at once.
const READ_BYTES: usize = 64 << 10;
/// The replacement of a byte that is not UTF-8: a control character, which JSON never allows, so that
/// exactly the element that contains it is malformed.
const NO_UTF8: u8 = 0x1a;

/// A part of a stream of text.
#[derive(Debug, Default)]
pub(super) struct Window {
    pub text: ByteString,
    /// Whether the stream ends with the text.
    pub is_last: bool,
    /// The positions of bytes that are not UTF-8.
    replaced: Vec<usize>,
    /// The beginning of a character that the end of the window cuts.
    cut: Vec<u8>,
    /// The error after which the stream can't be read further.
    pub error: Option<io::Error>,
}

impl Window {
    /// Drops the first `done` bytes, and reads at least `more` bytes if the stream has so many.
    pub(super) fn advance(&mut self, done: usize, more: usize, from: &mut impl Read) {
        let left = self.text.as_bytes().get(done..).unwrap_or_default();
        let room = more.max(1).saturating_add(self.cut.len() + READ_BYTES);
        let mut bytes = Vec::with_capacity(left.len().saturating_add(room));
        bytes.extend_from_slice(left);
        let checked = bytes.len();
        bytes.append(&mut self.cut);
        let enough = bytes.len().saturating_add(more.max(1));
        while bytes.len() < enough && !self.is_last && self.error.is_none() {
            let filled = bytes.len();
            bytes.resize(filled + READ_BYTES, 0);
            let read = from.read(&mut bytes[filled..]);
            bytes.truncate(filled + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(count) => self.is_last = count == 0,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.error = Some(error),
            }
        }
        self.take(bytes, checked, done);
    }

    /// Whether the byte at this position is not UTF-8.
    pub(super) fn is_replaced(&self, at: usize) -> bool {
        self.replaced.binary_search(&at).is_ok()
    }

    /// Makes the text of these bytes, of which the first `checked` are known to be UTF-8.
    fn take(&mut self, mut bytes: Vec<u8>, checked: usize, done: usize) {
        self.replaced.retain_mut(|at| match at.checked_sub(done) {
            Some(left) => {
                *at = left;
                true
            }
            None => false,
        });
        let mut from = checked;
        while let Err(error) = std::str::from_utf8(&bytes[from..]) {
            let at = from + error.valid_up_to();
            let Some(length) = error.error_len() else {
                if !self.is_last {
                    self.cut = bytes.split_off(at);
                    break;
                }
                self.mask(&mut bytes[at..], at);
                break;
            };
            self.mask(&mut bytes[at..at + length], at);
            from = at + length;
        }
        // All bytes that are not UTF-8 are replaced by now.
        self.text = match String::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(error) => String::from_utf8_lossy(error.as_bytes())
                .into_owned()
                .into(),
        };
    }

    fn mask(&mut self, bytes: &mut [u8], at: usize) {
        self.replaced.extend(at..at + bytes.len());
        bytes.fill(NO_UTF8);
    }
}
