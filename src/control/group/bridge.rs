//! A local socket, each connection to which is one to a member of a group.

use std::io;

use crate::control::client::{Client, ClientError, Place};
#[cfg(unix)]
use crate::control::local_socket::LocalSocket;
use crate::jetstream::Connection;

/// A bridge to a member, for as long as it lives.
#[derive(Debug)]
pub(super) struct Bridge {
    client: Client,
    #[cfg(unix)]
    _socket: LocalSocket,
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
        let name = member.to_owned();
        let carry = move |stream| {
            let (connection, name) = (connection.clone(), name.clone());
            async move {
                // Whoever is at the other end notices that nothing comes.
                match connection.tunnel(&name).await {
                    Ok(tunnel) => {
                        let _ = tunnel.carry(stream).await;
                    }
                    Err(error) => tracing::debug!("{name}: {error}"),
                }
            }
        };
        let socket = LocalSocket::open(carry)?;
        let place = Place::Tunnel {
            socket: socket.path(),
            name: member.to_owned(),
        };
        Ok(Self {
            client: Client::new(place, None)?,
            _socket: socket,
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
