//! The sources of the configuration: a file, the environment and flags.

use std::path::PathBuf;

use color_eyre::eyre::Result;

use crate::config::{Flag, Loaded, default_path, load};

/// The configuration file to load.
#[derive(Debug, Clone)]
pub(super) struct ConfigSource {
    /// The file, or nothing without a home folder.
    pub(super) path: Option<PathBuf>,
    /// Whether the operator named the file: then a missing one is an error.
    pub(super) asked: bool,
}

impl ConfigSource {
    /// Returns the file that the flag or `SLUICEGATE_CONFIG` names, else the platform's.
    pub(super) fn of(flag: Option<PathBuf>) -> Self {
        let named = flag.or_else(|| std::env::var_os("SLUICEGATE_CONFIG").map(PathBuf::from));
        let asked = named.is_some();
        Self {
            path: named.or_else(default_path),
            asked,
        }
    }

    /// Loads the settings, which blocks.
    pub(super) fn load(self, flags: &[Flag]) -> Result<Loaded> {
        Ok(load(
            self.path,
            self.asked,
            std::env::vars_os().filter_map(as_text),
            flags,
        )?)
    }
}

/// Skips a variable that is not valid Unicode: it can't be one of this program.
fn as_text((name, value): (std::ffi::OsString, std::ffi::OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}
