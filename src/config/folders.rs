//! Folders and file names of the platform.

use std::path::{Path, PathBuf};

/// Returns the default path of the configuration file, or nothing without a home folder.
pub fn default_path() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("sluicegate").join("sluicegate.toml"))
}

/// Returns the folder for the state of this program, such as spools, or nothing without a home
/// folder.
pub fn state_folder() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    let base = etcetera::choose_base_strategy().ok()?;
    let state = base.state_dir().unwrap_or_else(|| base.data_dir());
    Some(state.join("sluicegate"))
}

/// Replaces the characters that a file name can't contain on every system with `_`.
pub fn as_file_name(name: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || "-.@".contains(c) {
            c
        } else {
            '_'
        }
    };
    name.chars().map(safe).collect()
}

/// Returns whether a file exists. A file that can't be looked up counts as missing.
pub fn exists(path: &Path) -> bool {
    path.try_exists().unwrap_or(false)
}
