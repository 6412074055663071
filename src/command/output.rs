//! Writes to standard output, standard error and the log.
//!
//! Names, properties, answers, addresses and file names come from outside. This module replaces
//! the control characters in all of them. Errors of writing are ignored: the reader may have gone,
//! as in `| head`.

use std::fmt;
use std::io::{self, Write as _};

use serde::Serialize;
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::{FormatFields, Writer, debug_fn};

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
        .fmt_fields(fields())
        .try_init();
}

/// Starts logging to standard error, by default this level and above.
pub(super) fn log_to_stderr_from(level: &str, format: LogFormat) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(log_filter(level))
        // With a closed standard error it would report that there, and panic.
        .log_internal_errors(false)
        .with_target(false);
    let colour =
        io::IsTerminal::is_terminal(&io::stderr()) && std::env::var_os("NO_COLOR").is_none();
    // Fails only if logging is started already.
    let _ = match format {
        LogFormat::Text => builder
            .with_writer(io::stderr)
            .with_ansi(colour)
            .fmt_fields(fields())
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

/// Formats the fields of a log line without line breaks and control characters.
fn fields() -> impl for<'w> FormatFields<'w> + Send + Sync + 'static {
    debug_fn(field as FieldFn).delimited(" ")
}

type FieldFn = fn(&mut Writer<'_>, &Field, &dyn fmt::Debug) -> fmt::Result;

fn field(out: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = text::on_one_line(&format!("{value:?}"));
    match (field.name(), out.has_ansi_escapes()) {
        ("message", _) => write!(out, "{value}"),
        (name, true) => write!(out, "\u{1b}[3m{name}\u{1b}[0m\u{1b}[2m=\u{1b}[0m{value}"),
        (name, false) => write!(out, "{name}={value}"),
    }
}

/// A writer that escapes the control characters in JSON lines.
struct EscapedJson<W>(W);

impl<W: io::Write> io::Write for EscapedJson<W> {
    /// Writes a line. The log passes each line whole.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        self.0.write_all(text::escaped_json(&line).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
