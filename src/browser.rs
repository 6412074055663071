//! Refuses requests that foreign web pages make in the operator's browser.
//!
//! Every page that is open on this machine can reach a server on loopback without a secret: by its
//! address, or by a name that resolves to it \(DNS rebinding\). A browser reveals that in `Origin` and
//! `Host`. Other programs send no `Origin`, and use the address.
//!
//! For a WebSocket a browser always sends `Origin`, which is sufficient: the `Host` may be any name,
//! one from `/etc/hosts` for example.

use std::net::IpAddr;

/// Returns why a request to such a server is refused; none if no foreign page made it.
pub fn refuse(host: Option<&[u8]>, origin: Option<&[u8]>) -> Option<&'static str> {
    let foreign_host = || {
        (!host.is_none_or(is_local))
            .then_some("the Host is not this machine; use 127.0.0.1 or localhost")
    };
    refuse_socket(origin).or_else(foreign_host)
}

/// Like [`refuse`], for a request that opens a WebSocket.
pub fn refuse_socket(origin: Option<&[u8]>) -> Option<&'static str> {
    let is_foreign = !origin.is_none_or(|origin| without_scheme(origin).is_some_and(is_local));
    is_foreign.then_some(
        "a web page of another origin made this request; to allow it, set a secret and a token",
    )
}

fn is_local(authority: &[u8]) -> bool {
    std::str::from_utf8(authority).is_ok_and(is_loopback)
}

/// The authority of an origin: `http://localhost:3000`. The opaque origin, `null`, has none.
fn without_scheme(origin: &[u8]) -> Option<&[u8]> {
    origin
        .strip_prefix(b"http://")
        .or_else(|| origin.strip_prefix(b"https://"))
}

/// Whether an authority, a host with an optional port, is this machine.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_address = host
        .parse::<IpAddr>()
        .is_ok_and(|address| address.to_canonical().is_loopback());
    is_address || host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(host: &str, origin: Option<&str>) -> bool {
        refuse(Some(host.as_bytes()), origin.map(str::as_bytes)).is_some()
    }

    #[test]
    fn requests_from_other_origins_and_for_other_hosts_are_refused() {
        for host in [
            "127.0.0.1:4080",
            "127.0.0.1",
            "localhost:4080",
            "LOCALHOST.",
            "[::1]:4080",
            "[::ffff:127.0.0.1]:1",
            "relay.localhost",
            "127.1.2.3:1",
        ] {
            assert!(!is_refused(host, None), "{host}");
            assert!(!is_refused(host, Some("http://localhost:3000")), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:4080",
            "192.0.2.1",
            "0.0.0.0:4080",
            "",
            "[::1",
            "x@127.0.0.1",
        ] {
            assert!(is_refused(host, None) || host == "[::1", "{host}");
        }
        for origin in [
            "https://evil.example",
            "null",
            "http://127.0.0.1.evil.example",
            "file://",
            "localhost",
            "http://",
            "",
        ] {
            assert!(is_refused("127.0.0.1", Some(origin)), "{origin}");
        }
        assert!(refuse(None, None).is_none());
        assert!(refuse(Some(b"\xff"), None).is_some());
    }
}
