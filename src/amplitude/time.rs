//! Times in all forms that Amplitude writes, to the millisecond, and their forms in outputs.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::json::{self, Kind};

/// Milliseconds since the Unix epoch.
pub type UnixMs = i64;

/// Positive integers below this (March 1973 in milliseconds) are rejected as seconds: no product that
/// sends events is that old. Zero and negative integers are times up to 1970.
const SECONDS_BY_MISTAKE_BELOW: i64 = 100_000_000_000;

/// The reason why a time can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// The value is a string in no known form.
    #[error(
        "{0:?} is not a time: write 2026-01-31 12:00:00.000000 (UTC), or milliseconds since 1970"
    )]
    Unknown(String),
    /// The number is too small for milliseconds.
    #[error("{0} looks like seconds: Amplitude's `time` is in milliseconds")]
    Seconds(i64),
    /// The number is outside of the calendar.
    #[error("{0} is outside of the calendar")]
    OutOfRange(String),
    /// The event has no time at all.
    #[error("the event has neither event_time nor time")]
    Missing,
}

/// Reads a raw JSON value as a time.
///
/// It accepts the Export API's `"2025-06-30 03:37:52.846000"` and `"2022-10-24T20:07:32.123"` (both
/// UTC), the same with `Z` or an offset, and HTTP V2's integer milliseconds, also as a string.
pub fn parse(raw: &str) -> Result<UnixMs, TimeError> {
    match json::kind(raw) {
        Kind::Number => parse_number(raw),
        Kind::String => {
            let text = json::string(raw).unwrap_or_default();
            let text = text.trim();
            if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
                parse_number(text)
            } else {
                parse_text(text)
            }
        }
        Kind::Null => Err(TimeError::Missing),
        Kind::Bool | Kind::Array | Kind::Object => Err(unknown(raw)),
    }
}

fn parse_number(text: &str) -> Result<UnixMs, TimeError> {
    let ms = match text.parse::<i64>() {
        Ok(ms) => ms,
        // Some SDKs write 1.7e12 or 1767225600000.0.
        Err(_) => match text.parse::<f64>() {
            Ok(ms) if ms.is_finite() && ms.abs() < 9e15 => ms as i64,
            _ => return Err(TimeError::OutOfRange(text.to_owned())),
        },
    };
    if (1..SECONDS_BY_MISTAKE_BELOW).contains(&ms) {
        return Err(TimeError::Seconds(ms));
    }
    Timestamp::from_millisecond(ms)
        .map(Timestamp::as_millisecond)
        .map_err(|_| TimeError::OutOfRange(text.to_owned()))
}

fn parse_text(text: &str) -> Result<UnixMs, TimeError> {
    // After the date, only a zone has these characters. A civil time would ignore it.
    let zoned = text
        .get(10..)
        .is_some_and(|rest| rest.contains(['Z', 'z', '+', '-']));
    let stamp = if zoned {
        text.parse::<Timestamp>().ok()
    } else {
        let civil = text.parse::<DateTime>().ok();
        civil.and_then(|civil| TimeZone::UTC.to_timestamp(civil).ok())
    };
    stamp
        .map(Timestamp::as_millisecond)
        .ok_or_else(|| unknown(text))
}

fn unknown(text: &str) -> TimeError {
    TimeError::Unknown(text.chars().take(60).collect())
}

/// A time as the Export API writes it: `2025-06-30 03:37:52.846000`, UTC.
pub fn to_export(ms: UnixMs) -> String {
    Timestamp::from_millisecond(ms).map_or_else(
        |_| ms.to_string(),
        |t| t.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string(),
    )
}

/// A time to the millisecond: `2025-06-30 03:37:52.846`, UTC.
pub fn to_stamp(ms: UnixMs) -> String {
    shortened(to_export(ms), "2025-06-30 03:37:52.846")
}

/// A time to the second: `2025-06-30 03:37:52`, UTC.
pub fn to_stamp_seconds(ms: UnixMs) -> String {
    shortened(to_export(ms), "2025-06-30 03:37:52")
}

/// A time as RFC 3339 writes it: `2025-06-30T03:37:52.846Z`.
pub fn to_rfc3339(ms: UnixMs) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| at.to_string())
}

/// The first `count` digits of a time for file names: 8 are the day, 10 the hour, 14 the second.
pub fn to_digits(ms: UnixMs, count: usize) -> String {
    let stamp = to_export(ms);
    let digits = stamp.chars().filter(char::is_ascii_digit);
    digits.take(count).collect()
}

/// A time of day to the second, UTC: `12:04:31`.
pub fn to_clock_seconds(ms: UnixMs) -> String {
    shortened(to_clock(ms), "12:04:31")
}

/// The beginning of a time, as long as `form`.
fn shortened(mut time: String, form: &str) -> String {
    time.truncate(form.len());
    time
}

/// A time of day to the millisecond, UTC: `12:04:31.204`.
pub fn to_clock(ms: UnixMs) -> String {
    Timestamp::from_millisecond(ms).map_or_else(
        |_| "--:--:--".to_owned(),
        |t| t.strftime("%H:%M:%S.%3f").to_string(),
    )
}

/// The time of the wall clock.
pub fn now() -> UnixMs {
    Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_time_is_read_to_the_millisecond() {
        let table = [
            (r#""2025-06-30 03:37:52.846000""#, 1_751_254_672_846),
            (r#""2025-06-30 03:37:52.846""#, 1_751_254_672_846),
            (r#""2025-06-30T03:37:52.846""#, 1_751_254_672_846),
            (r#""2025-06-30T03:37:52""#, 1_751_254_672_000),
            (r#""2025-06-30T03:37:52.846Z""#, 1_751_254_672_846),
            (r#""2025-06-30T05:37:52.846+02:00""#, 1_751_254_672_846),
            ("1751254672846", 1_751_254_672_846),
            (r#""1751254672846""#, 1_751_254_672_846),
            ("1.751254672846e12", 1_751_254_672_846),
            (r#""2024-02-29 23:59:59.999999""#, 1_709_251_199_999),
        ];
        for (raw, ms) in table {
            assert_eq!(parse(raw), Ok(ms), "{raw}");
        }
    }

    #[test]
    fn an_unreadable_time_is_an_error_and_seconds_have_one_of_their_own() {
        assert_eq!(parse("1751254672"), Err(TimeError::Seconds(1_751_254_672)));
        assert_eq!(parse("null"), Err(TimeError::Missing));
        for raw in [
            r#""yesterday""#,
            r#""""#,
            "true",
            r#""2025-13-01 00:00:00""#,
        ] {
            assert!(matches!(parse(raw), Err(TimeError::Unknown(_))), "{raw}");
        }
        assert!(matches!(parse("9e99"), Err(TimeError::OutOfRange(_))));
    }

    #[test]
    fn the_export_form_is_written_as_it_is_read() {
        assert_eq!(to_export(1_751_254_672_846), "2025-06-30 03:37:52.846000");
        assert_eq!(to_clock(1_751_254_672_846), "03:37:52.846");
    }
}
