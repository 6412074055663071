//! The sender of a request.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};

use super::endpoint::Endpoint;

/// Maximum characters of a `User-Agent` in memory and in the log.
const AGENT_CHARS: usize = 60;

/// The sender of a request: its address, and what it says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sender {
    /// The endpoint that it sends to.
    pub endpoint: Endpoint,
    /// Its address.
    pub address: IpAddr,
    /// Its `User-Agent`, up to a maximum length.
    pub agent: String,
}

impl Sender {
    /// The sender of a request with these headers.
    pub(super) fn new(endpoint: Endpoint, peer: SocketAddr, headers: &HeaderMap) -> Self {
        let agent = text(headers, &header::USER_AGENT);
        Self {
            endpoint,
            address: address(peer, headers),
            agent: agent.chars().take(AGENT_CHARS).collect(),
        }
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.endpoint != Endpoint::Unknown {
            write!(f, "{} ", self.endpoint.path())?;
        }
        write!(f, "{}", self.address)?;
        match self.agent.as_str() {
            "" => Ok(()),
            agent => write!(f, " ({agent})"),
        }
    }
}

/// The address of a sender or client. A proxy on this machine is trusted to name it.
pub(super) fn address(peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let peer = peer.ip().to_canonical();
    let forwarded = text(headers, &HeaderName::from_static("x-forwarded-for"));
    let last = forwarded.rsplit(',').next().unwrap_or_default().trim();
    match last.parse() {
        Ok(address) if peer.is_loopback() => address,
        _ => peer,
    }
}

/// A header's text; empty if it is missing or no text.
pub(super) fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}
