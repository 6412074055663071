//! Connections to a member's control API through NATS, for a screen that reaches the servers and not the
//! members' machines.
//!
//! Whoever connects sends the subject on which it listens to `PREFIX.control.MEMBER`, and the member answers
//! with a subject of its own. From then on each side sends messages to the other's subject: a kind, and for
//! data a number from 1, by which a lost message is noticed. NATS gives no flow control to messages without
//! a stream, so a side sends no more than [`WINDOW`] data messages which the other has not confirmed.

use std::io;
use std::time::Duration;

use async_nats::{Client, Subject, Subscriber};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::connection::Connection;
use super::error::{GroupError, InGroup as _, in_time};

/// Data messages that are sent before the first of them is confirmed.
const WINDOW: usize = 16;
/// Maximum bytes in a data message: far below what servers allow.
const CHUNK: usize = 32 * 1_024;
/// Interval of signs of life.
const BEAT: Duration = Duration::from_secs(3);
/// A tunnel on which nothing came for this time is given up.
const SILENCE: Duration = Duration::from_secs(10);
/// Maximum time until a member answers.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a failed request was for.
const CONNECT: &str = "connect to the member";

/// A message of a tunnel.
#[derive(Debug, PartialEq, Eq)]
enum Message {
    /// Bytes, with their number.
    Data(u64, Bytes),
    /// So many data messages are taken; 0 is a sign of life.
    Taken(u32),
    /// There will be no more data.
    End,
}

impl Message {
    fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::new();
        match self {
            Self::Data(number, data) => {
                bytes.put_u8(b'd');
                bytes.put_u64(*number);
                bytes.extend_from_slice(data);
            }
            Self::Taken(count) => {
                bytes.put_u8(b't');
                bytes.put_u32(*count);
            }
            Self::End => bytes.put_u8(b'e'),
        }
        bytes.freeze()
    }

    fn parse(mut bytes: Bytes) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        let rest = bytes.split_off(1);
        match (bytes[0], rest) {
            (b'd', mut rest) if rest.len() >= 8 => {
                let data = rest.split_off(8);
                let number = rest.as_ref().try_into().ok()?;
                Some(Self::Data(u64::from_be_bytes(number), data))
            }
            (b't', rest) => {
                let count = rest.as_ref().try_into().ok()?;
                Some(Self::Taken(u32::from_be_bytes(count)))
            }
            (b'e', _) => Some(Self::End),
            _ => None,
        }
    }
}

/// One end of a tunnel.
#[derive(Debug)]
pub struct Tunnel {
    client: Client,
    incoming: Subscriber,
    peer: Subject,
}

/// What is sent to the other end of a tunnel.
struct Sender {
    client: Client,
    peer: Subject,
    /// A permit for each data message that may be sent.
    window: Semaphore,
}

impl Tunnel {
    /// Carries what is read from `stream` to the other end, and writes to it what comes from there, until
    /// one of both ends, or fails.
    pub async fn carry(self, stream: impl AsyncRead + AsyncWrite) -> io::Result<()> {
        let (read, write) = tokio::io::split(stream);
        let sender = Sender {
            client: self.client,
            peer: self.peer,
            window: Semaphore::new(WINDOW),
        };
        tokio::select! {
            ended = sender.send_all(read) => ended,
            ended = sender.take_all(self.incoming, write) => ended,
            failed = sender.beat() => failed,
        }
    }
}

impl Sender {
    /// Sends what is read, and its end.
    async fn send_all(&self, read: impl AsyncRead) -> io::Result<()> {
        let mut read = std::pin::pin!(read);
        let mut buffer = BytesMut::new();
        for number in 1.. {
            // It comes back when the other end confirms the message.
            let permit = self.window.acquire().await;
            permit.map_err(io::Error::other)?.forget();
            buffer.reserve(CHUNK);
            let mut part = (&mut read).take(CHUNK as u64);
            if part.read_buf(&mut buffer).await? == 0 {
                break;
            }
            let data = buffer.split().freeze();
            self.send(Message::Data(number, data)).await?;
        }
        self.send(Message::End).await?;
        self.client.flush().await.map_err(io::Error::other)
    }

    /// Writes what comes, confirms it, and takes the other end's confirmations.
    async fn take_all(&self, mut incoming: Subscriber, write: impl AsyncWrite) -> io::Result<()> {
        let mut write = std::pin::pin!(write);
        let mut next = 1;
        loop {
            let message = timeout(SILENCE, incoming.next()).await;
            let message = message.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
            match message.and_then(|message| Message::parse(message.payload)) {
                Some(Message::Data(number, data)) if number == next => {
                    next += 1;
                    write.write_all(&data).await?;
                    write.flush().await?;
                    self.send(Message::Taken(1)).await?;
                }
                Some(Message::Taken(count)) => {
                    // More than was sent would be a fault of the other end.
                    let sent = WINDOW.saturating_sub(self.window.available_permits());
                    self.window.add_permits(sent.min(count as usize));
                }
                Some(Message::End) => return write.shutdown().await,
                Some(Message::Data(..)) | None => {
                    return Err(io::Error::other("a message of the tunnel was lost"));
                }
            }
        }
    }

    /// Gives signs of life until one can't be sent.
    async fn beat(&self) -> io::Result<()> {
        loop {
            tokio::time::sleep(BEAT).await;
            self.send(Message::Taken(0)).await?;
        }
    }

    async fn send(&self, message: Message) -> io::Result<()> {
        let sent = self.client.publish(self.peer.clone(), message.to_bytes());
        sent.await.map_err(io::Error::other)
    }
}

impl Connection {
    /// Opens a tunnel to a member.
    pub async fn tunnel(&self, member: &str) -> Result<Tunnel, GroupError> {
        let client = self.client.clone();
        let own = client.new_inbox();
        let incoming = client.subscribe(own.clone()).await.in_group(CONNECT)?;
        let asking = async {
            let subject = self.names.control(member);
            let answer = client.request(subject, own.into()).await;
            answer.in_group(CONNECT)
        };
        let answer = in_time(PATIENCE, CONNECT, asking).await?;
        Ok(Tunnel {
            client,
            incoming,
            peer: subject(&answer.payload)?,
        })
    }

    /// Takes connections to the control API of a member until the task is aborted. `serve` gets each
    /// tunnel.
    pub(super) async fn take_tunnels(
        &self,
        member: &str,
        mut serve: impl FnMut(Tunnel),
    ) -> Result<(), GroupError> {
        let client = self.client.clone();
        let subscribed = client.subscribe(self.names.control(member)).await;
        let mut requests = subscribed.in_group("take connections of screens")?;
        while let Some(request) = requests.next().await {
            let Some(answer_to) = request.reply else {
                continue;
            };
            let own = client.new_inbox();
            let incoming = client.subscribe(own.clone()).await.in_group(CONNECT)?;
            let peer = match subject(&request.payload) {
                Ok(peer) => peer,
                Err(error) => {
                    tracing::debug!("{error}");
                    continue;
                }
            };
            let answered = client.publish(answer_to, own.into()).await;
            answered.in_group(CONNECT)?;
            serve(Tunnel {
                client: client.clone(),
                incoming,
                peer,
            });
        }
        Ok(())
    }
}

/// The subject in a message that opens a tunnel. Only inboxes are taken, or whoever may connect could have
/// anything published.
fn subject(payload: &Bytes) -> Result<Subject, GroupError> {
    let text = std::str::from_utf8(payload).unwrap_or_default();
    let is_inbox = text.starts_with("_INBOX.")
        && !text.contains(|c: char| c.is_whitespace() || c == '*' || c == '>');
    if !is_inbox {
        return Err(GroupError::failed(CONNECT, "it names no inbox"));
    }
    Ok(Subject::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_they_were_written_and_others_are_none() {
        let data = Message::Data(u64::MAX - 1, Bytes::from_static(b"abc"));
        for message in [data, Message::Taken(7), Message::End] {
            assert_eq!(Message::parse(message.to_bytes()), Some(message));
        }
        for text in ["", "d1234567", "t123", "t12345", "x"] {
            assert_eq!(Message::parse(Bytes::from_static(text.as_bytes())), None);
        }
        let taken = |text: &'static str| subject(&Bytes::from_static(text.as_bytes())).is_ok();
        assert!(taken("_INBOX.abc.1"));
        assert!(!taken("shop.events.1") && !taken("_INBOX.>") && !taken("_INBOX.a b"));
    }
}
