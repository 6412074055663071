//! WebSocket frames on their way to the codec: a message that the codec would refuse must cost
//! itself, not the connection.
//!
//! The codec ends a connection over a message that is too large, and over a text that is not
//! UTF-8. The server would send the same message again after each reconnect, and the feed would
//! never get past it. [`FrameReader`] therefore looks at the header of each frame (RFC 6455, 5.2):
//!
//! - It takes the payload of a message over the limit out of the stream, and leaves an empty
//!   message in its place. [`Seen::take_oversize`] says which messages these are.
//! - It passes text frames on as binary ones, which the codec does not check; the feed does.
//!
//! Payloads are not copied: frames are edited in the buffer that they are read into.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A message of more bytes than this ends the connection: there must be an end to reading what
/// nobody wants.
const MAX_PASSED_OVER_BYTES: u64 = 1 << 30;
/// Bytes of a message over the limit that are kept, to tell which one it was.
const HEAD_BYTES: usize = 200;
/// The longest header: two bytes, a length of eight, a masking key of four.
const MAX_HEADER_BYTES: usize = 14;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;

/// A message that was passed over because it is over the limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Oversize {
    /// Its size in bytes.
    pub(super) size_bytes: u64,
    /// The first of the bytes that were passed over.
    pub(super) head: Vec<u8>,
}

/// A message is too large even to pass it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sends a message of over {MAX_PASSED_OVER_BYTES} bytes, too many to pass over")]
pub(super) struct TooLarge;

/// What a [`FrameReader`] tells the feed about the bytes that it read.
#[derive(Debug, Default)]
pub(super) struct Seen {
    bytes: AtomicU64,
    oversize: std::sync::Mutex<VecDeque<(u64, Oversize)>>,
}

impl Seen {
    /// The number of bytes read so far. It grows within a message too.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The message that stood where the data message of this number now is, counted from 0, if it
    /// was passed over.
    pub(super) fn take_oversize(&self, message: u64) -> Option<Oversize> {
        let mut oversize = self
            .oversize
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match oversize.front() {
            Some((number, _)) if *number == message => oversize.pop_front().map(|(_, one)| one),
            _ => None,
        }
    }

    fn add(&self, message: u64, oversize: Oversize) {
        self.oversize
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push_back((message, oversize));
    }
}

/// A connection, of which the frames that come in are edited as the module says.
#[derive(Debug)]
pub(super) struct FrameReader<C> {
    connection: C,
    editor: Editor,
}

impl<C> FrameReader<C> {
    /// Reads frames of `connection`, whose next byte is the first of a frame. Messages over
    /// `max_bytes` are passed over.
    pub(super) fn new(connection: C, max_bytes: usize) -> Self {
        Self {
            connection,
            editor: Editor {
                max_bytes: max_bytes as u64,
                place: Place::Header,
                header: Bytes::default(),
                out: Bytes::default(),
                message_bytes: 0,
                oversize: None,
                messages: 0,
                seen: Arc::default(),
            },
        }
    }

    /// What it tells of what it read.
    pub(super) fn seen(&self) -> Arc<Seen> {
        self.editor.seen.clone()
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for FrameReader<C> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { connection, editor } = self.get_mut();
        loop {
            if buf.remaining() == 0 || editor.out.drain_into(buf) {
                return Poll::Ready(Ok(()));
            }
            if editor.header.is_empty() {
                let before = buf.filled().len();
                ready!(Pin::new(&mut *connection).poll_read(cx, buf))?;
                let read = &mut buf.filled_mut()[before..];
                if read.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                let kept = editor.edit(read)?;
                buf.set_filled(before + kept);
                if kept > 0 {
                    return Poll::Ready(Ok(()));
                }
            } else {
                // The read before this one ended within a header.
                let mut rest = [0; MAX_HEADER_BYTES];
                let mut rest = ReadBuf::new(&mut rest[..editor.missing_header_bytes()]);
                ready!(Pin::new(&mut *connection).poll_read(cx, &mut rest))?;
                if rest.filled().is_empty() {
                    return Poll::Ready(Ok(()));
                }
                editor.go_on_with_header(rest.filled())?;
            }
        }
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for FrameReader<C> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().connection).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_shutdown(cx)
    }
}

/// A few bytes, without an allocation.
#[derive(Debug, Default)]
struct Bytes {
    bytes: [u8; MAX_HEADER_BYTES],
    len: usize,
}

impl Bytes {
    fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Moves as much as fits to `buf`; whether anything was there to move.
    fn drain_into(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let moved = self.len.min(buf.remaining());
        buf.put_slice(&self.bytes[..moved]);
        self.bytes.copy_within(moved..self.len, 0);
        self.len -= moved;
        moved > 0
    }
}

/// Where in the stream of frames the next byte is.
#[derive(Debug)]
enum Place {
    /// In a header.
    Header,
    /// In a payload that is passed on, of which this many bytes are left.
    Payload(u64),
    /// In a payload that is passed over. With the last byte of it, a message ends where
    /// `ends_message` is set.
    PassedOver { left: u64, ends_message: bool },
}

/// Edits the stream of frames.
#[derive(Debug)]
struct Editor {
    max_bytes: u64,
    place: Place,
    /// The first bytes of a header whose others are not read yet.
    header: Bytes,
    /// An edited header that had no room in the buffer of its read.
    out: Bytes,
    /// The size of the data message that is being read, as far as its frames have come.
    message_bytes: u64,
    /// That message, where it is over the limit.
    oversize: Option<Oversize>,
    /// How many data messages have ended.
    messages: u64,
    seen: Arc<Seen>,
}

impl Editor {
    /// Edits the bytes that were read; how many of them are left, at their start.
    fn edit(&mut self, read: &mut [u8]) -> io::Result<usize> {
        self.seen
            .bytes
            .fetch_add(read.len() as u64, Ordering::Relaxed);
        let (mut from, mut to) = (0, 0);
        while from < read.len() {
            match self.place {
                Place::Header => {
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
                Place::Payload(left) => {
                    let taken = left.min((read.len() - from) as u64) as usize;
                    if from != to {
                        read.copy_within(from..from + taken, to);
                    }
                    to += taken;
                    from += taken;
                    self.place = after_payload(left - taken as u64);
                }
                Place::PassedOver { left, ends_message } => {
                    let taken = left.min((read.len() - from) as u64) as usize;
                    self.pass_over(&read[from..from + taken]);
                    from += taken;
                    let left = left - taken as u64;
                    if left > 0 {
                        self.place = Place::PassedOver { left, ends_message };
                    } else {
                        self.place = Place::Header;
                        if ends_message {
                            self.end_oversize();
                            // The length in the header of the empty frame, which waited for this.
                            read[to] = 0;
                            to += 1;
                        }
                    }
                }
            }
        }
        Ok(to)
    }

    /// How many bytes of the header that has begun are still to be read, as far as is known.
    fn missing_header_bytes(&self) -> usize {
        header_bytes(self.header.as_slice()) - self.header.len
    }

    /// Takes more bytes of the header that has begun.
    fn go_on_with_header(&mut self, read: &[u8]) -> io::Result<()> {
        self.seen
            .bytes
            .fetch_add(read.len() as u64, Ordering::Relaxed);
        self.header.extend(read);
        if self.missing_header_bytes() == 0 {
            let header = std::mem::take(&mut self.header);
            self.out = self.decide(header.as_slice())?;
        }
        Ok(())
    }

    /// What becomes of a frame with this header: the header that stands for it.
    fn decide(&mut self, header: &[u8]) -> io::Result<Bytes> {
        let length = payload_bytes(header);
        let mut edited = Bytes::default();
        edited.extend(header);
        let (flags, opcode) = (header[0] & !OPCODE, header[0] & OPCODE);
        let is_sound = flags & RESERVED == 0 && header[1] & MASKED == 0;
        if !is_sound || !matches!(opcode, CONTINUATION | TEXT | BINARY) {
            // A control frame, or one that breaks the protocol: the codec says how.
            self.place = after_payload(length);
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
            self.place = after_payload(length);
            self.messages += u64::from(ends_message);
            return Ok(edited);
        }
        if self.message_bytes > MAX_PASSED_OVER_BYTES {
            return Err(io::Error::other(TooLarge));
        }
        self.oversize.get_or_insert_with(|| Oversize {
            size_bytes: 0,
            head: Vec::new(),
        });
        edited = Bytes::default();
        edited.extend(&[first]);
        if length == 0 && ends_message {
            self.end_oversize();
        }
        if length == 0 || !ends_message {
            edited.extend(&[0]);
        }
        self.place = match length {
            0 => Place::Header,
            left => Place::PassedOver { left, ends_message },
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
            self.seen.add(self.messages, oversize);
        }
        self.messages += 1;
    }
}

fn after_payload(left: u64) -> Place {
    match left {
        0 => Place::Header,
        left => Place::Payload(left),
    }
}

/// The length of the header that begins so. What isn't known yet counts as what is always there.
fn header_bytes(begun: &[u8]) -> usize {
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
fn payload_bytes(header: &[u8]) -> u64 {
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

#[cfg(test)]
mod tests;
