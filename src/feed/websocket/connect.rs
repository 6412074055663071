//! The connection below the handshake: through the proxy, to the first address that answers, over TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;

use crate::feed::settings::Settings;
use crate::network::address::masked;
use crate::network::dial::{DialError, Dialer};
use crate::network::proxy::{ProxyKind, bare};
use crate::network::{AnyConnection, Proxies, Proxy, tls, tunnel};

use super::error::FeedError;
use super::tls::Tls;

/// Connects to one server.
#[derive(Debug)]
pub(super) struct Connector {
    dialer: Dialer,
    proxy: Option<Proxy>,
    tls: Tls,
    server: Server,
}

/// The server to connect to.
#[derive(Debug)]
struct Server {
    /// In the form of a URL.
    host: String,
    port: u16,
    /// Its name in certificates; none without TLS.
    name: Option<ServerName<'static>>,
}

impl Server {
    fn new(url: &Url) -> Result<Self, FeedError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = url.port_or_known_default().unwrap_or(443);
        let wrong = || {
            let message = format!("names {host}, for which no certificate can exist");
            FeedError::Url(masked(url.as_str()), message)
        };
        let name = match url.scheme() {
            "wss" => Some(ServerName::try_from(bare(&host).to_owned()).map_err(|_| wrong())?),
            _ => None,
        };
        Ok(Self { host, port, name })
    }
}

impl Connector {
    /// Connects to the server of `url`, through the proxy that the settings choose.
    pub(super) fn new(settings: &Settings, url: &Url, dialer: Dialer) -> Result<Self, FeedError> {
        let proxies = Proxies::new(&settings.proxy, "feed.proxy")?;
        Ok(Self {
            dialer,
            proxy: proxies.through(url).cloned(),
            tls: Tls::new(settings)?,
            server: Server::new(url)?,
        })
    }

    /// The proxy, if there is one.
    pub(super) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// Connects to the server. Fails with the reason as text.
    pub(super) async fn connect(&self) -> Result<AnyConnection, String> {
        let connection = self.reach().await?;
        match self.server_name() {
            None => Ok(connection),
            Some(name) => Ok(Box::new(self.secure_server(connection, name).await?)),
        }
    }

    /// The addresses of the server, or of the proxy in front of it.
    pub(super) async fn addresses(&self) -> Result<Vec<SocketAddr>, String> {
        let (host, port) = match &self.proxy {
            Some(proxy) => (proxy.host(), proxy.port()),
            None => (bare(&self.server.host), self.server.port),
        };
        let found = self.dialer.resolve(host, port).await;
        found.map_err(|error| error.to_string())
    }

    /// Connects to the server without TLS.
    pub(super) async fn reach(&self) -> Result<AnyConnection, String> {
        let server = &self.server;
        match &self.proxy {
            Some(proxy) => self.connect_through(proxy).await,
            None => self.dial(bare(&server.host), server.port).await,
        }
    }

    /// The server's name in certificates; none without TLS.
    pub(super) fn server_name(&self) -> Option<ServerName<'static>> {
        self.server.name.clone()
    }

    /// Begins TLS with the server.
    pub(super) async fn secure_server(
        &self,
        connection: AnyConnection,
        name: ServerName<'static>,
    ) -> Result<TlsStream<AnyConnection>, String> {
        self.secure(connection, name, &self.tls.server).await
    }

    async fn connect_through(&self, proxy: &Proxy) -> Result<AnyConnection, String> {
        let mut connection = self.dial(proxy.host(), proxy.port()).await?;
        if proxy.kind() == ProxyKind::Https {
            let name = ServerName::try_from(proxy.host().to_owned())
                .map_err(|_| "no certificate can exist for its host".to_owned())?;
            connection = Box::new(self.secure(connection, name, &self.tls.proxy).await?);
        }
        tunnel::through(proxy, connection, &self.server.host, self.server.port)
            .await
            .map_err(|error| error.to_string())
    }

    async fn dial(&self, host: &str, port: u16) -> Result<AnyConnection, String> {
        match self.dialer.dial(host, port).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(DialError::Connect(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Err(format!(
                    "connection refused: nothing listens at {host}:{port}"
                ))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    async fn secure(
        &self,
        connection: AnyConnection,
        name: ServerName<'static>,
        config: &Arc<ClientConfig>,
    ) -> Result<TlsStream<AnyConnection>, String> {
        let connector = TlsConnector::from(config.clone());
        match connector.connect(name, connection).await {
            Ok(stream) => Ok(stream),
            Err(error) => Err(
                match (
                    &self.tls.no_roots,
                    tls::describe(&error, Some("feed.ca_file")),
                ) {
                    (Some(no_roots), Some(_)) => no_roots.clone(),
                    (None, Some(words)) => words,
                    (_, None) if error.kind() == io::ErrorKind::UnexpectedEof => {
                        "TLS: the connection ended in the handshake".to_owned()
                    }
                    (_, None) => format!("TLS: {error}"),
                },
            ),
        }
    }
}
