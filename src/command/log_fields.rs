//! The fields of a line of the log: as text, and as JSON.
//!
//! Messages that programs may want to read have a field `kind`, whose values and fields stay the same
//! from version to version: `assets/logs.md` lists them.

use std::fmt;
use std::io;

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{FormatFields, Writer};

use crate::text;

/// Fields for programs, which the message tells people in words.
const ONLY_FOR_PROGRAMS: [&str; 18] = [
    "kind",
    "reason",
    "retry_ms",
    "outcome",
    "version",
    "feed_state",
    "received",
    "accepted",
    "delivered",
    "filtered",
    "rejected",
    "queued",
    "dead_letters",
    "p95_ms",
    "alert",
    "state",
    "status",
    "since",
];

/// Formats the fields of a text line: the message, then the others, without line breaks and control
/// characters.
pub(super) struct TextFields;

impl<'w> FormatFields<'w> for TextFields {
    fn format_fields<R: RecordFields>(&self, out: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = TextVisitor {
            out,
            is_first: true,
            result: Ok(()),
        };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct TextVisitor<'w> {
    out: Writer<'w>,
    is_first: bool,
    result: fmt::Result,
}

impl TextVisitor<'_> {
    fn write(&mut self, name: &str, value: &str) -> fmt::Result {
        if !self.is_first {
            write!(self.out, " ")?;
        }
        self.is_first = false;
        match (name, self.out.has_ansi_escapes()) {
            ("message", _) => write!(self.out, "{value}"),
            (name, true) => write!(
                self.out,
                "\u{1b}[3m{name}\u{1b}[0m\u{1b}[2m=\u{1b}[0m{value}"
            ),
            (name, false) => write!(self.out, "{name}={value}"),
        }
    }
}

impl Visit for TextVisitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.result.is_ok() && !ONLY_FOR_PROGRAMS.contains(&field.name()) {
            let value = text::on_one_line(&format!("{value:?}"));
            self.result = self.write(field.name(), &value);
        }
    }
}

/// A writer that escapes the control characters in JSON lines.
pub(super) struct EscapedJson<W>(pub(super) W);

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
