//! Reading the head of an HTTP/1 answer from a connection that then changes its protocol.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};
use tokio::time::timeout;

use crate::text::excerpt;

/// Maximum size of a head in bytes, and maximum number of its headers.
const HEAD_BYTES: usize = 64 << 10;
const HEADERS: usize = 128;
/// Maximum bytes that are read of a refusal's body, and maximum characters in its excerpt.
const BODY_BYTES: u64 = 2_000;
const BODY_CHARS: usize = 120;
/// Maximum time to wait for that body.
const BODY_WAIT: Duration = Duration::from_millis(500);

/// A status and headers.
#[derive(Debug)]
pub struct Head {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
}

/// Why a head could not be read.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// The connection failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The connection ended.
    #[error("the connection ended before an answer")]
    Ended,
    /// The head is too long.
    #[error("the answer's head is longer than {HEAD_BYTES} bytes")]
    Long,
    /// The status of its answer.is not HTTP.
    #[error("the answer is not HTTP: “{0}”")]
    NotHttp(String),
}

/// Reads the head of the final answer. The bytes after it stay unread.
pub async fn read<S: AsyncBufRead + Unpin>(stream: &mut S) -> Result<Head, HeadError> {
    let mut left = HEAD_BYTES;
    loop {
        let head = read_one(stream, &mut left).await?;
        let is_interim =
            head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS;
        if !is_interim {
            return Ok(head);
        }
    }
}

async fn read_one<S: AsyncBufRead + Unpin>(
    stream: &mut S,
    left: &mut usize,
) -> Result<Head, HeadError> {
    let mut head = Vec::new();
    loop {
        let mut limited = (&mut *stream).take(*left as u64);
        let read = limited.read_until(b'\n', &mut head).await?;
        *left -= read;
        let may_be_http = head.starts_with(b"HTTP/") || b"HTTP/".starts_with(&head);
        if !may_be_http {
            return Err(HeadError::NotHttp(first_line(&head)));
        }
        if read == 0 || !head.ends_with(b"\n") {
            // An incomplete line means that the connection ended, or that the limit is reached.
            let why = if *left == 0 {
                HeadError::Long
            } else {
                HeadError::Ended
            };
            return Err(why);
        }
        if head.ends_with(b"\r\n\r\n") || head.ends_with(b"\n\n") {
            return parse(&head);
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Head, HeadError> {
    let broken = || HeadError::NotHttp(first_line(bytes));
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let complete = answer.parse(bytes).is_ok_and(|status| status.is_complete());
    let status = answer.code.filter(|_| complete).ok_or_else(broken)?;
    let status = StatusCode::from_u16(status).map_err(|_| broken())?;
    let mut map = HeaderMap::new();
    for header in answer.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| broken())?;
        let value = HeaderValue::from_bytes(header.value).map_err(|_| broken())?;
        map.append(name, value);
    }
    Ok(Head {
        status,
        headers: map,
    })
}

impl Head {
    /// Whether a header that lists tokens, in one or more lines, has this one.
    pub fn has_token(&self, name: HeaderName, token: &str) -> bool {
        let lines = self.headers.get_all(name).into_iter();
        lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .any(|one| one.trim().eq_ignore_ascii_case(token))
    }

    /// A header's value, if it is text.
    pub fn text(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The first line of the body, safe for a terminal; empty if none arrives in time.
pub async fn body_excerpt<S: AsyncBufRead + Unpin>(stream: &mut S) -> String {
    let mut body = Vec::new();
    let mut limited = stream.take(BODY_BYTES);
    // The excerpt uses whatever arrived in time.
    let _ = timeout(BODY_WAIT, limited.read_to_end(&mut body)).await;
    first_line(&body)
}

fn first_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    excerpt(line.unwrap_or_default(), BODY_CHARS)
}

#[cfg(test)]
mod tests {
    use http::header::CONNECTION;
    use tokio::io::BufReader;

    use super::*;

    async fn head_of(bytes: &[u8]) -> Result<(Head, String), HeadError> {
        let mut stream = BufReader::with_capacity(7, bytes);
        let head = read(&mut stream).await?;
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await?;
        Ok((head, rest))
    }

    #[tokio::test]
    async fn a_head_is_read_exactly_to_its_end() {
        let (head, rest) = head_of(
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nConnection: keep-alive\r\nconnection: x, UPGRADE\r\n\r\nframes",
        )
        .await
        .unwrap();
        assert_eq!(head.status, StatusCode::SWITCHING_PROTOCOLS);
        assert!(head.has_token(CONNECTION, "upgrade"));
        assert!(!head.has_token(CONNECTION, "close"));
        assert_eq!(rest, "frames");
    }

    #[tokio::test]
    async fn an_invalid_head_is_reported() {
        let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(HEAD_BYTES));
        for (bytes, says) in [
            (&b""[..], "the connection ended before"),
            (
                b"HTTP/1.1 200 OK\r\nX: y\r\n",
                "the connection ended before",
            ),
            (
                b"SSH-2.0-OpenSSH_9\r\n",
                "the answer is not HTTP: “SSH-2.0-OpenSSH_9”",
            ),
            (b"\x15\x03\x01\x00\x02", "the answer is not HTTP: “␕␃␁␀␂”"),
            (long.as_bytes(), "longer than"),
        ] {
            let error = head_of(bytes).await.unwrap_err().to_string();
            assert!(error.starts_with(says) || error.contains(says), "{error}");
        }
    }
}
