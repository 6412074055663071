//! `[control]`: the control API of a running forwarder.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::setting_form::masked_values;

/// `[control]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "each setting is described where users read it: in assets/sluicegate.toml"
)]
pub struct Control {
    pub socket: bool,
    pub listen: String,
    pub tls_cert_file: String,
    pub tls_key_file: String,
    pub privacy: bool,
    #[serde(serialize_with = "masked_values")]
    pub operators: BTreeMap<String, SecretString>,
    #[serde(serialize_with = "masked_values")]
    pub viewers: BTreeMap<String, SecretString>,
}

impl Default for Control {
    fn default() -> Self {
        Self {
            socket: true,
            listen: String::new(),
            tls_cert_file: String::new(),
            tls_key_file: String::new(),
            privacy: false,
            operators: BTreeMap::new(),
            viewers: BTreeMap::new(),
        }
    }
}
