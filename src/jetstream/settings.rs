//! `[nats]`: how to reach a group, and how it shares its work.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::setting_form::{humane, masked};

/// `[nats]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "each setting is described where users read it: in assets/sluicegate.toml"
)]
pub struct NatsSettings {
    pub servers: Vec<String>,
    pub credentials_file: String,
    pub nkey_file: String,
    #[serde(serialize_with = "masked")]
    pub token: SecretString,
    pub ca_file: String,
    pub client_cert_file: String,
    pub client_key_file: String,
    pub member: String,
    #[serde(with = "humane")]
    pub lease: Duration,
}

impl Default for NatsSettings {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            credentials_file: String::new(),
            nkey_file: String::new(),
            token: SecretString::default(),
            ca_file: String::new(),
            client_cert_file: String::new(),
            client_key_file: String::new(),
            member: String::new(),
            lease: Duration::from_secs(6),
        }
    }
}
