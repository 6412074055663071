//! A URL from the settings: parsed once, and displayed without its secrets.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use crate::text::on_one_line;

/// A URL as it is written in the settings.
///
/// `Display`, `Debug` and `Serialize` hide what may be secret: the user name and password, and all
/// values of the query. [`Address::url`] includes them.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct Address {
    text: String,
    url: Result<Url, AddressError>,
}

/// Why a text is not a usable address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is empty.
    #[error("is empty")]
    Empty,
    /// The value includes quotes, for example from an environment file.
    #[error("has quotes around it; remove them")]
    Quotes,
    /// The value includes white space, for example the line break of a file.
    #[error("begins or ends with a space or a line break; remove it")]
    Space,
    /// It has a control character.
    #[error("has a line break, a tab or another control character; remove it")]
    Control,
    /// It has a backslash.
    #[error("has a backslash; use / instead")]
    Backslash,
    /// `example.com`, or `https:example.com`.
    #[error("has no scheme; start it with https:// or wss://, for example")]
    Scheme,
    /// It has port 0, at which no server can listen.
    #[error("has port 0, at which nothing can listen")]
    Port,
    /// It is not a URL.
    #[error("can't be read: {0}")]
    Url(#[from] url::ParseError),
    /// It can't be used in a request.
    #[error("has a character that no request can contain; percent-encode it")]
    Request,
}

impl Address {
    /// Parses an address.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let url = parse(&text);
        Self { text, url }
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The URL with its secrets: host names in ASCII, everything else percent-encoded.
    pub fn url(&self) -> Result<&Url, AddressError> {
        self.url.as_ref().map_err(Clone::clone)
    }

    /// The text as it was written, with its secrets, to detect changes.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The host, port and path, as they were written.
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

/// Hides the parts of an address, valid or not, that may be secret, and replaces control characters.
pub fn masked(text: &str) -> String {
    let (text, fragment) = split(text, '#');
    let (base, query) = split(text, '?');
    let (scheme, rest) = match base.find("://") {
        Some(at) => base.split_at(at + 3),
        None => ("", base),
    };
    // A password may have characters that should be encoded: everything before the last @ is hidden.
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
    fn user_names_passwords_and_query_values_are_hidden() {
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
            // Invalid addresses are masked too.
            ("ws://bob:s3/cret@relay:x/feed", "ws://…@relay:x/feed"),
            ("bob:s3cret@relay", "…@relay"),
            ("ws://h/\u{1b}[2J\n", "ws://h/␛[2J␊"),
        ] {
            let address = Address::new(text);
            assert_eq!(address.to_string(), shown);
            assert_eq!(format!("{address:?}"), format!("{shown:?}"));
            assert_eq!(masked(shown), shown, "masking twice changes nothing");
            assert_eq!(address.expose(), text);
        }
    }

    #[test]
    fn an_address_is_parsed_or_refused_with_a_reason() {
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
    fn a_place_is_the_host_port_and_path() {
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
        fn no_secret_is_shown_whatever_its_characters(
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
