//! A progress bar.

use std::io::{IsTerminal as _, stderr};

/// Width of the progress bar, in columns.
const BAR: usize = 30;

/// A progress bar on one line of standard error, drawn only on a terminal.
pub(super) struct ProgressBar {
    on_terminal: bool,
}

impl ProgressBar {
    /// Creates a bar.
    pub(super) fn new() -> Self {
        Self {
            on_terminal: stderr().is_terminal(),
        }
    }

    /// Draws how much is done.
    pub(super) fn draw(&self, done: usize, all: usize, label: &str) {
        use std::io::Write as _;
        if !self.on_terminal {
            return;
        }
        let filled = done * BAR / all.max(1);
        let bar = format!("{}{}", "#".repeat(filled), ".".repeat(BAR - filled));
        // \x1b[K clears the rest of a longer line. An error is no loss: it is only progress.
        let _ = write!(stderr(), "\r\x1b[K[{bar}] {done} of {all} {label} ");
    }

    /// Ends the line of the bar.
    pub(super) fn end(&self) {
        if self.on_terminal {
            complain!();
        }
    }
}
