//! The connections of a relay: how many there are, and which of them has to go for a new one.
//!
//! Who opens connections and says nothing must not keep out who sends events. Where there are as
//! many as there may be, the oldest goes of which no request has come; else the oldest whose
//! request did not name the secret yet. One that has named it, or reads the feed, never goes.

use std::collections::BTreeSet;
use std::future::{Ready, ready};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum_server::accept::Accept;
use rustc_hash::FxHashMap;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Descriptors that are left to everything but connections: the log, the spool, the terminal.
const KEPT_DESCRIPTORS: usize = 64;
/// No more connections than this, however many descriptors there are: each takes some 20 kB.
const MOST: usize = 10_000;
/// One address may have this share of them, unless it is this machine's own, where a proxy is.
const SHARE_OF_AN_ADDRESS: usize = 2;

/// How far a connection has come. The order is the order in which they have to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// No request is under way.
    Silent,
    /// The head of a request has come.
    Asking,
    /// It has named the secret, or reads the feed.
    Known,
}

/// The connections that are open, by who has them.
#[derive(Debug, Clone)]
pub(super) struct Connections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    by_peer: FxHashMap<SocketAddr, Connection>,
    of_address: FxHashMap<IpAddr, usize>,
    /// Those that may have to go, by level and age.
    order: BTreeSet<(Level, u64, SocketAddr)>,
    opened: u64,
}

#[derive(Debug)]
struct Connection {
    level: Level,
    age: u64,
    close: CancellationToken,
}

impl Connections {
    /// As many as this process has descriptors for.
    pub(super) fn new() -> Self {
        Self::up_to(crate::descriptors::limit().saturating_sub(KEPT_DESCRIPTORS))
    }

    fn up_to(most: usize) -> Self {
        Self(Arc::new(Shared {
            most: most.clamp(1, MOST),
            open: Mutex::default(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The head of a request has come.
    pub(super) fn asks(&self, peer: SocketAddr) {
        self.lock().set(peer, Level::Asking);
    }

    /// Its answer is on the way.
    pub(super) fn is_answered(&self, peer: SocketAddr) {
        self.lock().set(peer, Level::Silent);
    }

    /// It has named the secret, or reads the feed.
    pub(super) fn is_known(&self, peer: SocketAddr) {
        self.lock().set(peer, Level::Known);
    }

    /// A new connection, for which another one may have to go: what closes it, and its age.
    /// Nothing where none can go.
    fn admit(&self, peer: SocketAddr) -> Option<(CancellationToken, u64)> {
        let mut open = self.lock();
        let is_crowded = open.by_peer.len() >= self.0.most;
        let is_greedy = !peer.ip().is_loopback()
            && open.of_address.get(&peer.ip()).copied().unwrap_or(0)
                >= self.0.most.div_ceil(SHARE_OF_AN_ADDRESS);
        if is_greedy {
            open.close_one(|other| other.ip() == peer.ip())?;
        } else if is_crowded {
            open.close_one(|_| true)?;
        }
        Some(open.add(peer))
    }
}

impl Open {
    fn add(&mut self, peer: SocketAddr) -> (CancellationToken, u64) {
        self.opened += 1;
        let connection = Connection {
            level: Level::Silent,
            age: self.opened,
            close: CancellationToken::new(),
        };
        let close = connection.close.clone();
        self.order.insert((Level::Silent, connection.age, peer));
        *self.of_address.entry(peer.ip()).or_default() += 1;
        self.by_peer.insert(peer, connection);
        (close, self.opened)
    }

    fn set(&mut self, peer: SocketAddr, level: Level) {
        let Some(connection) = self.by_peer.get_mut(&peer) else {
            return;
        };
        if connection.level == Level::Known {
            return;
        }
        self.order.remove(&(connection.level, connection.age, peer));
        connection.level = level;
        if level != Level::Known {
            self.order.insert((level, connection.age, peer));
        }
    }

    /// Closes the first of those that may have to go and that `may` says.
    fn close_one(&mut self, may: impl Fn(&SocketAddr) -> bool) -> Option<()> {
        let first = self.order.iter().find(|(_, _, peer)| may(peer));
        let (_, age, peer) = *first?;
        self.remove(peer, age)?.close.cancel();
        Some(())
    }

    fn remove(&mut self, peer: SocketAddr, age: u64) -> Option<Connection> {
        if self.by_peer.get(&peer)?.age != age {
            return None;
        }
        let connection = self.by_peer.remove(&peer)?;
        self.order.remove(&(connection.level, connection.age, peer));
        if let Some(count) = self.of_address.get_mut(&peer.ip()) {
            *count -= 1;
            if *count == 0 {
                self.of_address.remove(&peer.ip());
            }
        }
        Some(connection)
    }
}

impl<S> Accept<TcpStream, S> for Connections {
    type Stream = Stream;
    type Service = S;
    type Future = Ready<io::Result<(Stream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let taken = stream.peer_addr().and_then(|peer| {
            let (close, age) = self
                .admit(peer)
                .ok_or_else(|| io::Error::other("there are too many connections"))?;
            Ok(Stream {
                socket: stream,
                is_closed: Box::pin(close.cancelled_owned()),
                _place: Place {
                    connections: self.clone(),
                    peer,
                    age,
                },
            })
        });
        ready(taken.map(|stream| (stream, service)))
    }
}

/// A connection until it ends, or has to go for another one.
#[derive(Debug)]
pub(super) struct Stream {
    socket: TcpStream,
    is_closed: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: Place,
}

/// Its place among the connections, which is free again when this is dropped.
#[derive(Debug)]
struct Place {
    connections: Connections,
    peer: SocketAddr,
    age: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().remove(self.peer, self.age);
    }
}

impl Stream {
    /// An error once it has to go; who reads or writes is woken then.
    fn poll_open(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.is_closed.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_open(context)?;
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_open(context)?;
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_open(context)?;
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: [u8; 4], port: u16) -> SocketAddr {
        (address, port).into()
    }

    #[test]
    fn the_oldest_silent_one_goes_first_and_one_that_is_known_never() {
        let all = Connections::up_to(3);
        let here = |port| peer([127, 0, 0, 1], port);
        let known = all.admit(here(1)).unwrap().0;
        all.is_known(here(1));
        let asking = all.admit(here(2)).unwrap().0;
        all.asks(here(2));
        let silent = all.admit(here(3)).unwrap().0;
        let new = all.admit(here(4)).unwrap().0;
        assert!(silent.is_cancelled(), "younger than the one that asks");
        all.is_known(here(4));
        all.is_answered(here(1));
        let newer = all.admit(here(5)).unwrap().0;
        assert!(asking.is_cancelled());
        all.is_known(here(5));
        assert!(all.admit(here(6)).is_none(), "nobody can go");
        assert!(
            ![known, new, newer]
                .iter()
                .any(CancellationToken::is_cancelled)
        );
    }

    #[test]
    fn an_address_that_has_its_share_makes_room_for_itself_only() {
        let all = Connections::up_to(4);
        let greedy = |port| peer([192, 0, 2, 1], port);
        let other = all.admit(peer([192, 0, 2, 2], 1)).unwrap().0;
        let first = all.admit(greedy(1)).unwrap().0;
        let second = all.admit(greedy(2)).unwrap().0;
        all.admit(greedy(3)).unwrap();
        assert!(first.is_cancelled() && !second.is_cancelled() && !other.is_cancelled());
    }

    #[test]
    fn a_place_that_is_free_again_is_anyones() {
        let all = Connections::up_to(1);
        let here = peer([127, 0, 0, 1], 1);
        all.admit(here).unwrap();
        all.is_known(here);
        assert!(all.admit(peer([127, 0, 0, 1], 2)).is_none());
        drop(Place {
            connections: all.clone(),
            peer: here,
            age: 1,
        });
        assert!(all.admit(peer([127, 0, 0, 1], 2)).is_some());
        assert_eq!(all.lock().of_address.len(), 1);
    }
}
