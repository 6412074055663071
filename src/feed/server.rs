//! The serving end of a feed: message ids, a bounded ring to resume from, acknowledgements.
//!
//! What is published waits for the slowest client that is connected, so that a replay loses
//! nothing; or, where it must not wait, a client that takes too long is told so and cut. One that
//! comes back resumes from the ring.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytestring::ByteString;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use uuid::Uuid;

use crate::amplitude::json;

use super::log::{Log, LogError, Reader};

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
    /// The log on disk, where there is one.
    logged: Option<Logged>,
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
    /// The id of the newest message, of this run or of one before.
    newest: Option<Uuid>,
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
        Self::with(address, options, Ring::default(), None)
    }

    /// The same, with a log: what it holds is served to clients that were away.
    pub fn logging(address: SocketAddr, options: Options, log: Log) -> Result<Self, LogError> {
        let ring = Ring {
            newest: log.newest()?,
            acknowledged: log.acknowledged()?,
            ..Ring::default()
        };
        let reader = Arc::new(Mutex::new(log.reader()?));
        let (orders, inbox) = std::sync::mpsc::channel();
        let server = Self::with(address, options, ring, Some(Logged { reader, orders }));
        let shared = Arc::downgrade(&server.shared);
        std::thread::Builder::new()
            .name("feed-log".to_owned())
            .spawn(move || Writer { shared, log, inbox }.run())
            .map_err(|source| LogError::NoThread { source })?;
        Ok(server)
    }

    fn with(address: SocketAddr, options: Options, ring: Ring, logged: Option<Logged>) -> Self {
        let shared = Arc::new(Shared {
            options,
            ring: Mutex::new(ring),
            logged,
            published: watch::Sender::new(0),
            moved: watch::Sender::new(0),
        });
        Self { shared, address }
    }

    /// Publishes events, in this order and whole; where there is a log, once they are in it.
    pub async fn publish_all(&self, events: Vec<String>) -> Result<(), LogError> {
        let Some(logged) = &self.shared.logged else {
            for event in &events {
                self.publish(event).await;
            }
            return Ok(());
        };
        let (done, written) = oneshot::channel();
        let order = Order::Publish(events, done);
        // The thread lives as long as the server.
        if logged.orders.send(order).is_err() {
            return Err(LogError::Ended);
        }
        written.await.unwrap_or(Err(LogError::Ended))
    }

    /// Serves a client until it goes, or is cut: from what it asked for on, if it did, under the
    /// name that its acknowledgements are kept by.
    pub async fn serve<S>(&self, socket: WebSocketStream<S>, asked: Option<&str>, name: &str)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let shared = &self.shared;
        let mut socket = socket;
        let asked = asked.map(str::trim).map(str::to_owned);
        let mut floor = None;
        if let Some(logged) = &shared.logged
            && let Some(from) = shared.logged_from(asked.as_deref(), name)
        {
            match logged
                .catch_up(&mut socket, from, shared.options.patience)
                .await
            {
                Ok(upto) => floor = Some(upto),
                // It comes back with what it received last.
                Err(_) => return,
            }
        }
        let asked = floor.map(|id: Uuid| id.to_string()).or(asked);
        let (client, position) = shared.start_of(asked.as_deref(), name);
        shared.moved.send_modify(|n| *n += 1);
        let place = Place {
            client,
            position,
            floor,
        };
        // A client that goes away is no error: it comes back with what it received last.
        let _ = speak(shared, socket, place, name).await;
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

    /// One step, so that the ring's order is that of the ids.
    fn push(&self, event: &str) {
        let mut ring = self.ring();
        let id = ring.next_id();
        ring.keep(id, with_id(event, id), &self.options);
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

    /// The message behind which a client has to be caught up from the log; none where it wants
    /// only what comes.
    fn logged_from(&self, asked: Option<&str>, name: &str) -> Option<Uuid> {
        match asked {
            Some(id) => Some(id.parse().unwrap_or(Uuid::nil())),
            None => self.ring().acknowledged.get(name).copied(),
        }
    }

    /// The messages from a place on, a few at a time, or whether there will be none.
    fn next(&self, place: &Place) -> Next {
        let Place {
            client, position, ..
        } = *place;
        let mut ring = self.ring();
        if position < ring.first {
            return Next::Gone(ring.first - position);
        }
        let from = position;
        let index = (from - ring.first) as usize;
        let some = ring.messages.iter().skip(index).take(64);
        let next = from + some.len() as u64;
        // What was read in the log may come into the ring a moment later.
        let is_new = |id: &Uuid| place.floor.is_none_or(|floor| *id > floor);
        let texts: Vec<ByteString> = some
            .filter(|(id, _)| is_new(id))
            .map(|(_, text)| text.clone())
            .collect();
        ring.clients.insert(client, from);
        if ring.ended && next == from {
            return Next::Ended;
        }
        Next::Messages(texts, next)
    }
}

/// Where a client is.
struct Place {
    /// Its number.
    client: u64,
    /// The number of the message that it is sent next.
    position: u64,
    /// The id of the last message that it was sent from the log.
    floor: Option<Uuid>,
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
    /// An id for the next message: of now, and behind all others, whatever the clock says.
    fn next_id(&mut self) -> Uuid {
        let now = Uuid::now_v7();
        let id = match self.newest {
            Some(newest) if now <= newest => Uuid::from_u128(newest.as_u128() + 1),
            _ => now,
        };
        self.newest = Some(id);
        id
    }

    /// Keeps a message for those who are here, and for those who come back soon.
    fn keep(&mut self, id: Uuid, text: ByteString, options: &Options) {
        self.bytes += text.len();
        self.messages.push_back((id, text));
        let slowest = self.slowest().filter(|_| options.wait_for_slow);
        let keep_from = slowest.unwrap_or(u64::MAX);
        while self.bytes > options.ring_bytes && self.messages.len() > 1 && self.first < keep_from {
            if let Some((_, old)) = self.messages.pop_front() {
                self.bytes -= old.len();
                self.first += 1;
            }
        }
    }

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
    json::with_first(event, "message_id", &format!("\"{id}\"")).into()
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
    mut place: Place,
    name: &str,
) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sink, mut stream) = socket.split();
    let mut published = shared.published.subscribe();
    loop {
        published.mark_unchanged();
        let (texts, next) = match shared.next(&place) {
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
        if next == place.position {
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
        place.position = next;
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
        let known = shared
            .ring()
            .acknowledged
            .insert(name.to_owned(), message_id);
        if let Some(logged) = &shared.logged
            && known != Some(message_id)
        {
            // Without the thread there is nothing to keep it for.
            let _ = logged
                .orders
                .send(Order::Acknowledge(name.to_owned(), message_id));
        }
    }
}

/// The log's reader, and the way to its writer.
#[derive(Debug)]
struct Logged {
    reader: Arc<Mutex<Reader>>,
    orders: std::sync::mpsc::Sender<Order>,
}

/// What the log's writer is asked for.
#[derive(Debug)]
enum Order {
    /// Write these events and publish them, and say so.
    Publish(Vec<String>, oneshot::Sender<Result<(), LogError>>),
    /// A client has everything up to this message.
    Acknowledge(String, Uuid),
}

impl Logged {
    /// Sends what the log has behind a message; the id of the last.
    async fn catch_up<S>(
        &self,
        socket: &mut WebSocketStream<S>,
        from: Uuid,
        patience: Duration,
    ) -> Result<Uuid, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut upto = from;
        loop {
            let reader = self.reader.clone();
            let read = tokio::task::spawn_blocking(move || {
                let reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
                reader.after(upto, READ_AT_ONCE)
            });
            let Ok(Ok(some)) = read.await else {
                let says = "the log can't be read".into();
                socket.send(close(CloseCode::Error, says)).await?;
                return Err(Error::ConnectionClosed);
            };
            let Some((last, _)) = some.last() else {
                return Ok(upto);
            };
            upto = *last;
            let sending = async {
                for (_, text) in &some {
                    socket.feed(Message::text(String::from(&**text))).await?;
                }
                socket.flush().await
            };
            let sent = tokio::time::timeout(patience, sending).await;
            sent.map_err(|_| Error::ConnectionClosed)??;
        }
    }
}

/// So many messages are read in the log at once.
const READ_AT_ONCE: u32 = 256;
/// What waits is written together up to so many events.
const WRITTEN_AT_ONCE: usize = 5_000;
/// The log is pruned this often.
const PRUNE: Duration = Duration::from_secs(10);

/// The thread that writes the log: it ends with the server.
struct Writer {
    shared: Weak<Shared>,
    log: Log,
    inbox: std::sync::mpsc::Receiver<Order>,
}

impl Writer {
    fn run(mut self) {
        let mut pruned = Instant::now();
        loop {
            let first = match self.inbox.recv_timeout(PRUNE) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let Some(shared) = self.shared.upgrade() else {
                return;
            };
            if let Some(first) = first {
                self.write(&shared, first);
            }
            if pruned.elapsed() >= PRUNE {
                pruned = Instant::now();
                // What can't be removed now is removed later; what can't be written is told.
                while self
                    .log
                    .prune(crate::amplitude::time::now())
                    .unwrap_or(false)
                {}
            }
        }
    }

    /// Writes what waits in one commit; then it is published, and who waits is told.
    fn write(&mut self, shared: &Shared, first: Order) {
        let (mut messages, mut acknowledged) = (Vec::new(), HashMap::new());
        let mut waiting = Vec::new();
        let mut next = Some(first);
        while let Some(order) = next {
            match order {
                Order::Publish(events, done) => {
                    for event in events {
                        let id = shared.ring().next_id();
                        messages.push((id, with_id(&event, id)));
                    }
                    waiting.push(done);
                }
                Order::Acknowledge(name, id) => _ = acknowledged.insert(name, id),
            }
            next = match messages.len() {
                ..WRITTEN_AT_ONCE => self.inbox.try_recv().ok(),
                _ => None,
            };
        }
        let written = self.log.write(&messages, &acknowledged);
        if written.is_ok() {
            let mut ring = shared.ring();
            for (id, text) in messages {
                ring.keep(id, text, &shared.options);
            }
            drop(ring);
            shared.published.send_modify(|n| *n += 1);
        }
        let why = written.err().map(|error| error.to_string());
        for done in waiting {
            let told = match &why {
                None => Ok(()),
                Some(why) => Err(LogError::Unwritten(why.clone())),
            };
            // Who asked may have gone.
            let _ = done.send(told);
        }
    }
}
