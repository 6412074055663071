//! Opens a file with the desktop's program for it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::tui::terminal::clipboard;

/// The program that opens files.
const PROGRAM: &str = if cfg!(target_os = "macos") {
    "open"
} else if cfg!(windows) {
    "explorer"
} else {
    "xdg-open"
};

/// Opens a file. Waits for the program that opens it, not for the one that shows it.
pub(crate) fn open(path: &Path) -> Result<(), String> {
    if !clipboard::System::is_here() {
        return Err("there is no desktop here to open it on".to_owned());
    }
    let mut command = Command::new(PROGRAM);
    command.arg(path);
    command.stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{PROGRAM} can't open it ({status})")),
        Err(error) => Err(format!("{PROGRAM}: {error}")),
    }
}
