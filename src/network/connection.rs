//! Connections of any kind: TCP, TLS or through a proxy.

use tokio::io::{AsyncRead, AsyncWrite};

/// A connection of any kind.
pub trait Connection: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Connection for T {}

/// A boxed connection of any kind.
pub type AnyConnection = Box<dyn Connection>;
