//! The errors of a feed: invalid settings, and failed connections.

use std::time::Duration;

use crate::network::ProxyError;

/// Why a feed can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The URL is unusable. It is shown without its secrets.
    #[error("feed.url: {0:?} {1}")]
    Url(String, String),
    /// A header is invalid.
    #[error(
        "feed.headers: {0:?} is not a valid HTTP header, or its value has an invalid character"
    )]
    Header(String),
    /// The handshake sets this header itself.
    #[error("feed.headers: {0:?} is set by the handshake itself; remove it")]
    OwnHeader(String),
    /// The proxy, if there is one.can't be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// TLS can't be set up.
    #[error("TLS can't be set up: {0}")]
    TlsVersions(String),
    /// A certificate or key is unusable.
    #[error("{setting}: {path}: {message}")]
    Tls {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: String,
        /// The error.
        message: String,
    },
}

/// Why a connection failed or ended.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) why: String,
    /// The server's `Retry-After`.
    pub(super) retry_after: Option<Duration>,
    /// Whether the message id to resume after can be the cause.
    pub(super) may_be_id: bool,
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self {
            why,
            retry_after: None,
            may_be_id: false,
        }
    }
}
