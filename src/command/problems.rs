//! All problems of the settings, those of the key bindings too.

use color_eyre::eyre::Result;

use crate::config::{ConfigError, Loaded, Needs};
use crate::text;
use crate::tui::input::keymap::Keymap;

/// All problems, each a line, so that the operator can fix them all at once.
#[derive(Debug, thiserror::Error)]
#[error("cannot use these settings:\n  {}{next}", .lines.join("\n  "))]
pub(super) struct Problems {
    lines: Vec<String>,
    /// What to do, after an empty line. Empty: the problems say it.
    pub(super) next: String,
}

/// Returns the problems of the settings for a command that `needs` these, those of `[keys]` last.
pub(super) fn of(loaded: &Loaded, needs: Needs) -> Vec<ConfigError> {
    let mut found = loaded.problems(needs);
    let invalid = Keymap::with(&loaded.settings.keys)
        .err()
        .unwrap_or_default();
    found.extend(invalid.into_iter().map(|error| {
        let setting = format!("keys.{}", error.name());
        ConfigError::Invalid {
            origin: loaded.origin(&setting),
            message: error.to_string(),
            setting,
        }
    }));
    found
}

/// Refuses settings with problems.
pub(super) fn refuse(loaded: &Loaded, needs: Needs) -> Result<()> {
    let problems = of(loaded, needs);
    if problems.is_empty() {
        return Ok(());
    }
    let lines = problems.iter().map(|p| text::on_one_line(&p.to_string()));
    Err(Problems {
        lines: lines.collect(),
        next: String::new(),
    }
    .into())
}
