//! The options of a relay.

use axum_server::tls_rustls::RustlsConfig;
use secrecy::SecretString;

use crate::feed::server;
use crate::jetstream::Publisher;

use super::pass_through::PassThrough;
use super::throttle::RateLimits;
use super::webhook_mapping::WebhookMapping;

/// The options of a relay.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The secret that senders must give; none if anyone may send.
    pub secret: Option<SecretString>,
    /// The bearer token that clients must give; none if anyone may read.
    pub token: Option<SecretString>,
    /// The certificate and its key, if the relay speaks TLS itself.
    pub tls: Option<RustlsConfig>,
    /// Where a custom webhook has the fields of an event.
    pub webhook: WebhookMapping,
    /// Maximum rates of events.
    pub limits: RateLimits,
    /// Amplitude's server, if SDK requests are also sent there and answered with its answer.
    pub pass_to: Option<PassThrough>,
    /// The group whose stream has the events before a request is answered.
    pub publisher: Option<Publisher>,
    /// The options of the feed.
    pub feed: server::Options,
}
