//! A local socket, each connection to which is one to a member of a group.

use std::io;

use crate::control::client::{Client, ClientError, Place};
use crate::jetstream::Connection;

/// A bridge to a member, for as long as it lives.
#[derive(Debug)]
pub(super) struct Bridge {
    client: Client,
    #[cfg(unix)]
    _folder: tempfile::TempDir,
    #[cfg(unix)]
    accepting: tokio::task::JoinHandle<()>,
}

/// Why there is no bridge.
#[derive(Debug, thiserror::Error)]
pub(super) enum BridgeError {
    /// The socket can't be made.
    #[error("cannot make a socket among the temporary files: {0}")]
    Socket(#[from] io::Error),
    /// There is no client of it.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl Bridge {
    /// Opens a bridge to the control API of `member`. Nothing is connected yet.
    #[cfg(unix)]
    pub(super) fn open(connection: Connection, member: &str) -> Result<Self, BridgeError> {
        // Its owner alone may enter it.
        let folder = tempfile::Builder::new().prefix("sluicegate-").tempdir()?;
        let socket = folder.path().join("s");
        let listener = tokio::net::UnixListener::bind(&socket)?;
        let name = member.to_owned();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (connection, name) = (connection.clone(), name.clone());
                tokio::spawn(async move {
                    // Whoever is at the other end notices that nothing comes.
                    match connection.tunnel(&name).await {
                        Ok(tunnel) => {
                            let _ = tunnel.carry(stream).await;
                        }
                        Err(error) => tracing::debug!("{name}: {error}"),
                    }
                });
            }
        });
        let place = Place::Tunnel {
            socket,
            name: member.to_owned(),
        };
        Ok(Self {
            client: Client::new(place, None)?,
            _folder: folder,
            accepting,
        })
    }

    /// There are no such sockets here.
    #[cfg(not(unix))]
    pub(super) fn open(_connection: Connection, _member: &str) -> Result<Self, BridgeError> {
        Err(ClientError::NoSockets.into())
    }

    /// The client of the member.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }
}

#[cfg(unix)]
impl Drop for Bridge {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
