//! The header `Retry-After`.

use std::time::{Duration, SystemTime};

/// Maximum delay that an answer can demand: a typo in a proxy must not stop delivery for days.
pub(super) const MAX_DELAY: Duration = Duration::from_secs(3_600);

/// Parses seconds or a date: RFC 9110, `Retry-After`.
pub(crate) fn retry_after_delay(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let delay = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = httpdate::parse_http_date(text).ok()?;
            date.duration_since(now).unwrap_or_default()
        }
    };
    Some(delay.min(MAX_DELAY))
}
