//! What a reader is known by: its position outlives its connection under this name.

use std::fmt::Write as _;
use std::net::IpAddr;

use sha2::{Digest as _, Sha256};
use tokio_tungstenite::tungstenite::http::HeaderMap;

/// The header by which a client can name itself, so that its acknowledgements outlive its address.
pub const CLIENT_HEADER: &str = "x-client-name";
/// The most bytes of a name. A longer one is cut, and told apart from others that begin with the
/// same by a hash of all of it.
pub const NAME_BYTES: usize = 100;
/// Bytes of that hash: no two names that somebody might use have the same.
const HASH_BYTES: usize = 8;

/// What a client is known by: its own name, which no address is like, or else its address.
pub fn name_of(headers: &HeaderMap, address: IpAddr) -> String {
    let own = headers.get(CLIENT_HEADER).and_then(|v| v.to_str().ok());
    match own.map(str::trim) {
        None | Some("") => address.to_string(),
        Some(own) if own.len() <= NAME_BYTES => format!("name:{own}"),
        Some(own) => {
            let mut name = "name:".to_owned();
            name.extend(own.chars().take(NAME_BYTES - 2 * HASH_BYTES - 1));
            name.push('-');
            for byte in &Sha256::digest(own)[..HASH_BYTES] {
                // Writing to a string does not fail.
                let _ = write!(name, "{byte:02x}");
            }
            name
        }
    }
}

/// A client's name as people read it.
pub fn shown_name(name: &str) -> &str {
    name.strip_prefix("name:").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> String {
        let headers =
            HeaderMap::from_iter([(CLIENT_HEADER.parse().unwrap(), name.parse().unwrap())]);
        name_of(&headers, IpAddr::from([10, 0, 0, 1]))
    }

    #[test]
    fn a_reader_has_its_own_name_or_its_address_and_a_long_name_is_cut_but_no_others() {
        assert_eq!(named("forwarder 1"), "name:forwarder 1");
        assert_eq!(named("10.0.0.1"), "name:10.0.0.1", "no address is like it");
        assert_eq!(named(" "), "10.0.0.1");
        assert_eq!(named("ü"), "10.0.0.1");
        let whole = "x".repeat(NAME_BYTES);
        assert_eq!(shown_name(&named(&whole)), whole);
        let (one, other) = (named(&format!("{whole}1")), named(&format!("{whole}2")));
        assert_ne!(one, other);
        assert_eq!(shown_name(&one).len(), NAME_BYTES);
        assert_eq!(one, named(&format!("{whole}1")), "the same each time");
    }
}
