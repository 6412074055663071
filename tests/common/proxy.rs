//! A connection that misbehaves, between the program and a server.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// What it does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing but pass it on.
    Pass,
    /// Reset it in the middle of the request's body.
    ResetInRequest,
    /// Reset it in the middle of the answer's body; the server has handled the request.
    ResetInAnswer,
    /// Let the answer through a byte at a time, for ever.
    Drip,
}

/// A proxy in front of a server.
#[derive(Clone)]
pub struct Proxy {
    mode: Arc<Mutex<Mode>>,
    /// Where it listens.
    pub url: String,
}

impl Proxy {
    /// In front of the server at `target`, `http://host:port`.
    pub async fn start(target: &str, mode: Mode) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mode = Arc::new(Mutex::new(mode));
        let shared = mode.clone();
        let target = target.trim_start_matches("http://").to_owned();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (mode, target) = (*shared.lock().unwrap(), target.clone());
                // A connection that breaks is what this is for.
                tokio::spawn(async move { serve(stream, &target, mode).await });
            }
        });
        Self { mode, url }
    }

    /// What it does with the next connections.
    pub fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }
}

async fn serve(mut client: TcpStream, target: &str, mode: Mode) -> std::io::Result<()> {
    let mut server = TcpStream::connect(target).await?;
    let mut some = vec![0; 1_000];
    match mode {
        Mode::Pass => _ = copy_bidirectional(&mut client, &mut server).await?,
        Mode::ResetInRequest => {
            client.read_exact(&mut some).await?;
            client.set_zero_linger()?;
        }
        Mode::ResetInAnswer => {
            let (mut from, mut to) = client.split();
            let (mut answer, mut request) = server.split();
            tokio::select! {
                _ = tokio::io::copy(&mut from, &mut request) => {}
                read = answer.read(&mut some) => {
                    let read = read?;
                    to.write_all(&some[..read - 1]).await?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            client.set_zero_linger()?;
        }
        Mode::Drip => {
            let (mut from, mut to) = client.split();
            let (mut answer, mut request) = server.split();
            let dripping = async {
                let read = answer.read(&mut some).await?;
                for byte in some[..read].chunks(1) {
                    to.write_all(byte).await?;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                std::io::Result::Ok(())
            };
            tokio::select! {
                _ = tokio::io::copy(&mut from, &mut request) => {}
                dripped = dripping => dripped?,
            }
        }
    }
    Ok(())
}
