//! The log, kept for a screen instead of written to a terminal.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

use crate::amplitude::time::{
    UnixMs, {self},
};

/// So many lines are kept.
const MOST: usize = 500;

/// The last lines of the log.
#[derive(Debug, Clone, Default)]
pub struct Lines(Arc<Mutex<VecDeque<LogLine>>>);

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written.
    pub at_ms: UnixMs,
    /// What it says: its level, and the message.
    pub says: String,
}

impl Lines {
    /// One more line.
    pub fn push(&self, line: LogLine) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= MOST {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// All that are kept, the oldest first.
    pub fn all(&self) -> Vec<LogLine> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}

/// What is written for one event of the log.
#[derive(Debug)]
pub struct Writing {
    lines: Lines,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Writing;

    fn make_writer(&'a self) -> Writing {
        Writing {
            lines: self.clone(),
            text: Vec::new(),
        }
    }
}

impl io::Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        let says = text.trim().to_owned();
        if !says.is_empty() {
            let at_ms = time::now();
            self.lines.push(LogLine { at_ms, says });
        }
    }
}
