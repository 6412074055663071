//! The endpoints of a relay.

use serde::Serialize;

/// The endpoint that a request was sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// Amplitude's Webhooks Streaming.
    Webhook,
    /// The HTTP V2 API.
    HttpApi,
    /// The Batch Event Upload API.
    Batch,
    /// The feed, for clients that were refused.
    Feed,
    /// A path that does not exist.
    Unknown,
}

impl Endpoint {
    /// Its path, or `wrong path` for [`Self::Unknown`].
    pub fn path(self) -> &'static str {
        match self {
            Self::Webhook => "/webhook",
            Self::HttpApi => "/2/httpapi",
            Self::Batch => "/batch",
            Self::Feed => "/feed",
            Self::Unknown => "wrong path",
        }
    }

    /// Maximum size of a request's body, in bytes, compressed or not (HTTP V2 API: 1 MB; Batch
    /// Event Upload API: 20 MB). A webhook has one event.
    pub fn max_bytes(self) -> usize {
        match self {
            Self::Webhook | Self::HttpApi | Self::Feed | Self::Unknown => 1 << 20,
            Self::Batch => 20 << 20,
        }
    }
}
