//! The system's clipboard, if the program runs on the operator's machine. Otherwise only the terminal
//! has access to it.

use std::sync::{Arc, Mutex, PoisonError};

use arboard::Clipboard;

/// The system's clipboard. On some systems the copied text is available only as long as this
/// lives.
#[derive(Clone, Default)]
pub struct System(Arc<Mutex<Option<Clipboard>>>);

impl System {
    /// Whether the program runs on the operator's desktop.
    pub fn is_here() -> bool {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_remote = is_set("SSH_CONNECTION") || is_set("SSH_TTY");
        let has_desktop = cfg!(any(target_os = "macos", windows)) || is_set("DISPLAY");
        has_desktop && !is_remote
    }

    /// Opens the clipboard of the desktop, and leaves its content. The error says why it can't be used.
    pub fn can_be_used() -> Result<(), String> {
        Clipboard::new()
            .map(drop)
            .map_err(|error| error.to_string())
    }

    /// Puts a text into the clipboard. This may wait for the desktop.
    pub fn put(&self, text: String) -> Result<(), String> {
        let mut clipboard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = match clipboard.take() {
            Some(opened) => Ok(opened),
            None => Clipboard::new(),
        };
        let done = opened.and_then(|mut opened| {
            opened.set_text(text)?;
            *clipboard = Some(opened);
            Ok(())
        });
        done.map_err(|error| error.to_string())
    }
}
