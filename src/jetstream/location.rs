//! The address of a group: `nats://HOST:PORT/PREFIX`.

use url::Url;

use crate::network::Address;
use crate::network::address::AddressError;

/// Maximum length of a prefix, in characters. It is a part of each subject.
const MAX_PREFIX: usize = 32;

/// Where a group's streams are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The server, with its user name and password, if it has any.
    pub server: Url,
    /// The prefix of the group's subjects, streams and bucket.
    pub prefix: String,
}

/// Why an address is not that of a group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// It is no usable address.
    #[error("{0}")]
    Address(#[from] AddressError),
    /// It has another scheme.
    #[error("is not a NATS server; write nats://HOST:4222/PREFIX, or tls:// for TLS")]
    Scheme,
    /// It names no prefix.
    #[error("has no prefix; write nats://HOST:4222/PREFIX, such as nats://127.0.0.1:4222/shop")]
    NoPrefix,
    /// Its prefix can't be a part of a subject and of a stream's name.
    #[error("has the prefix {0:?}; write 1 to 32 letters, digits, hyphens and underscores")]
    Prefix(String),
    /// It has a query or a fragment.
    #[error("ends with a query or a fragment; remove it")]
    Query,
}

impl Location {
    /// Whether an address is meant as that of a group.
    pub fn is_meant(address: &Address) -> bool {
        let scheme = address.url().map(Url::scheme);
        matches!(scheme, Ok("nats" | "tls"))
    }

    /// Reads an address.
    pub fn parse(address: &Address) -> Result<Self, LocationError> {
        let url = address.url()?;
        if !matches!(url.scheme(), "nats" | "tls") {
            return Err(LocationError::Scheme);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(LocationError::Query);
        }
        let prefix = url.path().trim_matches('/');
        if prefix.is_empty() {
            return Err(LocationError::NoPrefix);
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if prefix.len() > MAX_PREFIX || !prefix.chars().all(is_plain) {
            return Err(LocationError::Prefix(prefix.to_owned()));
        }
        let mut server = url.clone();
        server.set_path("");
        Ok(Self {
            server,
            prefix: prefix.to_owned(),
        })
    }

    /// The user name and the password in the address, if there are any.
    pub(super) fn user_and_password(&self) -> Option<(String, String)> {
        let decoded = |text: &str| {
            let bytes = percent_encoding::percent_decode_str(text);
            bytes.decode_utf8_lossy().into_owned()
        };
        let (user, password) = (self.server.username(), self.server.password());
        let is_named = !user.is_empty() || password.is_some();
        is_named.then(|| (decoded(user), decoded(password.unwrap_or_default())))
    }

    /// The address for people, without its secrets.
    pub fn shown(&self) -> String {
        let host = self.server.host_str().unwrap_or_default();
        let port = self.server.port().unwrap_or(4222);
        format!("{}://{host}:{port}/{}", self.server.scheme(), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_server_and_a_prefix() {
        let parse = |text: &str| Location::parse(&Address::new(text));
        let found = parse("nats://ann:secret@nats.example:4333/shop-prod").unwrap();
        assert_eq!(found.prefix, "shop-prod");
        assert_eq!(found.shown(), "nats://nats.example:4333/shop-prod");
        let user = |text| parse(text).unwrap().user_and_password();
        let (ann, secret) = ("ann".to_owned(), "s/c@t".to_owned());
        assert_eq!(
            user("nats://ann:s%2Fc%40t@nats.example/a"),
            Some((ann, secret))
        );
        assert_eq!(user("nats://nats.example/a"), None);
        assert_eq!(
            parse("tls://[::1]/a").unwrap().shown(),
            "tls://[::1]:4222/a"
        );
        for wrong in [
            "nats://host:4222",
            "nats://host:4222/",
            "nats://host/a.b",
            "nats://host/a/b",
            "nats://host/a*",
            "nats://host/a?b=c",
            "ws://host/a",
            "host/a",
            "",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
