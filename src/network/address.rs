//! An address from the settings: parsed once, and shown without its secrets.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use crate::text::on_one_line;

/// An address as the settings name it.
///
/// Whatever shows it (`Display`, `Debug`, `Serialize`) leaves out what may be secret: the user
/// name and password, and every value of the query. [`Address::url`] has them.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct Address {
    text: String,
    url: Result<Url, AddressError>,
}

/// Why a text can't be used as an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing is written.
    #[error("is empty")]
    Empty,
    /// Quotes are part of the value, as where an environment file keeps them.
    #[error("has quotes around it; write it without them")]
    Quotes,
    /// White space is part of the value, as where a file is read with its line break.
    #[error("begins or ends with a space or a line break; write it without")]
    Space,
    /// A character that no address can carry.
    #[error("holds a line break, a tab or another control character; write it without")]
    Control,
    /// A path of another system.
    #[error("holds a backslash; write / in its place")]
    Backslash,
    /// `example.com`, or `https:example.com`.
    #[error("has no scheme; write it whole, with https://, wss:// or what fits")]
    Scheme,
    /// No server listens at port 0.
    #[error("names port 0, at which nothing can listen")]
    Port,
    /// It is no URL.
    #[error("can't be read: {0}")]
    Url(#[from] url::ParseError),
    /// A request can't carry it.
    #[error("holds a character that no request can carry; write it percent-encoded")]
    Request,
}

impl Address {
    /// The address that `text` names.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let url = parse(&text);
        Self { text, url }
    }

    /// Whether none is named.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The address with its secrets: host names in ASCII, everything else percent-encoded.
    pub fn url(&self) -> Result<&Url, AddressError> {
        self.url.as_ref().map_err(Clone::clone)
    }

    /// The text as it was written, with its secrets: to tell whether it was changed.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The host, port and path as they were written.
    pub fn place(&self) -> &str {
        let rest = after_scheme(&self.text);
        let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
        let authority = rest.find('/').unwrap_or(rest.len());
        match rest[..authority].rfind('@') {
            Some(at) => &rest[at + 1..],
            None => rest,
        }
    }
}

fn parse(text: &str) -> Result<Url, AddressError> {
    const QUOTES: [char; 8] = ['"', '\'', '`', '“', '”', '„', '‘', '’'];
    if text.is_empty() {
        return Err(AddressError::Empty);
    }
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Err(AddressError::Space);
    }
    if text.starts_with(QUOTES) || text.ends_with(QUOTES) {
        return Err(AddressError::Quotes);
    }
    if text.contains(char::is_control) {
        return Err(AddressError::Control);
    }
    if text.contains('\\') {
        return Err(AddressError::Backslash);
    }
    if !text.contains("://") {
        return Err(AddressError::Scheme);
    }
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => AddressError::Scheme,
        other => AddressError::Url(other),
    })?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(AddressError::Url(url::ParseError::EmptyHost));
    }
    if url.port() == Some(0) {
        return Err(AddressError::Port);
    }
    match url.as_str().parse::<http::Uri>() {
        Ok(_) => Ok(url),
        Err(_) => Err(AddressError::Request),
    }
}

/// `text`, an address or what should be one, without the parts that may be secret, and with
/// nothing that a terminal obeys.
pub fn masked(text: &str) -> String {
    let (text, fragment) = split(text, '#');
    let (base, query) = split(text, '?');
    let (scheme, rest) = match base.find("://") {
        Some(at) => base.split_at(at + 3),
        None => ("", base),
    };
    // A password may hold what should have been encoded: all up to the last @ is hidden.
    let shown = match rest.rfind('@') {
        Some(at) => format!("{scheme}…{}", &rest[at..]),
        None => base.to_owned(),
    };
    let query = query.map_or_else(String::new, |query| format!("?{}", masked_query(query)));
    let fragment = match fragment {
        Some("") => "#",
        Some(_) => "#…",
        None => "",
    };
    on_one_line(&format!("{shown}{query}{fragment}"))
}

fn masked_query(query: &str) -> String {
    let part = |part: &str| match part.split_once('=') {
        Some((name, "")) => format!("{name}="),
        Some((name, _)) => format!("{name}=…"),
        None if part.is_empty() => String::new(),
        None => "…".to_owned(),
    };
    let parts: Vec<String> = query.split('&').map(part).collect();
    parts.join("&")
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, behind)) => (before, Some(behind)),
        None => (text, None),
    }
}

fn after_scheme(text: &str) -> &str {
    text.split_once("://").map_or(text, |(_, rest)| rest)
}

impl Default for Address {
    fn default() -> Self {
        Self::new("")
    }
}

impl From<String> for Address {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Address {}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.text))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", masked(&self.text))
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn user_names_passwords_and_values_of_the_query_are_not_shown() {
        for (text, shown) in [
            ("ws://relay:4080/feed", "ws://relay:4080/feed"),
            ("ws://bob:s3cret@relay/feed", "ws://…@relay/feed"),
            ("ws://s3cret@relay", "ws://…@relay"),
            (
                "wss://h/f?token=s3cret&types=A,B&empty=",
                "wss://h/f?token=…&types=…&empty=",
            ),
            ("wss://h/f?s3cret", "wss://h/f?…"),
            ("wss://h/f#s3cret", "wss://h/f#…"),
            // What can't be read is hidden too.
            ("ws://bob:s3/cret@relay:x/feed", "ws://…@relay:x/feed"),
            ("bob:s3cret@relay", "…@relay"),
            ("ws://h/\u{1b}[2J\n", "ws://h/␛[2J␊"),
        ] {
            let address = Address::new(text);
            assert_eq!(address.to_string(), shown);
            assert_eq!(format!("{address:?}"), format!("{shown:?}"));
            assert_eq!(masked(shown), shown, "what is masked stays as it is");
            assert_eq!(address.expose(), text);
        }
    }

    #[test]
    fn an_address_is_parsed_as_a_request_needs_it() {
        for (text, url) in [
            ("WSS://Relay.Example/feed", "wss://relay.example/feed"),
            (
                "ws://exämple.localhost:9400/feed",
                "ws://xn--exmple-cua.localhost:9400/feed",
            ),
            (
                "ws://h/feed?types=Song Played",
                "ws://h/feed?types=Song%20Played",
            ),
            (
                "ws://h/Käufe?types=Käufe",
                "ws://h/K%C3%A4ufe?types=K%C3%A4ufe",
            ),
            ("http://[::1]:80/", "http://[::1]/"),
        ] {
            assert_eq!(Address::new(text).url().unwrap().as_str(), url);
        }
        for (text, why) in [
            ("", AddressError::Empty),
            ("\"ws://h\"", AddressError::Quotes),
            ("'ws://h'", AddressError::Quotes),
            ("ws://h\n", AddressError::Space),
            (" ws://h", AddressError::Space),
            ("ws://h/a\nb", AddressError::Control),
            ("ws://h\\feed", AddressError::Backslash),
            ("relay:4080", AddressError::Scheme),
            ("relay.example/feed", AddressError::Scheme),
            ("ws:relay", AddressError::Scheme),
            ("ws://h:0/", AddressError::Port),
            ("ws://", AddressError::Url(url::ParseError::EmptyHost)),
            ("ws://h:x/", AddressError::Url(url::ParseError::InvalidPort)),
        ] {
            assert_eq!(Address::new(text).url().unwrap_err(), why, "{text:?}");
        }
        assert!(Address::new("ws://a b/").url().is_err());
    }

    #[test]
    fn a_place_is_what_names_a_server() {
        for (text, place) in [
            ("http://127.0.0.1:9401", "127.0.0.1:9401"),
            ("https://gate.example/x/", "gate.example/x/"),
            ("https://bob:pw@gate.example/x@y?a=b#c", "gate.example/x@y"),
            ("", ""),
        ] {
            assert_eq!(Address::new(text).place(), place);
        }
    }

    proptest! {
        #[test]
        fn no_secret_is_shown_whatever_is_in_it(
            secret in "[a-zA-Z0-9@:/%.~-]{4,12}",
            user in "[a-z]{1,4}",
        ) {
            let secret = format!("S3{secret}");
            for text in [
                format!("ws://{user}:{secret}@host.example/feed"),
                format!("ws://{secret}@host.example"),
                format!("ws://host.example/feed?token={secret}&x=1"),
                format!("ws://host.example?{secret}"),
                format!("http://host.example/#{secret}"),
            ] {
                let address = Address::new(text);
                prop_assert!(!address.to_string().contains("S3"), "{address}");
                let debugged = format!("{address:?}");
                prop_assert!(!debugged.contains("S3"));
                let serialized = serde_json::to_string(&address).unwrap_or_default();
                prop_assert!(!serialized.contains("S3"));
            }
        }
    }
}
