//! Editing WebSocket frames (RFC 6455, 5.2) in the read buffer.

use std::io;
use std::sync::Arc;

use tokio::io::ReadBuf;

use super::read_report::{Oversize, ReadReport};

/// A message over this size ends the connection, so that skipping it ends too.
const MAX_SKIPPED_BYTES: u64 = 1 << 30;
/// Bytes of a message over the limit that are recorded, so that an operator can recognize it.
pub(super) const HEAD_BYTES: usize = 200;
/// Maximum size of a header: 2 bytes, a length of 8, a masking key of 4.
pub(super) const MAX_HEADER_BYTES: usize = 14;

pub(super) const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
pub(super) const OPCODE: u8 = 0x0f;
pub(super) const CONTINUATION: u8 = 0x0;
pub(super) const TEXT: u8 = 0x1;
pub(super) const BINARY: u8 = 0x2;
pub(super) const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;

/// A message is too large to skip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sends a message of over {MAX_SKIPPED_BYTES} bytes, which is too large to skip")]
pub struct TooLarge;

/// The bytes of a header or a part of it.
#[derive(Debug, Default)]
pub(super) struct HeaderBytes {
    bytes: [u8; MAX_HEADER_BYTES],
    len: usize,
}

impl HeaderBytes {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Moves as many bytes as fit to `buf`. Returns whether there were any.
    pub(super) fn drain_into(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let moved = self.len.min(buf.remaining());
        buf.put_slice(&self.bytes[..moved]);
        self.bytes.copy_within(moved..self.len, 0);
        self.len -= moved;
        moved > 0
    }
}

/// The part of a frame that the next byte belongs to.
#[derive(Debug)]
enum Part {
    Header,
    /// A payload that is passed on, with this many bytes left.
    Payload(u64),
    /// A payload that is passed over; with `ends_message`, its message ends with it.
    PassedOver {
        left: u64,
        ends_message: bool,
    },
}

/// The state of editing.
#[derive(Debug)]
pub(super) struct Editor {
    max_bytes: u64,
    part: Part,
    /// The beginning of a header that is not read to its end yet.
    pub(super) header: HeaderBytes,
    /// An edited header that had no room in the buffer that it was read into.
    pub(super) out: HeaderBytes,
    /// The size of the frames of the current data message so far.
    message_bytes: u64,
    /// The current data message, where it is over the limit.
    oversize: Option<Oversize>,
    /// Number of data messages that have ended.
    messages: u64,
    pub(super) report: Arc<ReadReport>,
}

impl Editor {
    /// Passes messages over `max_bytes` over.
    pub(super) fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            part: Part::Header,
            header: HeaderBytes::default(),
            out: HeaderBytes::default(),
            message_bytes: 0,
            oversize: None,
            messages: 0,
            report: Arc::default(),
        }
    }

    /// Edits bytes in place. Returns the number of bytes that are left, at the start.
    pub(super) fn edit(&mut self, read: &mut [u8]) -> io::Result<usize> {
        self.report.touch();
        let (mut from, mut to) = (0, 0);
        while from < read.len() {
            match self.part {
                Part::Header => {
                    let rest = &read[from..];
                    let len = header_bytes(rest);
                    if rest.len() < len {
                        self.header.extend(rest);
                        break;
                    }
                    let header = self.decide(&read[from..from + len])?;
                    let header = header.as_slice();
                    read[to..to + header.len()].copy_from_slice(header);
                    to += header.len();
                    from += len;
                }
                Part::Payload(left) => {
                    let taken = left.min((read.len() - from) as u64) as usize;
                    if from != to {
                        read.copy_within(from..from + taken, to);
                    }
                    to += taken;
                    from += taken;
                    self.part = after_payload(left - taken as u64);
                }
                Part::PassedOver { left, ends_message } => {
                    let taken = left.min((read.len() - from) as u64) as usize;
                    self.pass_over(&read[from..from + taken]);
                    from += taken;
                    let left = left - taken as u64;
                    if left > 0 {
                        self.part = Part::PassedOver { left, ends_message };
                    } else {
                        self.part = Part::Header;
                        if ends_message {
                            self.end_oversize();
                            // The length of the empty frame, which waited for the end.
                            read[to] = 0;
                            to += 1;
                        }
                    }
                }
            }
        }
        Ok(to)
    }

    /// Number of bytes that the header still lacks, as far as its beginning says.
    pub(super) fn missing_header_bytes(&self) -> usize {
        header_bytes(self.header.as_slice()) - self.header.len
    }

    /// Adds bytes to the header that has begun.
    pub(super) fn continue_header(&mut self, read: &[u8]) -> io::Result<()> {
        self.report.touch();
        self.header.extend(read);
        if self.missing_header_bytes() == 0 {
            let header = std::mem::take(&mut self.header);
            self.out = self.decide(header.as_slice())?;
        }
        Ok(())
    }

    /// Decides on the frame with this header. Returns the header to pass on instead.
    fn decide(&mut self, header: &[u8]) -> io::Result<HeaderBytes> {
        let length = payload_bytes(header);
        let mut edited = HeaderBytes::default();
        edited.extend(header);
        let (flags, opcode) = (header[0] & !OPCODE, header[0] & OPCODE);
        let is_sound = flags & RESERVED == 0 && header[1] & MASKED == 0;
        if !is_sound || !matches!(opcode, CONTINUATION | TEXT | BINARY) {
            // A control frame, or one that breaks the protocol, which the codec reports.
            self.part = after_payload(length);
            return Ok(edited);
        }
        if opcode != CONTINUATION {
            self.message_bytes = 0;
            self.oversize = None;
        }
        self.message_bytes = self.message_bytes.saturating_add(length);
        let first = flags | if opcode == TEXT { BINARY } else { opcode };
        let ends_message = flags & FIN != 0;
        if self.message_bytes <= self.max_bytes {
            edited.bytes[0] = first;
            self.part = after_payload(length);
            self.messages += u64::from(ends_message);
            return Ok(edited);
        }
        if self.message_bytes > MAX_SKIPPED_BYTES {
            return Err(io::Error::other(TooLarge));
        }
        self.oversize.get_or_insert_with(|| Oversize {
            size_bytes: 0,
            head: Vec::new(),
        });
        edited = HeaderBytes::default();
        edited.extend(&[first]);
        if length == 0 && ends_message {
            self.end_oversize();
        }
        if length == 0 || !ends_message {
            edited.extend(&[0]);
        }
        self.part = match length {
            0 => Part::Header,
            left => Part::PassedOver { left, ends_message },
        };
        Ok(edited)
    }

    fn pass_over(&mut self, payload: &[u8]) {
        if let Some(oversize) = &mut self.oversize {
            let kept = payload.len().min(HEAD_BYTES - oversize.head.len());
            oversize.head.extend_from_slice(&payload[..kept]);
        }
    }

    fn end_oversize(&mut self) {
        if let Some(mut oversize) = self.oversize.take() {
            oversize.size_bytes = self.message_bytes;
            self.report.add_oversize(self.messages, oversize);
        }
        self.messages += 1;
    }
}

fn after_payload(left: u64) -> Part {
    match left {
        0 => Part::Header,
        left => Part::Payload(left),
    }
}

/// The length of the header with this beginning; the minimum where that doesn't say.
pub(super) fn header_bytes(begun: &[u8]) -> usize {
    let Some(second) = begun.get(1) else {
        return 2;
    };
    let length = match second & LENGTH {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    2 + length + if second & MASKED == 0 { 0 } else { 4 }
}

/// The length of the payload behind this header.
pub(super) fn payload_bytes(header: &[u8]) -> u64 {
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    match header[1] & LENGTH {
        126 => number(&header[2..4]),
        127 => number(&header[2..10]),
        short => u64::from(short),
    }
}
