//! Connections to other machines, for the feed and all HTTP clients.
//!
//! An [`Address`] is a URL from the settings that is displayed without its secrets. [`Proxies`]
//! chooses the proxy for a server, [`tunnel`] connects through it, [`probe`] tries it by itself, and [`dial`] connects to the first
//! of a host's addresses that answers. [`head`] reads the head of an HTTP answer.

pub mod address;
pub mod certificate;
mod connection;
pub mod dial;
pub mod head;
pub mod probe;
pub mod proxy;
pub mod tls;
pub mod tunnel;

pub use address::Address;
pub use connection::{AnyConnection, Connection};
pub use proxy::{Proxies, Proxy, ProxyError, ProxySetting};
