//! Starting a relay.

use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum_server::tls_rustls::RustlsAcceptor;
use tokio::net::TcpListener;

use crate::feed::log::{Log, LogError};
use crate::feed::server::Server;

use super::options::Options;
use super::relay_server::Relay;
use super::routes;

/// Maximum time for the head of a request, on a new connection and on an idle one. An idle
/// connection is closed after it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a relay can't be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The listener is unusable.
    #[error(transparent)]
    Listen(#[from] std::io::Error),
    /// The log is unusable.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Relay {
    /// Serves on `listener` until the runtime ends. With a log, a request is answered once its
    /// events are durable.
    pub fn start(
        listener: TcpListener,
        options: Options,
        log: Option<Log>,
    ) -> Result<Self, StartError> {
        let address = listener.local_addr()?;
        let feed = match log {
            Some(log) => Server::with_log(address, options.feed.clone(), log)?,
            None => Server::new(address, options.feed.clone()),
        };
        let listener = listener.into_std()?;
        let tls = options.tls.clone();
        let relay = Self::new(address, options, feed);
        let service = routes::router(&relay).into_make_service_with_connect_info::<SocketAddr>();
        let handle = relay.0.http_server.clone();
        let connections = relay.0.connections.clone();
        let mut server = axum_server::from_tcp(listener)?.first_request_timeout(HEAD_TIMEOUT);
        let http1 = &mut server.http_builder().http1();
        http1.header_read_timeout(HEAD_TIMEOUT);
        match tls {
            Some(tls) => {
                let tls = RustlsAcceptor::new(tls).acceptor(connections);
                let server = server.handle(handle).acceptor(tls);
                tokio::spawn(relay.clone().until_served(server.serve(service)));
            }
            None => {
                let server = server.handle(handle).acceptor(connections);
                tokio::spawn(relay.clone().until_served(server.serve(service)));
            }
        }
        Ok(relay)
    }

    /// Serves to the end, and notes that nothing listens any more.
    async fn until_served(self, serving: impl Future<Output = std::io::Result<()>>) {
        let served = serving.await;
        self.0.is_listening.store(false, Relaxed);
        if let Err(error) = served {
            tracing::error!("the relay can't take connections any more: {error}");
        }
    }
}
