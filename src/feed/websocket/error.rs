//! Why a feed can't be set up, and why a connection failed.

use std::time::Duration;

use crate::network::ProxyError;

/// Why a feed can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The URL can't be connected to. It is shown without its secrets.
    #[error("feed.url: {0:?} {1}")]
    Url(String, String),
    /// A header can't be sent.
    #[error(
        "feed.headers: {0:?} is no HTTP header, or its value holds a character that none can carry"
    )]
    Header(String),
    /// A header is the handshake's own.
    #[error("feed.headers: {0:?} is written by the handshake itself; leave it out")]
    OwnHeader(String),
    /// The proxy in the way can't be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// TLS can't be set up.
    #[error("TLS can't be set up: {0}")]
    TlsVersions(String),
    /// A certificate or key can't be used.
    #[error("{setting}: {path}: {message}")]
    Tls {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: String,
        /// What is wrong with it.
        message: String,
    },
}

/// Why there is no WebSocket, or why there is none any more.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) why: String,
    /// How long the server asks to be left alone.
    pub(super) quiet: Option<Duration>,
    /// Whether the cause can be the id of the message that the server was asked to resume behind.
    pub(super) may_be_id: bool,
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self {
            why,
            quiet: None,
            may_be_id: false,
        }
    }
}
