//! `[verify]`: asking Customer.io what became of people and events.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::network::Address;
use crate::setting_form::masked;

/// Maximum samples a minute: one a second leaves most of Customer.io's rate to operators.
pub const MAX_SAMPLES: u32 = 60;

/// `[verify]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "each setting is described where users read it: in assets/sluicegate.toml"
)]
pub struct Verify {
    #[serde(serialize_with = "masked")]
    pub app_api_key: SecretString,
    pub app_api_key_file: String,
    pub base_url: Address,
    pub sample_per_minute: u32,
}

impl Default for Verify {
    fn default() -> Self {
        Self {
            app_api_key: SecretString::default(),
            app_api_key_file: String::new(),
            base_url: Address::default(),
            sample_per_minute: 6,
        }
    }
}
