//! Binds the address that the operator chose.

use std::net::SocketAddr;

use color_eyre::eyre::{Result, WrapErr as _};
use tokio::net::TcpListener;

/// Listens on an address.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    let listening = TcpListener::bind(address).await;
    listening.wrap_err_with(|| format!("cannot listen on {address}; choose another with --listen"))
}
