//! Errors in the keys of the configuration.

use crate::tui::input::keymap::binding::DefaultBinding;
use crate::tui::input::keymap::popup_table::POPUP_KEYS;
use crate::tui::input::keymap::table::KEYS;

/// An error in the keys of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No command has this name.
    #[error("unknown command{hint}; the palette (:) lists all commands")]
    Unknown {
        /// The name.
        name: String,
        /// The most similar name, as part of the message. Empty if none is similar.
        hint: String,
    },
    /// No key has this name.
    #[error(
        "unknown key {key:?}; write g, G, Ctrl-g, Alt-g, F5, Enter, Esc, Tab, Shift-Tab, Space, Up, Home or Delete"
    )]
    NoKey {
        /// The name of the command.
        name: String,
        /// The name of the key.
        key: String,
    },
    /// Two commands have the same key in the same scope.
    #[error("{key} is already bound to {other} in the same scope")]
    Taken {
        /// The name of the command.
        name: String,
        /// The key.
        key: String,
        /// The name of the other command.
        other: String,
    },
}

impl KeyError {
    /// The name of the command with the error.
    pub fn name(&self) -> &str {
        match self {
            Self::Unknown { name, .. } | Self::NoKey { name, .. } | Self::Taken { name, .. } => {
                name
            }
        }
    }
}

pub(super) fn unknown(name: &str) -> KeyError {
    let distance = |known: &&DefaultBinding| strsim::damerau_levenshtein(known.name, name);
    let nearest = KEYS.iter().chain(POPUP_KEYS).min_by_key(distance);
    let hint = nearest.filter(|known| distance(known) <= 3);
    KeyError::Unknown {
        name: name.to_owned(),
        hint: hint.map_or_else(String::new, |known| {
            format!(": did you mean {}?", known.name)
        }),
    }
}
