//! Edits WebSocket frames before the codec sees them, so that a message that the codec would refuse
//! is lost alone and does not end the connection.
//!
//! The codec ends a connection over a message that is too large, and over a text that is not
//! UTF-8. The server would send the same message again after each reconnect, and the feed would
//! never get past it. [`FrameReader`] therefore inspects the header of each frame (RFC 6455, 5.2):
//!
//! - It removes the payload of a message over the limit from the stream, leaves an empty message in
//!   its place, and records it in [`ReadReport`].
//! - It turns text frames into binary ones: the feed checks for UTF-8, not the codec.
//!
//! Payloads are not copied: frames are edited in the read buffer.

mod editor;
mod read_report;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use editor::{Editor, MAX_HEADER_BYTES};

pub(super) use editor::TooLarge;
pub(super) use read_report::{Oversize, ReadReport};

/// A connection whose incoming frames are edited.
#[derive(Debug)]
pub(super) struct FrameReader<C> {
    connection: C,
    editor: Editor,
}

impl<C> FrameReader<C> {
    /// Reads the frames of `connection`, which must be at the start of a frame. Skips messages over
    /// `max_bytes`.
    pub(super) fn new(connection: C, max_bytes: usize) -> Self {
        Self {
            connection,
            editor: Editor::new(max_bytes as u64),
        }
    }

    /// The report of this reader.
    pub(super) fn report(&self) -> Arc<ReadReport> {
        self.editor.report.clone()
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
                // The previous read ended within a header.
                let mut rest = [0; MAX_HEADER_BYTES];
                let mut rest = ReadBuf::new(&mut rest[..editor.missing_header_bytes()]);
                ready!(Pin::new(&mut *connection).poll_read(cx, &mut rest))?;
                if rest.filled().is_empty() {
                    return Poll::Ready(Ok(()));
                }
                editor.continue_header(rest.filled())?;
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

#[cfg(test)]
mod tests;
