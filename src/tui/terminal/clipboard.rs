//! The system's clipboard, where the program runs on the machine that is looked at. Elsewhere
//! only the terminal can be asked.

use std::sync::{Arc, Mutex, PoisonError};

use arboard::Clipboard;

/// The system's clipboard. On some systems it is ours to hand out what was copied, for as long
/// as this lives.
#[derive(Clone, Default)]
pub struct System(Arc<Mutex<Option<Clipboard>>>);

impl System {
    /// Whether there is one that the operator sees.
    pub fn is_here() -> bool {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_remote = is_set("SSH_CONNECTION") || is_set("SSH_TTY");
        let has_desktop = cfg!(any(target_os = "macos", windows)) || is_set("DISPLAY");
        has_desktop && !is_remote
    }

    /// Puts a text into it. This may wait for the desktop.
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
