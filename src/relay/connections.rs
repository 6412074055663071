//! Limits the connections of a relay, and chooses which one is closed for a new one.
//!
//! Idle connections must not keep senders out. At the limit, the oldest connection without a request
//! in progress is closed, or else the oldest whose request has not given the secret yet. A trusted
//! connection, which has given it or reads the feed, is never closed.

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

/// File descriptors reserved for everything but connections: the log, the spool, the terminal.
const RESERVED_DESCRIPTORS: usize = 64;
/// Maximum number of connections, also with more descriptors: each takes about 20 kB of memory.
const MAX_CONNECTIONS: usize = 10_000;
/// One address may have 1 in this many connections. Loopback is exempt, because a proxy may run there.
const PER_ADDRESS_DIVISOR: usize = 2;

/// The stage of a connection. The least stage is closed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// No request is in progress.
    Idle,
    /// The head of a request has arrived.
    Requesting,
    /// It has given the secret, or reads the feed.
    Trusted,
}

/// The open connections.
#[derive(Debug, Clone)]
pub(super) struct Connections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    by_peer: FxHashMap<SocketAddr, Connection>,
    /// Number of connections per address.
    per_address: FxHashMap<IpAddr, usize>,
    /// The connections that may be closed, by stage and age.
    order: BTreeSet<(Stage, u64, SocketAddr)>,
    /// Number of connections that were ever opened.
    opened: u64,
}

#[derive(Debug)]
struct Connection {
    stage: Stage,
    /// The value of `opened` when it was opened.
    sequence: u64,
    close: CancellationToken,
}

impl Connections {
    /// Limits connections by the file descriptors of this process.
    pub(super) fn new() -> Self {
        Self::up_to(crate::descriptors::limit().saturating_sub(RESERVED_DESCRIPTORS))
    }

    fn up_to(limit: usize) -> Self {
        Self(Arc::new(Shared {
            limit: limit.clamp(1, MAX_CONNECTIONS),
            open: Mutex::default(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The head of a request has arrived.
    pub(super) fn mark_requesting(&self, peer: SocketAddr) {
        self.lock().set(peer, Stage::Requesting);
    }

    /// The answer to a request was returned.
    pub(super) fn mark_idle(&self, peer: SocketAddr) {
        self.lock().set(peer, Stage::Idle);
    }

    /// It has given the secret, or reads the feed.
    pub(super) fn mark_trusted(&self, peer: SocketAddr) {
        self.lock().set(peer, Stage::Trusted);
    }

    /// Admits a new connection, and closes another one for it at the limit. Returns its close signal
    /// and sequence number; none if no other can be closed.
    fn admit(&self, peer: SocketAddr) -> Option<(CancellationToken, u64)> {
        let mut open = self.lock();
        let is_full = open.by_peer.len() >= self.0.limit;
        let address_is_full = !peer.ip().is_loopback()
            && open.per_address.get(&peer.ip()).copied().unwrap_or(0)
                >= self.0.limit.div_ceil(PER_ADDRESS_DIVISOR);
        if address_is_full {
            open.close_one(|other| other.ip() == peer.ip())?;
        } else if is_full {
            open.close_one(|_| true)?;
        }
        Some(open.add(peer))
    }
}

impl Open {
    fn add(&mut self, peer: SocketAddr) -> (CancellationToken, u64) {
        self.opened += 1;
        let connection = Connection {
            stage: Stage::Idle,
            sequence: self.opened,
            close: CancellationToken::new(),
        };
        let close = connection.close.clone();
        self.order.insert((Stage::Idle, connection.sequence, peer));
        *self.per_address.entry(peer.ip()).or_default() += 1;
        self.by_peer.insert(peer, connection);
        (close, self.opened)
    }

    fn set(&mut self, peer: SocketAddr, stage: Stage) {
        let Some(connection) = self.by_peer.get_mut(&peer) else {
            return;
        };
        if connection.stage == Stage::Trusted {
            return;
        }
        self.order
            .remove(&(connection.stage, connection.sequence, peer));
        connection.stage = stage;
        if stage != Stage::Trusted {
            self.order.insert((stage, connection.sequence, peer));
        }
    }

    /// Closes the first connection that may be closed and that `filter` accepts.
    fn close_one(&mut self, filter: impl Fn(&SocketAddr) -> bool) -> Option<()> {
        let first = self.order.iter().find(|(_, _, peer)| filter(peer));
        let (_, sequence, peer) = *first?;
        self.remove(peer, sequence)?.close.cancel();
        Some(())
    }

    fn remove(&mut self, peer: SocketAddr, sequence: u64) -> Option<Connection> {
        if self.by_peer.get(&peer)?.sequence != sequence {
            return None;
        }
        let connection = self.by_peer.remove(&peer)?;
        self.order
            .remove(&(connection.stage, connection.sequence, peer));
        if let Some(count) = self.per_address.get_mut(&peer.ip()) {
            *count -= 1;
            if *count == 0 {
                self.per_address.remove(&peer.ip());
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
        let admitted = stream.peer_addr().and_then(|peer| {
            let (close, sequence) = self
                .admit(peer)
                .ok_or_else(|| io::Error::other("there are too many connections"))?;
            Ok(Stream {
                socket: stream,
                is_closed: Box::pin(close.cancelled_owned()),
                _slot: Slot {
                    connections: self.clone(),
                    peer,
                    sequence,
                },
            })
        });
        ready(admitted.map(|stream| (stream, service)))
    }
}

/// A connection that can be closed for another one.
#[derive(Debug)]
pub(super) struct Stream {
    socket: TcpStream,
    is_closed: Pin<Box<WaitForCancellationFutureOwned>>,
    _slot: Slot,
}

/// The entry of a connection; removed on drop.
#[derive(Debug)]
struct Slot {
    connections: Connections,
    peer: SocketAddr,
    sequence: u64,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.lock().remove(self.peer, self.sequence);
    }
}

impl Stream {
    /// Fails once the connection must close. Wakes the task that reads or writes.
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
    fn the_oldest_idle_connection_is_closed_first_and_a_trusted_one_never() {
        let all = Connections::up_to(3);
        let here = |port| peer([127, 0, 0, 1], port);
        let trusted = all.admit(here(1)).unwrap().0;
        all.mark_trusted(here(1));
        let requesting = all.admit(here(2)).unwrap().0;
        all.mark_requesting(here(2));
        let idle = all.admit(here(3)).unwrap().0;
        let new = all.admit(here(4)).unwrap().0;
        assert!(idle.is_cancelled(), "it is younger, but idle");
        all.mark_trusted(here(4));
        all.mark_idle(here(1));
        let newer = all.admit(here(5)).unwrap().0;
        assert!(requesting.is_cancelled());
        all.mark_trusted(here(5));
        assert!(all.admit(here(6)).is_none(), "all are trusted");
        assert!(
            ![trusted, new, newer]
                .iter()
                .any(CancellationToken::is_cancelled)
        );
    }

    #[test]
    fn an_address_at_its_limit_replaces_only_its_own_connections() {
        let all = Connections::up_to(4);
        let full = |port| peer([192, 0, 2, 1], port);
        let other = all.admit(peer([192, 0, 2, 2], 1)).unwrap().0;
        let first = all.admit(full(1)).unwrap().0;
        let second = all.admit(full(2)).unwrap().0;
        all.admit(full(3)).unwrap();
        assert!(first.is_cancelled() && !second.is_cancelled() && !other.is_cancelled());
    }

    #[test]
    fn a_freed_slot_is_available_to_any_address() {
        let all = Connections::up_to(1);
        let here = peer([127, 0, 0, 1], 1);
        all.admit(here).unwrap();
        all.mark_trusted(here);
        assert!(all.admit(peer([127, 0, 0, 1], 2)).is_none());
        drop(Slot {
            connections: all.clone(),
            peer: here,
            sequence: 1,
        });
        assert!(all.admit(peer([127, 0, 0, 1], 2)).is_some());
        assert_eq!(all.lock().per_address.len(), 1);
    }
}
