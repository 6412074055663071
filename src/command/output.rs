//! Writes to standard output, standard error and the log.
//!
//! Names, properties, answers, addresses and file names come from outside. This module replaces
//! the control characters in all of them. Errors of writing are ignored: the reader may have gone,
//! as in `| head`.

use std::io::{self, Write as _};

use serde::Serialize;
use tracing_subscriber::EnvFilter;

use super::log_fields::{EscapedJson, TextFields};
use crate::cli::LogFormat;
use crate::text;
use crate::tui::relay::LogLines;

/// Prints a line to standard output.
macro_rules! say {
    ($($what:tt)*) => { $crate::command::output::line(&format!($($what)*)) };
}

/// Prints to standard output without ending the line.
macro_rules! say_as_is {
    ($($what:tt)*) => { $crate::command::output::write(&format!($($what)*)) };
}

/// Prints a line to standard error.
macro_rules! complain {
    () => { $crate::command::output::error_line("") };
    ($($what:tt)*) => { $crate::command::output::error_line(&format!($($what)*)) };
}

/// Writes text and the end of its line to standard output.
pub(super) fn line(said: &str) {
    let _ = writeln!(io::stdout(), "{}", text::in_lines(said));
}

/// Writes text to standard output.
pub(super) fn write(said: &str) {
    let mut out = io::stdout();
    let _ = write!(out, "{}", text::in_lines(said)).and_then(|()| out.flush());
}

/// Writes text and the end of its line to standard error. Unlike `eprintln!` it doesn't panic when
/// the terminal is closed.
pub(super) fn error_line(said: &str) {
    let _ = writeln!(io::stderr(), "{}", text::in_lines(said));
}

/// Replaces the control characters of a text from outside, and shortens it to 200 characters.
pub(super) fn printable(outside: &str) -> String {
    outside.chars().take(200).map(text::visible).collect()
}

/// Writes a value as JSON to standard output.
pub(super) fn json(value: &impl Serialize) {
    // It fails only for maps with keys that are not texts. No report has one.
    let json = serde_json::to_string_pretty(value).unwrap_or_default();
    let _ = writeln!(io::stdout(), "{}", text::escaped_json(&json));
}

/// Returns the filter in `SLUICEGATE_LOG`, else one for this level and above.
fn log_filter(level: &str) -> EnvFilter {
    EnvFilter::try_from_env("SLUICEGATE_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("sluicegate={level}")))
}

/// Starts logging to a screen.
pub(super) fn log_to(lines: LogLines) {
    // Fails only if logging is started already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(log_filter("info"))
        .with_writer(lines)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .fmt_fields(TextFields)
        .try_init();
}

/// Starts logging to standard error, by default this level and above.
pub(super) fn log_to_stderr_from(level: &str, format: LogFormat) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(log_filter(level))
        // With a closed standard error it would report that there, and panic.
        .log_internal_errors(false);
    let colour =
        io::IsTerminal::is_terminal(&io::stderr()) && std::env::var_os("NO_COLOR").is_none();
    // Fails only if logging is started already.
    let _ = match format {
        LogFormat::Text => builder
            .with_writer(io::stderr)
            .with_target(false)
            .with_ansi(colour)
            .fmt_fields(TextFields)
            .try_init(),
        LogFormat::Json => builder
            .with_writer(|| EscapedJson(io::stderr()))
            .json()
            .flatten_event(true)
            .try_init(),
    };
}

/// Starts logging to standard error, by default `info` and above.
pub(super) fn log_to_stderr(format: LogFormat) {
    log_to_stderr_from("info", format);
}
