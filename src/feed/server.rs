//! The serving end of a feed: message ids, a bounded ring to resume from, acknowledgements.
//!
//! What is published waits for the slowest client that is connected, so that a replay loses
//! nothing; or, where it must not wait, a client that takes too long is told so and cut. One that
//! comes back resumes from the ring.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytestring::ByteString;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use uuid::Uuid;

/// The header by which a client can name itself, so that its acknowledgements outlive its address.
pub const CLIENT_HEADER: &str = "x-client-name";
/// Messages that a client may be behind before publishing waits for it.
const BEHIND: usize = 1_000;

/// How a server behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Messages are kept up to this size, in bytes, for clients that come back.
    pub ring_bytes: usize,
    /// Whether publishing waits until a client is there.
    pub wait_for_client: bool,
    /// Whether publishing waits for a client that is slow. Otherwise one that takes nothing for
    /// `patience`, or that is sent what has left the ring already, is cut.
    pub wait_for_slow: bool,
    /// So long may a client take nothing.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ring_bytes: 64 << 20,
            wait_for_client: true,
            wait_for_slow: true,
            patience: Duration::from_secs(10),
        }
    }
}

/// A running server.
#[derive(Debug, Clone)]
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    ring: Mutex<Ring>,
    /// Bumped when something was published, or nothing more will be.
    published: watch::Sender<u64>,
    /// Bumped when a client came, went or got on.
    moved: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    messages: VecDeque<(Uuid, ByteString)>,
    /// The number of the first message in `messages`, counted from the start.
    first: u64,
    bytes: usize,
    ended: bool,
    /// Where each connected client stands: the number of the message it is sent next.
    clients: HashMap<u64, u64>,
    next_client: u64,
    /// The last message that each named client acknowledged.
    acknowledged: HashMap<String, Uuid>,
}

impl Server {
    /// Serves on `listener` until the runtime ends.
    pub fn start(listener: TcpListener, options: Options) -> std::io::Result<Self> {
        let server = Self::at(listener.local_addr()?, options);
        let accepting = server.clone();
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, peer)) => {
                        tokio::spawn(accept(accepting.clone(), stream, peer));
                    }
                    // Out of file handles, say: others may close some.
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
                }
            }
        });
        Ok(server)
    }

    /// A server whose clients are brought by [`Self::serve`], at an address that somebody else
    /// listens on.
    pub fn at(address: SocketAddr, options: Options) -> Self {
        let shared = Arc::new(Shared {
            options,
            ring: Mutex::default(),
            published: watch::Sender::new(0),
            moved: watch::Sender::new(0),
        });
        Self { shared, address }
    }

    /// Serves a client until it goes, or is cut: from what it asked for on, if it did, under the
    /// name that its acknowledgements are kept by.
    pub async fn serve<S>(&self, socket: WebSocketStream<S>, asked: Option<&str>, name: &str)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let shared = &self.shared;
        let (client, position) = shared.start_of(asked, name);
        shared.moved.send_modify(|n| *n += 1);
        // A client that goes away is no error: it comes back with what it received last.
        let _ = speak(shared, socket, client, position, name).await;
        shared.ring().clients.remove(&client);
        shared.moved.send_modify(|n| *n += 1);
    }

    /// What is kept for clients that come back: messages, and bytes of them.
    pub fn kept(&self) -> (u64, usize) {
        let ring = self.shared.ring();
        (ring.messages.len() as u64, ring.bytes)
    }

    /// Where to subscribe.
    pub fn url(&self) -> String {
        format!("ws://{}/feed", self.address)
    }

    /// Publishes an event's JSON object with a message id in it. Waits while a client is far
    /// behind, or while none is there, if the options say so.
    pub async fn publish(&self, event: &str) {
        let mut moved = self.shared.moved.subscribe();
        while !self.shared.may_publish() {
            // The sender lives as long as `self`.
            let _ = moved.changed().await;
        }
        self.shared.push(event);
        self.shared.published.send_modify(|n| *n += 1);
    }

    /// Says that no more comes: clients are sent what is there, and then closed.
    pub fn end(&self) {
        self.shared.ring().ended = true;
        self.shared.published.send_modify(|n| *n += 1);
    }

    /// Waits until every connected client was sent everything, and at least one was there.
    pub async fn drained(&self) {
        let mut moved = self.shared.moved.subscribe();
        loop {
            {
                let ring = self.shared.ring();
                if ring.next_client > 0 && ring.clients.is_empty() {
                    return;
                }
            }
            let _ = moved.changed().await;
        }
    }

    /// How many clients are connected.
    pub fn clients(&self) -> usize {
        self.shared.ring().clients.len()
    }
}

impl Shared {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn may_publish(&self) -> bool {
        let ring = self.ring();
        match ring.slowest() {
            Some(_) if !self.options.wait_for_slow => true,
            Some(slowest) => {
                // What a client that is here has not been sent yet must not leave the ring.
                let room = ring.bytes < self.options.ring_bytes || slowest > ring.first;
                room && ring.end() - slowest < BEHIND as u64
            }
            None => !self.options.wait_for_client,
        }
    }

    fn push(&self, event: &str) {
        let mut ring = self.ring();
        let id = Uuid::now_v7();
        let text = with_id(event, id);
        ring.bytes += text.len();
        ring.messages.push_back((id, text));
        let slowest = ring.slowest().filter(|_| self.options.wait_for_slow);
        let keep_from = slowest.unwrap_or(u64::MAX);
        while ring.bytes > self.options.ring_bytes
            && ring.messages.len() > 1
            && ring.first < keep_from
        {
            if let Some((_, old)) = ring.messages.pop_front() {
                ring.bytes -= old.len();
                ring.first += 1;
            }
        }
    }

    /// Where a new client starts: behind the message it names, or that it acknowledged, or at
    /// the first that is kept where it asks for all, or else at what comes next. Before anyone
    /// was there, all that was published waits.
    fn start_of(&self, asked: Option<&str>, name: &str) -> (u64, u64) {
        let mut ring = self.ring();
        let behind = |ring: &Ring, id: Uuid| {
            ring.first + ring.messages.partition_point(|(m, _)| *m <= id) as u64
        };
        let position = match asked.map(str::trim) {
            Some("") => ring.first,
            Some(id) => id.parse().map_or(ring.first, |id| behind(&ring, id)),
            None => match ring.acknowledged.get(name) {
                Some(id) => behind(&ring, *id),
                None if ring.next_client == 0 => ring.first,
                None => ring.end(),
            },
        };
        ring.next_client += 1;
        let client = ring.next_client;
        ring.clients.insert(client, position);
        (client, position)
    }

    /// The messages from `position` on, a few at a time, or whether there will be none.
    fn next(&self, client: u64, position: u64) -> Next {
        let mut ring = self.ring();
        if position < ring.first {
            return Next::Gone(ring.first - position);
        }
        let from = position;
        let index = (from - ring.first) as usize;
        let texts: Vec<ByteString> = ring
            .messages
            .iter()
            .skip(index)
            .take(64)
            .map(|(_, text)| text.clone())
            .collect();
        let next = from + texts.len() as u64;
        ring.clients.insert(client, from);
        if ring.ended && texts.is_empty() {
            return Next::Ended;
        }
        Next::Messages(texts, next)
    }
}

/// What a client is sent next.
enum Next {
    /// These, perhaps none yet; and the number of the one after them.
    Messages(Vec<ByteString>, u64),
    /// Nothing more, ever.
    Ended,
    /// So many messages that it should have been sent have left the ring.
    Gone(u64),
}

impl Ring {
    /// The number of the message that the slowest client is sent next.
    fn slowest(&self) -> Option<u64> {
        self.clients.values().min().copied()
    }

    fn end(&self) -> u64 {
        self.first + self.messages.len() as u64
    }
}

/// The event with its message id as the first field.
fn with_id(event: &str, id: Uuid) -> ByteString {
    let inner = event.trim_start().strip_prefix('{').unwrap_or_default();
    let comma = if inner.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    format!(r#"{{"message_id":"{id}"{comma}{inner}"#).into()
}

async fn accept(server: Server, stream: TcpStream, peer: SocketAddr) {
    let mut asked = None;
    let mut name = peer.ip().to_string();
    #[expect(clippy::result_large_err, reason = "the handshake's own type")]
    let handshake = |request: &Request, response: Response| {
        asked = request.uri().query().and_then(last_received);
        if let Some(own) = request
            .headers()
            .get(CLIENT_HEADER)
            .and_then(|v| v.to_str().ok())
        {
            name = format!("name:{own}");
        }
        Ok(response)
    };
    // A client that fails the handshake is told so by it; there is nobody else to tell.
    let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, handshake).await else {
        return;
    };
    server.serve(socket, asked.as_deref(), &name).await;
}

/// The id behind which a client wants to go on, as its query says.
pub fn last_received(query: &str) -> Option<String> {
    let value = query
        .split('&')
        .find_map(|part| part.strip_prefix("last_received="))?;
    Some(
        percent_encoding::percent_decode_str(value)
            .decode_utf8_lossy()
            .into_owned(),
    )
}

async fn speak<S>(
    shared: &Shared,
    socket: WebSocketStream<S>,
    client: u64,
    mut position: u64,
    name: &str,
) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sink, mut stream) = socket.split();
    let mut published = shared.published.subscribe();
    loop {
        published.mark_unchanged();
        let (texts, next) = match shared.next(client, position) {
            Next::Messages(texts, next) => (texts, next),
            Next::Ended => {
                sink.send(close(CloseCode::Normal, "all is sent".into()))
                    .await?;
                // The peer's own close, or its end.
                while let Some(Ok(_)) = stream.next().await {}
                return Ok(());
            }
            Next::Gone(count) => {
                let says = format!("too slow: {count} messages have left the ring");
                return sink.send(close(CloseCode::Again, says)).await;
            }
        };
        if texts.is_empty() {
            tokio::select! {
                _ = published.changed() => {}
                heard = stream.next() => match heard {
                    None => return Ok(()),
                    Some(heard) => hear(shared, name, &heard?),
                },
            }
            continue;
        }
        let sending = async {
            for text in texts {
                sink.feed(Message::text(String::from(&*text))).await?;
            }
            sink.flush().await
        };
        if shared.options.wait_for_slow {
            sending.await?;
        } else {
            // A line that takes nothing takes no close frame either.
            let sent = tokio::time::timeout(shared.options.patience, sending).await;
            sent.map_err(|_| Error::ConnectionClosed)??;
        }
        position = next;
        shared.moved.send_modify(|n| *n += 1);
    }
}

fn close(code: CloseCode, says: String) -> Message {
    Message::Close(Some(CloseFrame {
        code,
        reason: says.into(),
    }))
}

/// An acknowledgement: all up to that message is safe at the client.
fn hear(shared: &Shared, name: &str, message: &Message) {
    #[derive(serde::Deserialize)]
    struct Acknowledged {
        message_id: Uuid,
    }
    if let Message::Text(text) = message
        && let Ok(Acknowledged { message_id }) = serde_json::from_str(text)
    {
        shared
            .ring()
            .acknowledged
            .insert(name.to_owned(), message_id);
    }
}
