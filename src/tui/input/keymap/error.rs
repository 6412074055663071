//! What is wrong with the keys of the settings.

use crate::tui::input::keymap::binding::DefaultBinding;
use crate::tui::input::keymap::table::KEYS;

/// What is wrong with the keys of the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing is called so.
    #[error("nothing that can be done is called so{hint}; the palette (:) lists all names")]
    Unknown {
        /// The name.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// There is no such key.
    #[error(
        "{key:?} is no key; write g, G, Ctrl-g, Alt-g, F5, Enter, Esc, Tab, Shift-Tab, Space, Up, Home or Delete"
    )]
    NoKey {
        /// The name of what was to have it.
        name: String,
        /// What was written.
        key: String,
    },
    /// Two things have the same key in the same place.
    #[error("{key} is the key of {other} already, in the same place")]
    Taken {
        /// The name of what was to have it.
        name: String,
        /// The key.
        key: String,
        /// The name of what has it.
        other: String,
    },
}

impl KeyError {
    /// The name of what was to have the keys.
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
    let nearest = KEYS.iter().min_by_key(distance);
    let hint = nearest.filter(|known| distance(known) <= 3);
    KeyError::Unknown {
        name: name.to_owned(),
        hint: hint.map_or_else(String::new, |known| {
            format!(": did you mean {}?", known.name)
        }),
    }
}
