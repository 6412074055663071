//! Trying a proxy by itself, to tell what is wrong with it.

use super::AnyConnection;
use super::dial::Dialer;
use super::proxy::{Proxy, ProxyKind};
use super::tunnel::{self, TunnelError};

/// Why a proxy can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ProxyFailure {
    /// Nothing answers at its address.
    #[error("{0}")]
    Unreachable(String),
    /// It asks for a user name and a password, or refuses those in its address.
    #[error("{0}")]
    Credentials(String),
    /// It does not connect to the server.
    #[error("{0}")]
    Refused(String),
}

/// Connects to a proxy and, through it, to the server at a host and port. The host has the form of a
/// URL's. A proxy with TLS is only reached: what is behind its certificate shows with the server's hops.
pub async fn probe(proxy: &Proxy, server: Option<(&str, u16)>) -> Result<(), ProxyFailure> {
    let stream = Dialer::default().dial(proxy.host(), proxy.port()).await;
    let stream = stream.map_err(|error| ProxyFailure::Unreachable(error.to_string()))?;
    let Some((host, port)) = server.filter(|_| proxy.kind() != ProxyKind::Https) else {
        return Ok(());
    };
    let connection: AnyConnection = Box::new(stream);
    match tunnel::through(proxy, connection, host, port).await {
        Ok(_) => Ok(()),
        Err(TunnelError::Authentication(why)) => Err(ProxyFailure::Credentials(why)),
        Err(error) => Err(ProxyFailure::Refused(error.to_string())),
    }
}
