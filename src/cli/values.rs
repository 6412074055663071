//! Parsers of values on the command line. Each error says what to write.

use std::time::Duration;

use crate::filter::Mode;
use crate::setting_form::humane;

/// Parses the maximum size of an event in bytes. The upper bound keeps positions in an event within
/// 32 bits.
pub(super) fn event_bytes(text: &str) -> Result<usize, String> {
    let bytes = text.parse::<usize>().ok();
    let bytes = bytes.filter(|bytes| (1_024..=2_000_000_000).contains(bytes));
    bytes.ok_or_else(|| "write a number of bytes from 1024 to 2000000000".to_owned())
}

/// Parses a rate per second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|n| *n > 0.0 && *n <= 1e6);
    number.ok_or_else(|| "write a number over 0 and up to 1000000".to_owned())
}

/// Parses a share.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|n| (0.0..=1.0).contains(n));
    number.ok_or_else(|| "write a number from 0 to 1".to_owned())
}

/// Parses a length of time, of at most a year.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humane::parse(text)
}

/// Parses a mode of the gate.
pub(super) fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "open" => Ok(Mode::Open),
        "shut" => Ok(Mode::Shut),
        "dry-run" | "dry run" => Ok(Mode::DryRun),
        _ => Err("write open, shut or dry-run".to_owned()),
    }
}

/// Parses a time in UTC: `2026-11-25T09:10`, also with seconds.
pub(super) fn moment(text: &str) -> Result<crate::amplitude::time::UnixMs, String> {
    let has_seconds = text.matches(':').count() > 1;
    let seconds = if has_seconds { "" } else { ":00" };
    crate::amplitude::time::parse(&format!("\"{text}{seconds}\""))
        .map_err(|_| format!("{text:?} is not a time; write 2026-11-25T09:10"))
}
