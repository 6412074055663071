//! Errors of the configuration. Each message names the setting, its origin and the fix.

use std::path::PathBuf;

use super::origin::Origin;
use crate::network::ProxyError;

/// A reason why the settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file can't be read.
    #[error("{what}: cannot read {path}: {source}", path = path.display())]
    File {
        /// The setting that names the file.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A key file doesn't contain exactly one key.
    #[error("{setting}: {path} {message}; write the key into it, and nothing else", path = path.display())]
    KeyFile {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// The problem, as the end of a sentence about the file.
        message: &'static str,
    },
    /// The file is not valid TOML.
    #[error("{path}:{line}: {message}", path = path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The parser's message.
        message: String,
    },
    /// A setting or variable that doesn't exist.
    #[error("{origin}: there is no setting {key}{hint}")]
    Unknown {
        /// Its origin.
        origin: Origin,
        /// Its name.
        key: String,
        /// A suggestion of an existing name, or nothing.
        hint: String,
    },
    /// A value that a setting can't have.
    #[error("{origin}: {setting}: {message}")]
    Invalid {
        /// The setting.
        setting: String,
        /// The origin of the value.
        origin: Origin,
        /// The problem and the fix.
        message: String,
    },
    /// A proxy in the environment that can't be used.
    #[error("environment {0}")]
    Proxy(ProxyError),
    /// A setting that the command needs is not set.
    #[error("{setting} is not set: {fix}")]
    Missing {
        /// The setting.
        setting: &'static str,
        /// The fix.
        fix: String,
    },
}
