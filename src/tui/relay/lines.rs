//! A writer of log messages that keeps them for the screen.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use crate::amplitude::time::{self, UnixMs};

/// Maximum log messages kept.
const MOST: usize = 500;

/// The last log messages.
#[derive(Debug, Clone, Default)]
pub struct LogLines(Arc<Mutex<VecDeque<LogLine>>>);

/// A log message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The time of the message.
    pub at_ms: UnixMs,
    /// The level and the message.
    pub text: String,
}

impl LogLines {
    /// Adds a message.
    pub fn push(&self, line: LogLine) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= MOST {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The messages, the oldest first.
    pub fn all(&self) -> Vec<LogLine> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}

/// The writer of one message.
#[derive(Debug)]
pub struct LogLineWriter {
    lines: LogLines,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for LogLines {
    type Writer = LogLineWriter;

    fn make_writer(&'a self) -> LogLineWriter {
        LogLineWriter {
            lines: self.clone(),
            text: Vec::new(),
        }
    }
}

impl io::Write for LogLineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogLineWriter {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        let message = text.trim().to_owned();
        if !message.is_empty() {
            let at_ms = time::now();
            self.lines.push(LogLine {
                at_ms,
                text: message,
            });
        }
    }
}
