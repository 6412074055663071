//! Connecting through a proxy: HTTP `CONNECT` or SOCKS5.

use std::future::{Ready, ready};
use std::task::{Context, Poll};

use http::header::PROXY_AUTHENTICATE;
use http::{StatusCode, Uri};
use hyper_util::client::legacy::connect::proxy::SocksV5;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tower_service::Service;

use super::connection::AnyConnection;
use super::head::{self, Head, HeadError};
use super::proxy::{Proxy, ProxyKind};

/// Why a connection through a proxy failed.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// The connection to the proxy failed.
    #[error("the connection to the proxy broke: {0}")]
    Io(#[from] std::io::Error),
    /// Its answer is unreadable.
    #[error("{0}")]
    Head(#[from] HeadError),
    /// It requires authentication.
    #[error("{0}")]
    Authentication(String),
    /// It refuses to connect.
    #[error("it answers {status} to CONNECT {to}{said}")]
    Refused {
        /// The status of its answer.
        status: StatusCode,
        /// The requested server.
        to: String,
        /// The first line of its answer.
        said: String,
    },
    /// SOCKS5 failed.
    #[error("{0}; the requested server is {1}")]
    Socks(String, String),
}

/// Requests a connection to `host` and `port` from `proxy` over `connection`. The host has the form
/// of a URL's. The proxy resolves its name.
pub async fn through(
    proxy: &Proxy,
    connection: AnyConnection,
    host: &str,
    port: u16,
) -> Result<AnyConnection, TunnelError> {
    match proxy.kind() {
        ProxyKind::Http | ProxyKind::Https => connect(proxy, connection, host, port).await,
        ProxyKind::Socks5 => socks(proxy, connection, host, port).await,
    }
}

async fn connect(
    proxy: &Proxy,
    connection: AnyConnection,
    host: &str,
    port: u16,
) -> Result<AnyConnection, TunnelError> {
    let to = format!("{host}:{port}");
    let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n").into_bytes();
    if let Some(basic) = proxy.basic() {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(basic.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    let agent = crate::http::USER_AGENT;
    request.extend_from_slice(format!("User-Agent: {agent}\r\n\r\n").as_bytes());
    let mut connection = BufReader::new(connection);
    connection.write_all(&request).await?;
    connection.flush().await?;
    let head = head::read(&mut connection).await?;
    match head.status {
        status if status.is_success() => Ok(Box::new(connection)),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            Err(TunnelError::Authentication(authentication(proxy, &head)))
        }
        status => {
            let said = match head::body_excerpt(&mut connection).await {
                said if said.is_empty() => said,
                said => format!(": {said}"),
            };
            Err(TunnelError::Refused { status, to, said })
        }
    }
}

/// Describes a 407: the authentication that the proxy requires.
fn authentication(proxy: &Proxy, head: &Head) -> String {
    let offered = head.headers.get_all(PROXY_AUTHENTICATE).iter();
    let schemes: Vec<&str> = offered
        .filter_map(|line| line.to_str().ok()?.split_whitespace().next())
        .collect();
    let has_basic = schemes.iter().any(|one| one.eq_ignore_ascii_case("basic"));
    let hint = if !schemes.is_empty() && !has_basic {
        let schemes = schemes.join(" or ");
        format!("it requires {schemes}; only Basic is supported")
    } else if proxy.credentials().is_some() {
        "it refuses the user name and password in its address".to_owned()
    } else {
        NO_CREDENTIALS.to_owned()
    };
    format!("it answers 407 Proxy Authentication Required: {hint}")
}

/// The advice for a proxy that requires authentication.
pub const NO_CREDENTIALS: &str =
    "add a user name and a password to its address, http://USER:PASSWORD@HOST:PORT";

async fn socks(
    proxy: &Proxy,
    connection: AnyConnection,
    host: &str,
    port: u16,
) -> Result<AnyConnection, TunnelError> {
    let to = format!("{host}:{port}");
    let failed = |error: String| TunnelError::Socks(error, to.clone());
    let uri: Uri = format!("http://{to}/")
        .parse()
        .map_err(|_| failed("SOCKS error: the host is invalid".to_owned()))?;
    let mut socks = SocksV5::new(uri.clone(), Connected(Some(connection)));
    if let Some((user, password)) = proxy.credentials() {
        socks = socks.with_auth(user, password);
    }
    let connection = socks.call(uri).await.map_err(|e| failed(e.to_string()))?;
    Ok(Box::new(connection.into_inner()))
}

/// A connector that returns an existing connection.
struct Connected(Option<AnyConnection>);

impl Service<Uri> for Connected {
    type Response = TokioIo<AnyConnection>;
    type Error = std::io::Error;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connection = self.0.take().map(TokioIo::new);
        ready(connection.ok_or_else(|| std::io::ErrorKind::NotConnected.into()))
    }
}
