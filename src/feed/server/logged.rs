//! A server's log: the thread that writes it, and catching up from it.

use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytestring::ByteString;
use futures_util::SinkExt;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use uuid::Uuid;

use crate::amplitude::time;
use crate::feed::fill::Fill;
use crate::feed::log::{Damage, Log, LogError, Position, Reader};

use super::asked::Types;
use super::mending::{self, Mending};
use super::{Seat, Shared, close, send, with_id};

/// The log's reader, the way to its writer, and how it stands.
#[derive(Debug)]
pub(super) struct Logged {
    reader: Arc<Mutex<Reader>>,
    orders: Sender<Order>,
    state: Arc<Mutex<LogState>>,
}

/// How a log stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LogState {
    /// How full it is.
    pub fill: Fill,
    /// So long messages are kept, in milliseconds.
    pub keep_ms: u64,
    /// Why the last write or read failed, where it did.
    pub fault: Option<String>,
    /// What damage cost since the server started.
    pub damage: Damage,
}

/// What the log's writer is asked for.
#[derive(Debug)]
enum Order {
    /// Write these events and publish them, and say so.
    Publish(Vec<String>, oneshot::Sender<Result<(), LogError>>),
    /// A reader is so far; without a position, it is forgotten.
    Position(String, Option<Position>),
    /// Mend the file of this generation, which a reader found damaged, and say whether it is sound.
    Mend(String, u64, oneshot::Sender<bool>),
}

/// The two ends of a log.
pub(super) fn of(log: Log) -> Result<(Logged, Unstarted), LogError> {
    let (orders, inbox) = mpsc::channel();
    let state = Arc::new(Mutex::new(LogState::default()));
    let reader = Arc::new(Mutex::new(log.reader()?));
    let logged = Logged {
        reader: reader.clone(),
        orders,
        state: state.clone(),
    };
    let unstarted = Unstarted {
        mending: Mending::new(reader),
        log,
        inbox,
        state,
    };
    Ok((logged, unstarted))
}

impl Logged {
    /// Has events written and published; done once they are on disk.
    pub(super) async fn publish(&self, events: Vec<String>) -> Result<(), LogError> {
        let (done, written) = oneshot::channel();
        // The thread lives as long as the server.
        if self.orders.send(Order::Publish(events, done)).is_err() {
            return Err(LogError::Ended);
        }
        written.await.unwrap_or(Err(LogError::Ended))
    }

    /// Has written down how far a reader is, or that it is forgotten.
    pub(super) fn position(&self, name: String, position: Option<Position>) {
        // Without the thread there is nothing to keep it for.
        let _ = self.orders.send(Order::Position(name, position));
    }

    pub(super) fn state(&self) -> LogState {
        locked(&self.state).clone()
    }

    /// Sends what the log has behind a message; the id of the last.
    pub(super) async fn send_from<S>(
        &self,
        socket: &mut WebSocketStream<S>,
        from: Uuid,
        types: &Types,
        reader: &Seat<'_>,
    ) -> Result<Uuid, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let shared = reader.shared;
        shared.ring().reads_log(reader.client, from, 0);
        let mut upto = from;
        loop {
            let Some(some) = self.read(upto).await else {
                let says = "the log can't be read".into();
                socket.send(close(CloseCode::Error, says)).await?;
                return Err(Error::ConnectionClosed);
            };
            let Some((last, _)) = some.last() else {
                return Ok(upto);
            };
            upto = *last;
            let sending = send(socket, &some, from, types);
            let sent = tokio::time::timeout(shared.options.patience, sending).await;
            let sent = sent.map_err(|_| Error::ConnectionClosed)??;
            shared.ring().reads_log(reader.client, upto, sent);
        }
    }

    /// Reads the messages behind an id. Where the file is damaged, it is mended first; nothing
    /// where it still can't be read.
    async fn read(&self, upto: Uuid) -> Option<Vec<(Uuid, ByteString)>> {
        let mut attempts = mending::ATTEMPTS;
        loop {
            let log = self.reader.clone();
            let reading = tokio::task::spawn_blocking(move || {
                let log = locked(&log);
                (log.after(upto, AT_ONCE), log.generation)
            });
            let (error, generation) = match reading.await.ok()? {
                (Ok(some), _) => return Some(some),
                (Err(error), generation) => (error, generation),
            };
            attempts -= 1;
            if attempts == 0 || !Reader::is_damage(&error) {
                locked(&self.state).fault = Some(format!("the log can't be read: {error}"));
                tracing::error!("the log of messages can't be read: {error}");
                return None;
            }
            let (done, mended) = oneshot::channel();
            let order = Order::Mend(error.to_string(), generation, done);
            self.orders.send(order).ok()?;
            if !mended.await.ok()? {
                return None;
            }
        }
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So many messages are read in the log at once.
const AT_ONCE: u32 = 256;
/// What waits is written together up to so many events.
const WRITTEN_AT_ONCE: usize = 5_000;
/// The log is pruned this often.
const PRUNE: Duration = Duration::from_secs(10);

/// The writer, before its thread runs.
pub(super) struct Unstarted {
    mending: Mending,
    log: Log,
    inbox: Receiver<Order>,
    state: Arc<Mutex<LogState>>,
}

impl Unstarted {
    /// Runs it, until the server ends.
    pub(super) fn start(self, shared: &Arc<Shared>) -> Result<(), LogError> {
        let mut writer = Writer {
            shared: Arc::downgrade(shared),
            mending: self.mending,
            log: self.log,
            inbox: self.inbox,
            state: self.state,
        };
        writer.tell(None);
        std::thread::Builder::new()
            .name("feed-log".to_owned())
            .spawn(move || writer.run())
            .map(drop)
            .map_err(|source| LogError::NoThread { source })
    }
}

/// The thread that writes the log: it ends with the server.
struct Writer {
    shared: Weak<Shared>,
    mending: Mending,
    log: Log,
    inbox: Receiver<Order>,
    state: Arc<Mutex<LogState>>,
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
                self.prune();
                shared.forget_readers();
                let fault = locked(&self.state).fault.clone();
                self.tell(fault);
            }
        }
    }

    /// Removes what is too old or too much. What can't be removed now is removed later; what can't
    /// be written is told.
    fn prune(&mut self) {
        loop {
            match self.log.prune(time::now()) {
                Ok(true) => {}
                Err(error) if self.mending.mend(&mut self.log, &error).is_ok() => {}
                Ok(false) | Err(_) => return,
            }
        }
    }

    /// Tells how the log stands.
    fn tell(&mut self, fault: Option<String>) {
        let state = LogState {
            fill: self.log.fill(time::now()),
            keep_ms: self.log.keep().age.as_millis() as u64,
            fault,
            damage: self.log.damage().clone(),
        };
        *locked(&self.state) = state;
    }

    /// Writes what waits in one commit; then it is published, and who waits is told.
    fn write(&mut self, shared: &Shared, first: Order) {
        let (mut messages, mut positions) = (Vec::new(), HashMap::new());
        let (mut waiting, mut finders) = (Vec::new(), Vec::new());
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
                Order::Position(name, position) => _ = positions.insert(name, position),
                Order::Mend(why, generation, done) => {
                    let mended = self.mending.mend_found(&mut self.log, &why, generation);
                    finders.push((done, mended.is_ok()));
                }
            }
            next = match messages.len() {
                ..WRITTEN_AT_ONCE => self.inbox.try_recv().ok(),
                _ => None,
            };
        }
        let written = self.log.write(&messages, &positions).or_else(|error| {
            self.mending.mend(&mut self.log, &error)?;
            self.log.write(&messages, &positions)
        });
        if written.is_ok() {
            let mut ring = shared.ring();
            for (id, text) in messages {
                ring.keep(id, text, &shared.options);
            }
            drop(ring);
            shared.published.send_modify(|n| *n += 1);
        }
        let why = written.err().map(|error| error.to_string());
        // Who is answered may ask how it stands.
        self.tell(why.clone());
        for (done, is_sound) in finders {
            let _ = done.send(is_sound);
        }
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
