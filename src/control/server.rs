//! Listening: on the Unix socket, and on the network.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::net::TcpListener;

#[cfg(unix)]
use crate::owner_only;

use super::door::Doors;
#[cfg(unix)]
use super::socket;

/// Maximum time for the head of a request on a new connection, and between two requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Why the control API can't be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The socket can't be made.
    #[error(
        "cannot listen on the control socket {path}: {source}; make its folder writable, or set control.socket = false",
        path = path.display()
    )]
    Socket {
        /// Its path.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The address can't be used.
    #[error("cannot listen on control.listen = {address}: {source}; choose another address")]
    Address {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: std::io::Error,
    },
}

/// The listeners of a control API.
#[derive(Debug)]
pub struct Server {
    doors: Doors,
    #[cfg(unix)]
    socket: Option<SocketFile>,
    network: Option<(std::net::TcpListener, Option<RustlsConfig>)>,
}

impl Server {
    /// Serves the routes behind `doors`, for now nowhere.
    pub fn new(doors: Doors) -> Self {
        Self {
            doors,
            #[cfg(unix)]
            socket: None,
            network: None,
        }
    }

    /// Listens on the socket of `folder`. A socket that is there and on which nobody listens belongs to a
    /// process that has ended.
    #[cfg(unix)]
    pub fn listen_on_socket(&mut self, folder: &Path) -> Result<(), ServerError> {
        let path = socket::path(folder);
        let made = SocketFile::listen(&path);
        self.socket = Some(made.map_err(|source| ServerError::Socket { path, source })?);
        Ok(())
    }

    /// There are no such sockets here.
    #[cfg(not(unix))]
    pub fn listen_on_socket(&mut self, _folder: &Path) -> Result<(), ServerError> {
        Ok(())
    }

    /// Listens on the network, by TLS if a certificate is given. Returns the address.
    pub async fn listen_on_network(
        &mut self,
        address: SocketAddr,
        tls: Option<RustlsConfig>,
    ) -> Result<SocketAddr, ServerError> {
        let failed = |source| ServerError::Address { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let listener = listener.into_std().map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        self.network = Some((listener, tls));
        Ok(bound)
    }

    /// Serves until it is dropped.
    pub async fn run(self) {
        let Self { doors, network, .. } = self;
        #[cfg(unix)]
        let on_socket = serve_socket(self.socket, doors.socket);
        #[cfg(not(unix))]
        let on_socket = std::future::pending::<()>();
        let on_network = serve_network(network, doors.network);
        tokio::join!(on_socket, on_network);
    }
}

#[cfg(unix)]
async fn serve_socket(socket: Option<SocketFile>, routes: Router) {
    let Some(mut socket) = socket else {
        return std::future::pending().await;
    };
    if let Some(listener) = socket.listener.take() {
        // It goes on after each error of a connection.
        let _ = axum::serve(listener, routes).await;
    }
}

async fn serve_network(
    network: Option<(std::net::TcpListener, Option<RustlsConfig>)>,
    routes: Router,
) {
    let Some((listener, tls)) = network else {
        return std::future::pending().await;
    };
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    let Ok(http) = axum_server::from_tcp(listener) else {
        return;
    };
    let mut http = http.first_request_timeout(HEAD_TIMEOUT);
    let http1 = &mut http.http_builder().http1();
    http1.header_read_timeout(HEAD_TIMEOUT);
    let served = match tls {
        Some(tls) => http.acceptor(RustlsAcceptor::new(tls)).serve(service).await,
        None => http.serve(service).await,
    };
    if let Err(error) = served {
        tracing::error!("the control API can't be served on the network any more: {error}");
    }
}

/// A socket that is removed when this is dropped.
#[cfg(unix)]
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    listener: Option<tokio::net::UnixListener>,
}

#[cfg(unix)]
impl SocketFile {
    fn listen(path: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        if let Some(folder) = path.parent() {
            owner_only::create_folder(folder)?;
            // A folder among the temporary files may have been made by somebody else before.
            let owner = std::fs::metadata(folder)?.uid();
            if owner != rustix::process::getuid().as_raw() {
                return Err(std::io::Error::other("its folder belongs to another user"));
            }
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(std::io::Error::other("another process listens on it"));
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = tokio::net::UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self {
            path: path.to_owned(),
            listener: Some(listener),
        })
    }
}

#[cfg(unix)]
impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
