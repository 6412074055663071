//! The way to other machines, for the feed and for all HTTP clients.
//!
//! An [`Address`] is what the settings name, shown without its secrets. [`Proxies`] decides
//! whether a proxy is in the way, [`tunnel`] goes through one, and [`dial`] connects to the first
//! of a host's addresses that answers. [`head`] reads the head of an HTTP answer.

pub mod address;
pub mod dial;
pub mod head;
pub mod proxy;
pub mod tls;
pub mod tunnel;

pub use address::Address;
pub use proxy::{Proxies, Proxy, ProxyError, ProxySetting};

use tokio::io::{AsyncRead, AsyncWrite};

/// A connection, whatever it goes through.
pub trait Connection: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Connection for T {}

/// A connection of any kind.
pub type AnyConnection = Box<dyn Connection>;
