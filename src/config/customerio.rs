//! `[customerio]`: the workspace that events are sent to.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::customerio::client::Region;
use crate::network::{Address, ProxySetting};
use crate::setting_form::{humane, masked};

/// `[customerio]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "each setting is described where users read it: in assets/sluicegate.toml"
)]
pub struct CustomerIo {
    pub workspace: String,
    pub site_id: String,
    #[serde(serialize_with = "masked")]
    pub api_key: SecretString,
    pub api_key_file: String,
    pub region: Region,
    pub base_url: Address,
    pub proxy: ProxySetting,
    #[serde(with = "humane")]
    pub timeout: Duration,
}

impl Default for CustomerIo {
    fn default() -> Self {
        Self {
            workspace: String::new(),
            site_id: String::new(),
            api_key: SecretString::default(),
            api_key_file: String::new(),
            region: Region::Auto,
            base_url: Address::default(),
            proxy: ProxySetting::Environment,
            timeout: Duration::from_secs(30),
        }
    }
}
