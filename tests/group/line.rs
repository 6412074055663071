//! A line to a server, which can be cut and silenced.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What a line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineState {
    /// It passes everything on.
    Works,
    /// It passes nothing on, and takes new connections.
    Silent,
    /// It is cut, and takes no connections.
    Cut,
}

/// A line to a server, which can be cut and silenced.
pub struct Line {
    pub place: SocketAddr,
    state: watch::Sender<LineState>,
}

impl Line {
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let place = listener.local_addr().unwrap();
        let state = watch::Sender::new(LineState::Works);
        let states = state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let states = states.clone();
                if *states.borrow() != LineState::Cut {
                    tokio::spawn(async move {
                        let server = TcpStream::connect(server).await?;
                        let (from, to) = client.into_split();
                        let (answers, requests) = server.into_split();
                        let back = pass(answers, to, states.subscribe());
                        tokio::try_join!(pass(from, requests, states.subscribe()), back)?;
                        std::io::Result::Ok(())
                    });
                }
            }
        });
        Self { place, state }
    }

    pub fn set(&self, state: LineState) {
        self.state.send_replace(state);
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<LineState>,
) -> std::io::Result<()> {
    let mut bytes = vec![0; 64 << 10];
    loop {
        let now = *state.borrow_and_update();
        tokio::select! {
            read = from.read(&mut bytes), if now == LineState::Works => match read? {
                0 => return Ok(()),
                read => to.write_all(&bytes[..read]).await?,
            },
            _ = state.changed() => {}
        }
        if *state.borrow() == LineState::Cut {
            return Err(std::io::ErrorKind::ConnectionReset.into());
        }
    }
}
