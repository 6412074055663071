//! The one way out: all that commands say and log, on a pipe or on a terminal.
//!
//! Names, properties, answers, addresses and file names come from outside. Whatever of them
//! reaches standard output, standard error or a log passes here, and nothing that a terminal
//! obeys gets past. Whoever reads may have gone, as behind `| head`: then there is nobody to tell.

use std::fmt;
use std::io::{
    Write as _, {self},
};

use serde::Serialize;
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::{FormatFields, Writer, debug_fn};

use crate::cli::LogFormat;
use crate::text;
use crate::tui::relay::LogLines;

/// A line on standard output.
macro_rules! say {
    ($($what:tt)*) => { $crate::command::output::line(&format!($($what)*)) };
}

/// As `say`, without the end of the line.
macro_rules! say_as_is {
    ($($what:tt)*) => { $crate::command::output::write(&format!($($what)*)) };
}

/// A line on standard error.
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

/// Writes text and the end of its line to standard error. A terminal that was closed must not
/// make a panic of it.
pub(super) fn error_line(said: &str) {
    let _ = writeln!(io::stderr(), "{}", text::in_lines(said));
}

/// Writes a value as JSON to standard output.
pub(super) fn json(value: &impl Serialize) {
    // Nothing that commands report has keys that are no text, which is all that can fail.
    let json = serde_json::to_string_pretty(value).unwrap_or_default();
    let _ = writeln!(io::stdout(), "{}", text::escaped_json(&json));
}

/// What is logged, as `SLUICEGATE_LOG` says it; from this level on, where it says nothing.
fn log_filter(level: &str) -> EnvFilter {
    EnvFilter::try_from_env("SLUICEGATE_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("sluicegate={level}")))
}

/// Starts logging into a screen.
pub(super) fn log_to(lines: LogLines) {
    // It fails only where logging was started before.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(log_filter("info"))
        .with_writer(lines)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .fmt_fields(fields())
        .try_init();
}

/// Starts logging to standard error, from this level on where `SLUICEGATE_LOG` says nothing.
pub(super) fn log_to_stderr_from(level: &str, format: LogFormat) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(log_filter(level))
        // It would tell on standard error, and panic, that standard error is closed.
        .log_internal_errors(false)
        .with_target(false);
    let colour =
        io::IsTerminal::is_terminal(&io::stderr()) && std::env::var_os("NO_COLOR").is_none();
    // It fails only where logging was started before.
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

/// Starts logging to standard error.
pub(super) fn log_to_stderr(format: LogFormat) {
    log_to_stderr_from("info", format);
}

/// The fields of a log line: nothing in them ends the line, or is obeyed by a terminal.
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

/// JSON lines on their way out, with all escaped that a terminal obeys.
struct EscapedJson<W>(W);

impl<W: io::Write> io::Write for EscapedJson<W> {
    /// A line of the log comes in one piece.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        self.0.write_all(text::escaped_json(&line).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
