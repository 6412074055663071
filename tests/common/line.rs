//! A line of little room between a program and a server, which can be cut.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Bytes a second in each direction.
const ROOM: u32 = 100_000;
/// The time that a byte takes.
const DELAY: Duration = Duration::from_millis(200);

/// A line of 100 kB/s and 200 ms in each direction, on threads of its own.
pub struct Line {
    /// Where it begins.
    pub address: SocketAddr,
    received: Arc<AtomicU64>,
    is_cut: watch::Sender<bool>,
    _runtime: Runtime,
}

impl Line {
    /// A line to the server at `target`.
    pub fn to(target: SocketAddr) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)));
        let listener = listener.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(AtomicU64::new(0));
        let (is_cut, cut) = watch::channel(false);
        let counter = received.clone();
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (counter, mut cut) = (counter.clone(), cut.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        // A connection that breaks is what this is for.
                        _ = carry_both(client, target, counter) => {}
                        _ = cut.wait_for(|is_cut| *is_cut) => {}
                    }
                });
            }
        });
        Self {
            address,
            received,
            is_cut,
            _runtime: runtime,
        }
    }

    /// Bytes that the server has sent over it so far.
    pub fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    /// Ends all connections, and lets none through any more.
    pub fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.is_cut.send_replace(false);
    }
}

async fn carry_both(
    client: TcpStream,
    target: SocketAddr,
    received: Arc<AtomicU64>,
) -> std::io::Result<()> {
    let server = TcpStream::connect(target).await?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // The end of one direction ends both.
    tokio::select! {
        done = carry(from_client, to_server, Arc::default()) => done,
        done = carry(from_server, to_client, received) => done,
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    count: Arc<AtomicU64>,
) -> std::io::Result<()> {
    // What is under way is as much as the line holds.
    let (sender, mut under_way) = mpsc::channel::<(Instant, Vec<u8>)>(20);
    let reading = async move {
        let mut buffer = [0; 1_000];
        loop {
            match from.read(&mut buffer).await? {
                0 => return Ok(()),
                read => {
                    let piece = (Instant::now() + DELAY, buffer[..read].to_vec());
                    if sender.send(piece).await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    };
    let writing = async move {
        let mut free = Instant::now();
        while let Some((arrives, piece)) = under_way.recv().await {
            let takes = Duration::from_secs(1) * piece.len() as u32 / ROOM;
            free = free.max(Instant::now()) + takes;
            tokio::time::sleep_until(free.max(arrives)).await;
            count.fetch_add(piece.len() as u64, Relaxed);
            to.write_all(&piece).await?;
        }
        Ok(())
    };
    let read: (std::io::Result<()>, std::io::Result<()>) = tokio::join!(reading, writing);
    read.0.and(read.1)
}
