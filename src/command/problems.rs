//! Everything that is wrong with the settings: what the settings themselves tell, and the keys.

use crate::config::Loaded;
use crate::config::{ConfigError, Needs};
use crate::tui::input::keymap::Keymap;

/// Returns the problems of the settings for a command that `needs` these, those of `[keys]` last.
pub(super) fn of(loaded: &Loaded, needs: Needs) -> Vec<ConfigError> {
    let mut found = loaded.problems(needs);
    let wrong = Keymap::with(&loaded.settings.keys)
        .err()
        .unwrap_or_default();
    found.extend(wrong.into_iter().map(|error| {
        let setting = format!("keys.{}", error.name());
        ConfigError::Invalid {
            origin: loaded.origin(&setting),
            message: error.to_string(),
            setting,
        }
    }));
    found
}
