//! Loaded settings with the origin of each value.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::error::ConfigError;
use super::origin::Origin;
use super::settings::Settings;
use crate::network::ProxyError;

/// The settings, and the origin of each value.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The configuration file, which may not exist.
    pub path: Option<PathBuf>,
    /// The origin of each value that is set, by path.
    pub origins: BTreeMap<String, Origin>,
    /// Settings whose value in the environment contains quotes, spaces or line breaks that don't
    /// belong to it, with the message for each.
    pub(super) stray: Vec<(String, &'static str)>,
    /// The error of the proxy variables in the environment, such as `HTTPS_PROXY`.
    pub(super) proxy: Option<ProxyError>,
}

impl From<Settings> for Loaded {
    /// Wraps settings that the program makes itself.
    fn from(settings: Settings) -> Self {
        Self {
            settings,
            path: None,
            origins: BTreeMap::new(),
            stray: Vec::new(),
            proxy: None,
        }
    }
}

impl Loaded {
    /// Returns the origin of a setting's value.
    pub fn origin(&self, setting: &str) -> Origin {
        self.origins
            .get(setting)
            .cloned()
            .unwrap_or(Origin::Default)
    }

    /// Makes the error for a value that a setting can't have.
    pub(super) fn invalid(&self, setting: &str, message: impl Into<String>) -> ConfigError {
        ConfigError::Invalid {
            setting: setting.to_owned(),
            origin: self.origin(setting),
            message: message.into(),
        }
    }
}
