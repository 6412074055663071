//! The names of clients: a client's position is stored under its name after it disconnects.

use std::fmt::Write as _;
use std::net::IpAddr;

use sha2::{Digest as _, Sha256};
use tokio_tungstenite::tungstenite::http::HeaderMap;

/// The header in which a client names itself, so that its position does not depend on its address.
pub const CLIENT_HEADER: &str = "x-client-name";
/// Maximum size of a name, in bytes. A longer one is cut, and a hash of the whole name is appended.
pub const NAME_BYTES: usize = 100;
/// Size of that hash, in bytes: enough that different names do not collide.
const HASH_BYTES: usize = 8;

/// The client's own name with a prefix that no address has, or its address.
pub fn client_name(headers: &HeaderMap, address: IpAddr) -> String {
    let own = headers.get(CLIENT_HEADER).and_then(|v| v.to_str().ok());
    match own.map(str::trim) {
        None | Some("") => address.to_string(),
        Some(own) if own.len() <= NAME_BYTES => format!("name:{own}"),
        Some(own) => {
            let mut name = "name:".to_owned();
            name.extend(own.chars().take(NAME_BYTES - 2 * HASH_BYTES - 1));
            name.push('-');
            for byte in &Sha256::digest(own)[..HASH_BYTES] {
                // Writing to a string can't fail.
                let _ = write!(name, "{byte:02x}");
            }
            name
        }
    }
}

/// A client's name for display.
pub fn display_name(name: &str) -> &str {
    name.strip_prefix("name:").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> String {
        let headers =
            HeaderMap::from_iter([(CLIENT_HEADER.parse().unwrap(), name.parse().unwrap())]);
        client_name(&headers, IpAddr::from([10, 0, 0, 1]))
    }

    #[test]
    fn a_client_has_its_own_name_or_its_address_and_a_long_name_is_cut_without_collision() {
        assert_eq!(named("forwarder 1"), "name:forwarder 1");
        assert_eq!(named("10.0.0.1"), "name:10.0.0.1", "no address is like it");
        assert_eq!(named(" "), "10.0.0.1");
        assert_eq!(named("ü"), "10.0.0.1");
        let whole = "x".repeat(NAME_BYTES);
        assert_eq!(display_name(&named(&whole)), whole);
        let (one, other) = (named(&format!("{whole}1")), named(&format!("{whole}2")));
        assert_ne!(one, other);
        assert_eq!(display_name(&one).len(), NAME_BYTES);
        assert_eq!(one, named(&format!("{whole}1")), "the same each time");
    }
}
