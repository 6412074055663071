//! Masks personal data: IDs, addresses, names.
//!
//! Values of personal fields are replaced: an ID by a pseudonym, so that a person can still be
//! recognized. Known IDs, email addresses and IP addresses are also replaced in other texts, such as
//! conditions, reasons and titles.

use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest, Sha256};

use crate::amplitude::json::{self, Kind};

/// The mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Privacy {
    /// The salt of pseudonyms. It changes with each run, so that nobody can test IDs against a picture
    /// of a screen.
    pub salt: u64,
}

/// Fields whose value is an ID. Equal IDs get equal pseudonyms.
pub(super) const IDS: [&str; 14] = [
    "user_id",
    "device_id",
    "amplitude_id",
    "id",
    "anonymous_id",
    "cio_id",
    "adid",
    "idfa",
    "idfv",
    "android_id",
    "customer_id",
    "account_id",
    "uuid",
    "insert_id",
];

/// Parts of the names of personal fields, in lower case.
const PERSONAL: [&str; 15] = [
    "email",
    "e_mail",
    "mail",
    "phone",
    "mobile",
    "first_name",
    "firstname",
    "last_name",
    "lastname",
    "full_name",
    "fullname",
    "username",
    "recipient",
    "street",
    "address",
];

/// Whole names of personal fields.
const PERSONAL_WHOLE: [&str; 8] = [
    "ip",
    "location_lat",
    "location_lng",
    "latitude",
    "longitude",
    "surname",
    "reply_to",
    "birthday",
];

/// The replacement of a masked value.
pub(super) const HIDDEN: &str = "•••";

/// Email addresses, and IP addresses of both kinds.
pub(crate) static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    let email = r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)*";
    let v4 = r"\b(?:\d{1,3}\.){3}\d{1,3}\b";
    // Groups of hexadecimal digits. A time of day has too few groups.
    let v6 = r"\b(?:[0-9A-Fa-f]{1,4}:){4,7}[0-9A-Fa-f]{0,4}|\b(?:[0-9A-Fa-f]{1,4}:)+:(?:[0-9A-Fa-f]{1,4}:?)+";
    Regex::new(&format!("{email}|{v4}|{v6}")).expect("the expression is a constant")
});

impl Privacy {
    /// The pseudonym of an ID.
    pub fn id(self, id: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.salt.to_be_bytes());
        hash.update(id.as_bytes());
        let digest = hash.finalize();
        format!("id•{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2])
    }

    /// A JSON document with masked values. Its structure stays.
    pub fn document(self, raw: &str) -> String {
        let mut out = String::with_capacity(raw.len());
        self.value(raw, None, &mut out, 0);
        out
    }

    /// A text with masked addresses and IDs.
    pub fn text(self, text: &str, ids: &[String]) -> String {
        let mut out = ADDRESS.replace_all(text, HIDDEN).into_owned();
        for id in ids.iter().filter(|id| id.len() >= LEAST_ID) {
            if out.contains(id.as_str()) {
                out = out.replace(id.as_str(), &self.id(id));
            }
        }
        out
    }

    fn value(self, raw: &str, key: Option<&str>, out: &mut String, depth: usize) {
        let raw = raw.trim();
        match json::kind(raw) {
            Kind::Object if depth <= json::MAX_DEPTH => match json::entries(raw) {
                Some(entries) => {
                    out.push('{');
                    for (index, (name, value)) in entries.iter().enumerate() {
                        let comma = if index > 0 { "," } else { "" };
                        // A key may be an address too.
                        let shown = ADDRESS.replace_all(name, HIDDEN);
                        let _ = write!(out, "{comma}{}:", quoted(&shown));
                        self.value(value, Some(name), out, depth + 1);
                    }
                    out.push('}');
                }
                None => out.push_str(&quoted(HIDDEN)),
            },
            Kind::Array if depth <= json::MAX_DEPTH => match json::elements(raw) {
                Ok(elements) => {
                    out.push('[');
                    for (index, element) in elements.iter().enumerate() {
                        if index > 0 {
                            out.push(',');
                        }
                        self.value(element, key, out, depth + 1);
                    }
                    out.push(']');
                }
                Err(_) => out.push_str(&quoted(HIDDEN)),
            },
            Kind::Null | Kind::Bool => out.push_str(raw),
            kind => self.scalar(raw, kind, key, out),
        }
    }

    fn scalar(self, raw: &str, kind: Kind, key: Option<&str>, out: &mut String) {
        let content = match kind {
            Kind::String => json::string(raw).unwrap_or_default(),
            // Values that are nested too deeply are masked as a whole.
            Kind::Object | Kind::Array => HIDDEN.into(),
            _ => raw.into(),
        };
        let hidden = match key.map(str::to_ascii_lowercase) {
            Some(key) if IDS.contains(&key.as_str()) => self.id(&content),
            Some(key) if is_personal(&key) => HIDDEN.to_owned(),
            _ if kind == Kind::String => ADDRESS.replace_all(&content, HIDDEN).into_owned(),
            _ => {
                out.push_str(raw);
                return;
            }
        };
        out.push_str(&quoted(&hidden));
    }
}

/// An ID for the screen: its pseudonym if there is a mask.
pub fn shown(privacy: Option<Privacy>, id: &str) -> String {
    privacy.map_or_else(|| id.to_owned(), |privacy| privacy.id(id))
}

/// Minimum length of a masked ID, in bytes. Shorter ones would match within words.
pub(crate) const LEAST_ID: usize = 3;

fn is_personal(key: &str) -> bool {
    let whole = PERSONAL_WHOLE.contains(&key) || key == "name";
    whole || PERSONAL.iter().any(|part| key.contains(part)) || key.starts_with("ip_")
}

pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The IP addresses in a text.
pub fn addresses(text: &str) -> impl Iterator<Item = &str> {
    let found = ADDRESS.find_iter(text).map(|found| found.as_str());
    found.filter(|address| !address.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIVACY: Privacy = Privacy { salt: 0 };

    #[test]
    fn documents_keep_their_shape_and_tell_of_nobody() {
        let raw = r#"{"user_id":"u-1","event_type":"Sent","ip_address":"203.0.113.7",
            "event_properties":{"total":12.50,"to":["ann@example.com","x"],"note":"from 2001:db8:0:1:1:1:1:1","at":"12:04:31","version":"10.2.1"},
            "user_properties":{"Email":"ann@example.com","first_name":"Ann","age":7,"plan":null,"ann@example.com":{"name":"Ann"}},"device_id":null,"location_lat":52.5}"#;
        let results = PRIVACY.document(raw);
        assert_eq!(
            results,
            format!(
                r#"{{"user_id":"{}","event_type":"Sent","ip_address":"•••","event_properties":{{"total":12.50,"to":["•••","x"],"note":"from •••","at":"12:04:31","version":"10.2.1"}},"user_properties":{{"Email":"•••","first_name":"•••","age":7,"plan":null,"•••":{{"name":"•••"}}}},"device_id":null,"location_lat":"•••"}}"#,
                PRIVACY.id("u-1")
            )
        );
        assert!(serde_json::from_str::<serde_json::Value>(&results).is_ok());
        assert_ne!(PRIVACY.id("u-1"), PRIVACY.id("u-2"));
        assert_ne!(PRIVACY.id("u-1"), Privacy { salt: 1 }.id("u-1"));
    }

    #[test]
    fn what_is_no_json_or_nested_beyond_reason_is_hidden_or_harmless() {
        let deep = "[".repeat(100_000);
        assert!(PRIVACY.document(&deep).len() < 200_000);
        assert_eq!(PRIVACY.document(r#""ann@example.com""#), r#""•••""#);
        assert_eq!(PRIVACY.document(r#"{"a": oops"#), r#""•••""#);
    }

    #[test]
    fn texts_lose_the_ids_that_are_known() {
        let text = PRIVACY.text("u-0007 wrote to a.b@c.de", &["u-0007".to_owned()]);
        assert_eq!(text, format!("{} wrote to •••", PRIVACY.id("u-0007")));
    }
}
