//! The name of this program in requests.

/// The value of `User-Agent`: name and version.
pub const USER_AGENT: &str = concat!("sluicegate/", env!("CARGO_PKG_VERSION"));
