//! The serving end of a feed: message ids, a bounded ring to resume from, acknowledgements.
//!
//! What is published waits for the slowest client that is connected, so that a replay loses
//! nothing; or, where it must not wait, a client that takes too long is told so and cut. One that
//! comes back resumes from the ring.

mod asked;
mod logged;
mod mending;
mod names;
mod positions;
mod ring;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytestring::ByteString;
use futures_util::{Sink, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::http::header::{HeaderValue, ORIGIN};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use uuid::Uuid;

use crate::amplitude::{json, time};
use crate::browser;
use crate::log_limit::{Kind, LogLimit};

use super::fill::Fill;
use super::log::{Log, LogError, Position};

use logged::Logged;
use ring::{Next, Ring};

pub use asked::{Asked, Types};
pub use logged::LogState;
pub use names::{CLIENT_HEADER, name_of, shown_name};
pub use ring::ClientRow;

/// What a reader says is an acknowledgement: longer messages, in bytes, end its connection.
const HEARD_BYTES: usize = 64 << 10;
/// Messages that a client may be behind before publishing waits for it.
const BEHIND: u64 = 1_000;

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
    log_limit: Arc<LogLimit>,
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
        let ring = Ring::behind(log.newest(), log.positions().clone());
        let (logged, writer) = logged::of(log)?;
        let server = Self::with(address, options, ring, Some(logged));
        writer.start(&server.shared)?;
        Ok(server)
    }

    fn with(address: SocketAddr, options: Options, ring: Ring, logged: Option<Logged>) -> Self {
        let shared = Arc::new(Shared {
            options,
            ring: Mutex::new(ring),
            logged,
            published: watch::Sender::new(0),
            moved: watch::Sender::new(0),
            log_limit: LogLimit::start(),
        });
        Self { shared, address }
    }

    /// Publishes events, in this order and whole; where there is a log, once they are in it.
    pub async fn publish_all(&self, events: Vec<String>) -> Result<(), LogError> {
        if self.shared.ring().ended {
            return Err(LogError::Ended);
        }
        let Some(logged) = &self.shared.logged else {
            for event in &events {
                self.publish(event).await;
            }
            return Ok(());
        };
        logged.publish(events).await
    }

    /// Serves a client until it goes, or is cut: what it asked for, under the name that its
    /// acknowledgements are kept by, at its address.
    pub async fn serve<S>(
        &self,
        mut socket: WebSocketStream<S>,
        asked: Asked,
        (name, address): (&str, IpAddr),
    ) where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let seat = Seat::take(&self.shared, name);
        let shown = shown_name(name);
        let admits = |kind| self.shared.log_limit.admits(kind, address);
        if admits(Kind::Came) {
            tracing::info!("client {shown} came");
        }
        let served = async {
            let floor = seat.catch_up(&mut socket, &asked).await?;
            seat.speak(socket, &asked.types, floor).await
        };
        // A client that goes away is no error: it comes back with what it received last.
        match served.await {
            Ok(Ending::Cut(why)) if admits(Kind::Cut) => {
                tracing::warn!("client {shown} was cut: {why}");
            }
            Ok(Ending::Gone) | Err(_) if admits(Kind::Went) => {
                tracing::info!("client {shown} went");
            }
            Ok(Ending::AllIsSent) if admits(Kind::Went) => {
                tracing::info!("client {shown} was sent all there is");
            }
            _ => {}
        }
    }

    /// The limit of the lines that clients cause in the log.
    pub fn log_limit(&self) -> Arc<LogLimit> {
        self.shared.log_limit.clone()
    }

    /// How each client stands.
    pub fn client_rows(&self) -> Vec<ClientRow> {
        self.shared.ring().rows(time::now())
    }

    /// How full the ring is.
    pub fn ring_fill(&self) -> Fill {
        let most = self.shared.options.ring_bytes;
        self.shared.ring().fill(most, time::now())
    }

    /// How full the log is, and why the last write failed, if it did; none where there is none.
    pub fn log_state(&self) -> Option<LogState> {
        self.shared.logged.as_ref().map(Logged::state)
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
        while !self.shared.ring().is_left() {
            // The sender lives as long as `self`.
            let _ = moved.changed().await;
        }
    }

    /// How many clients are connected.
    pub fn clients(&self) -> usize {
        self.shared.ring().clients()
    }
}

impl Shared {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn may_publish(&self) -> bool {
        self.ring().has_room(&self.options, BEHIND)
    }

    /// A reader came or went: its position is kept for longer, also by the log.
    fn hear_of(&self, name: &str) {
        let position = self.ring().hear_of(name, time::now());
        if let (Some(logged), Some(position)) = (&self.logged, position) {
            logged.position(name.to_owned(), Some(position));
        }
    }

    /// Forgets the positions of readers that were not heard of for long, or are too many.
    fn forget_readers(&self) {
        let forgotten = self.ring().forget(time::now());
        forgotten.tell();
        for name in forgotten.names() {
            if let Some(logged) = &self.logged {
                logged.position(name, None);
            }
        }
    }

    /// One step, so that the ring's order is that of the ids.
    fn push(&self, event: &str) {
        let mut ring = self.ring();
        let id = ring.next_id();
        ring.keep(id, with_id(event, id), &self.options);
    }
}

/// A client's place, from when it comes until it goes.
#[derive(Debug)]
struct Seat<'s> {
    shared: &'s Arc<Shared>,
    client: u64,
    name: &'s str,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.shared.ring().go(self.client);
        self.shared.hear_of(self.name);
        self.shared.moved.send_modify(|n| *n += 1);
    }
}

/// How serving a client ended.
enum Ending {
    /// It went.
    Gone,
    /// There is nothing more to send.
    AllIsSent,
    /// It was cut, because of this.
    Cut(String),
}

/// The field in which a message has its id.
const ID: &str = "message_id";

/// The event with its message id as the first field. One that it brings along, as a recording of
/// a feed does, would be taken for it.
fn with_id(event: &str, id: Uuid) -> ByteString {
    json::with_first(&json::without(event, ID), ID, &format!("\"{id}\"")).into()
}

/// What is taken from a reader.
pub fn heard() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(HEARD_BYTES))
        .max_frame_size(Some(HEARD_BYTES))
}

async fn accept(server: Server, stream: TcpStream, peer: SocketAddr) {
    let mut asked = Asked::default();
    let mut name = String::new();
    #[expect(clippy::result_large_err, reason = "the handshake's own type")]
    let handshake = |request: &Request, response: Response| {
        let origin = request.headers().get(ORIGIN).map(HeaderValue::as_bytes);
        let foreign = browser::refused_socket(origin);
        if let Some(why) = foreign.filter(|_| server.address.ip().is_loopback()) {
            let mut refusal = ErrorResponse::new(Some(why.to_owned()));
            *refusal.status_mut() = StatusCode::FORBIDDEN;
            return Err(refusal);
        }
        asked = request.uri().query().map(Asked::of).unwrap_or_default();
        name = name_of(request.headers(), peer.ip());
        Ok(response)
    };
    // A client that fails the handshake is told so by it; there is nobody else to tell.
    let accepting =
        tokio_tungstenite::accept_hdr_async_with_config(stream, handshake, Some(heard()));
    let Ok(socket) = accepting.await else {
        return;
    };
    server.serve(socket, asked, (&name, peer.ip())).await;
}

impl<'s> Seat<'s> {
    fn take(shared: &'s Arc<Shared>, name: &'s str) -> Self {
        let client = shared.ring().come(name, time::now());
        shared.hear_of(name);
        shared.forget_readers();
        shared.moved.send_modify(|n| *n += 1);
        Self {
            shared,
            client,
            name,
        }
    }

    /// Brings a client that asks for what was, or has acknowledged some of it, to where the ring
    /// has all that comes after; from the log, as far as the ring doesn't go back. Returns the
    /// message up to which it was sent everything.
    async fn catch_up<S>(
        &self,
        socket: &mut WebSocketStream<S>,
        asked: &Asked,
    ) -> Result<Uuid, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let known = |ring: &Ring| ring.acknowledged(self.name);
        let from = match asked.after.as_deref() {
            Some(id) => Some(id.parse().unwrap_or(Uuid::nil())),
            None => known(&self.shared.ring()),
        };
        let Some(mut upto) = from else {
            return Ok(Uuid::nil());
        };
        loop {
            let is_whole = self.shared.ring().go_on_behind(self.client, upto);
            let (false, Some(logged)) = (is_whole, &self.shared.logged) else {
                return Ok(upto);
            };
            let read = logged.send_from(socket, upto, &asked.types, self).await?;
            if read == upto {
                // What is missing is nowhere any more.
                self.shared.ring().go_on_behind(self.client, upto);
                return Ok(upto);
            }
            upto = read;
        }
    }

    /// Sends what the ring has and what comes, and hears what the client says.
    async fn speak<S>(
        &self,
        socket: WebSocketStream<S>,
        types: &Types,
        floor: Uuid,
    ) -> Result<Ending, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let shared = self.shared;
        let (mut sink, mut stream) = socket.split();
        let mut published = shared.published.subscribe();
        loop {
            published.mark_unchanged();
            let next = shared.ring().next(self.client);
            let (some, next) = match next {
                Next::Messages(some, next) => (some, next),
                Next::Ended => {
                    let all = close(CloseCode::Normal, "all is sent".into());
                    sink.send(all).await?;
                    // The peer's own close, or its end.
                    while let Some(Ok(_)) = stream.next().await {}
                    return Ok(Ending::AllIsSent);
                }
                Next::Gone(count) => {
                    let says = format!("too slow: {count} messages have left the ring");
                    sink.send(close(CloseCode::Again, says.clone())).await?;
                    return Ok(Ending::Cut(says));
                }
            };
            if some.is_empty() {
                tokio::select! {
                    _ = published.changed() => {}
                    heard = stream.next() => match heard {
                        None => return Ok(Ending::Gone),
                        Some(heard) => self.hear(&heard?),
                    },
                }
                continue;
            }
            // What was read in the log may come into the ring a moment later.
            let sending = send(&mut sink, &some, floor, types);
            let sent = if shared.options.wait_for_slow {
                sending.await?
            } else {
                match tokio::time::timeout(shared.options.patience, sending).await {
                    Ok(sent) => sent?,
                    // A line that takes nothing takes no close frame either.
                    Err(_) => return Ok(Ending::Cut(self.took_nothing())),
                }
            };
            shared.ring().was_sent(self.client, next, sent);
            shared.moved.send_modify(|n| *n += 1);
        }
    }

    fn took_nothing(&self) -> String {
        let patience = humantime::format_duration(self.shared.options.patience);
        format!("it took nothing for {patience}")
    }

    /// An acknowledgement: all up to that message is safe at the client.
    fn hear(&self, message: &Message) {
        #[derive(serde::Deserialize)]
        struct Acknowledged {
            message_id: Uuid,
        }
        let Message::Text(text) = message else {
            return;
        };
        let Ok(Acknowledged { message_id }) = serde_json::from_str(text) else {
            return;
        };
        let position = Position {
            id: message_id,
            heard_ms: time::now(),
        };
        let (is_news, is_too_many) = {
            let mut ring = self.shared.ring();
            let is_news = ring.acknowledge(self.name, position);
            (is_news, ring.knows_too_many())
        };
        if let Some(logged) = &self.shared.logged
            && is_news
        {
            logged.position(self.name.to_owned(), Some(position));
        }
        if is_too_many {
            self.shared.forget_readers();
        }
    }
}

/// Sends the messages behind `floor` that are of these types; how many they are.
async fn send(
    sink: &mut (impl Sink<Message, Error = Error> + Unpin),
    messages: &[(Uuid, ByteString)],
    floor: Uuid,
    types: &Types,
) -> Result<u64, Error> {
    let mut sent = 0;
    for (id, text) in messages {
        if *id > floor && types.want(text) {
            sink.feed(Message::text(String::from(&**text))).await?;
            sent += 1;
        }
    }
    sink.flush().await.map(|()| sent)
}

fn close(code: CloseCode, says: String) -> Message {
    Message::Close(Some(CloseFrame {
        code,
        reason: says.into(),
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;
    use crate::feed::log::Keep;

    #[tokio::test]
    async fn a_client_that_asks_for_what_is_nowhere_any_more_goes_on_with_what_comes() {
        let folder = tempfile::tempdir().unwrap();
        let keep = Keep {
            age: Duration::from_secs(60),
            bytes: 1_000,
        };
        let options = Options {
            wait_for_client: false,
            wait_for_slow: false,
            ..Options::default()
        };
        // Something was there, has left the ring, and is in no log.
        let ring = Ring::behind(Some(Uuid::now_v7()), HashMap::new());
        let (logged, writer) = logged::of(Log::open(folder.path(), keep).unwrap()).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let server = Server::with(address, options, ring, Some(logged));
        writer.start(&server.shared).unwrap();
        let (near, far) = tokio::io::duplex(4_096);
        let near = WebSocketStream::from_raw_socket(near, Role::Server, None).await;
        let mut far = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
        let serving = server.clone();
        tokio::spawn(async move {
            let asked = Asked::of("last_received=");
            let here = IpAddr::from([127, 0, 0, 1]);
            serving.serve(near, asked, ("a", here)).await;
        });
        while server.clients() == 0 {
            tokio::task::yield_now().await;
        }
        let event = r#"{"event_type":"A"}"#.to_owned();
        server.publish_all(vec![event]).await.unwrap();
        let heard = far.next().await.unwrap().unwrap();
        assert!(heard.to_text().unwrap().ends_with(r#""event_type":"A"}"#));
    }
}
