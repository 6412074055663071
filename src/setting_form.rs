//! Serialized forms of settings: secrets masked, durations as `250ms`.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serializer;

/// Masks a secret: all but its first four characters, or all of a short one.
pub fn mask(secret: &str) -> String {
    match secret.chars().count() {
        0 => String::new(),
        1..8 => "…".to_owned(),
        _ => format!("{}…", secret.chars().take(4).collect::<String>()),
    }
}

/// Writes a secret masked.
pub fn masked<S: Serializer>(secret: &SecretString, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&mask(secret.expose_secret()))
}

/// Writes names with masked values: even the first characters of a value could be the whole secret.
pub fn masked_values<S: Serializer>(
    values: &BTreeMap<String, SecretString>,
    to: S,
) -> Result<S::Ok, S::Error> {
    let shown = |value: &SecretString| match value.expose_secret() {
        "" => "",
        _ => "…",
    };
    to.collect_map(values.iter().map(|(name, value)| (name, shown(value))))
}

/// Serializes durations as `250ms` or `4h`, for `#[serde(with = "humane")]`.
pub mod humane {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes a duration.
    pub fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&humantime::format_duration(*value))
    }

    /// Maximum duration: no setting needs more, and every clock can add it.
    const LONGEST: Duration = Duration::from_secs(366 * 86_400);

    /// Reads a duration of at most a year.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }

    /// Parses a duration of at most a year. The error names the text and says what to write.
    pub fn parse(text: &str) -> Result<Duration, String> {
        let problem = match humantime::parse_duration(text) {
            Ok(time) if time <= LONGEST => return Ok(time),
            Ok(_) => "more than a year",
            Err(_) => "not a length of time",
        };
        Err(format!(
            "{text:?} is {problem}; write 250ms, 10s or 4h, at most a year"
        ))
    }
}
