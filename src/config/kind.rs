//! Kinds of values, with the range that each setting allows: for messages that say what to write.

use std::net::SocketAddr;

use toml::Value;

use super::verify::MAX_SAMPLES;
use crate::customerio::sizes::BATCH_BYTES;

/// Maximum of a size in bytes: TOML's integers have 64 bits with a sign.
const SIZE: u64 = i64::MAX as u64;
/// Maximum of a count.
const COUNT: u64 = u32::MAX as u64;

/// Every setting that is a whole number, with its minimum and maximum.
const WHOLE_NUMBERS: [(&str, u64, u64); 17] = [
    ("feed.max_frame_bytes", 1, SIZE),
    ("delivery.requests_per_second", 1, COUNT),
    ("delivery.in_flight", 1, SIZE),
    ("delivery.batch_bytes", 0, BATCH_BYTES as u64),
    ("delivery.attempts", 1, COUNT),
    ("delivery.breaker_failures", 1, COUNT),
    ("delivery.queue_bytes", 1, SIZE),
    ("verify.sample_per_minute", 0, MAX_SAMPLES as u64),
    ("spool.quota_bytes", 1, SIZE),
    ("ledger.quota_bytes", 0, SIZE),
    ("spool.commit_bytes", 1, SIZE),
    ("screen.ring_bytes", 0, SIZE),
    ("screen.frames_per_second", 1, COUNT),
    ("relay.ring_bytes", 0, SIZE),
    ("relay.retain_bytes", 0, SIZE),
    ("relay.events_per_second", 0, COUNT),
    ("relay.device_events_per_second", 0, COUNT),
];

/// Maximum length of a value in a message, in characters.
const MAX_SHOWN: usize = 80;

/// The kind of a setting's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole number from a minimum to a maximum.
    Whole(u64, u64),
    /// A percentage.
    Percentage,
    /// `true` or `false`.
    Bool,
    /// A length of time, such as `250ms`.
    Duration,
    /// An IP address with a port.
    SocketAddress,
    /// Any other text.
    Text,
    /// A list of texts.
    List,
    /// A table.
    Table,
}

impl Kind {
    /// Returns the kind of a setting by its path and its default. Rules and alerts have none: the
    /// messages of the parser say more about what is inside of them.
    pub(super) fn of(path: &str, default: &Value) -> Option<Self> {
        let kind = match default {
            Value::Integer(_) => {
                let known = WHOLE_NUMBERS.iter().find(|(name, ..)| *name == path);
                known.map_or(Self::Whole(0, SIZE), |(_, min, max)| {
                    Self::Whole(*min, *max)
                })
            }
            Value::Float(_) => Self::Percentage,
            Value::Boolean(_) => Self::Bool,
            Value::String(text) if humantime::parse_duration(text).is_ok() => Self::Duration,
            Value::String(text) if text.parse::<SocketAddr>().is_ok() => Self::SocketAddress,
            Value::String(_) => Self::Text,
            Value::Array(_) if matches!(path, "rules" | "alerts") => return None,
            Value::Array(_) => Self::List,
            Value::Table(_) => Self::Table,
            Value::Datetime(_) => return None,
        };
        Some(kind)
    }

    /// Returns the message for a value that a setting of this kind can't have, or nothing where the
    /// parser's own message names the value and says what to write.
    pub(super) fn refusal(self, value: &Value) -> Option<String> {
        let (is, write) = match self {
            Self::Whole(min, max) => {
                let is = if is_number(value) {
                    "is out of range"
                } else {
                    "is not a whole number"
                };
                (is, format!("a whole number from {min} to {max}"))
            }
            Self::Percentage => {
                let is = if is_number(value) {
                    "is out of range"
                } else {
                    "is not a number"
                };
                (is, "a number from 0 to 100".to_owned())
            }
            Self::Bool => ("is neither true nor false", "true or false".to_owned()),
            Self::Duration | Self::Text if value.is_str() => return None,
            Self::Duration => (
                "is not a length of time",
                "\"250ms\", \"10s\" or \"4h\"".to_owned(),
            ),
            Self::SocketAddress => {
                let is = "is not an IP address with a port";
                (is, "\"127.0.0.1:4080\" or \"[::1]:4080\"".to_owned())
            }
            Self::Text => ("is not a text", "it in quotes".to_owned()),
            Self::List => ("is not a list of texts", "[\"a\", \"b\"]".to_owned()),
            Self::Table => ("is not a table", "{ name = \"value\" }".to_owned()),
        };
        Some(format!("{} {is}; write {write}", shown(value)))
    }
}

/// Returns whether a value is a whole number, however large: those over 64 bits are still text.
fn is_number(value: &Value) -> bool {
    match value {
        Value::Integer(_) => true,
        Value::String(text) => {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

/// Returns a value as TOML writes it, numbers without quotes.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) if is_number(value) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Settings, flatten};

    #[test]
    fn the_range_of_every_whole_number_is_known() {
        let all = flatten(&Settings::default());
        let numbers = all.iter().filter(|(_, value)| value.is_integer());
        let mut numbers: Vec<&str> = numbers.map(|(path, _)| path.as_str()).collect();
        let mut known: Vec<&str> = WHOLE_NUMBERS.iter().map(|(path, ..)| *path).collect();
        numbers.sort_unstable();
        known.sort_unstable();
        assert_eq!(numbers, known);
    }
}
