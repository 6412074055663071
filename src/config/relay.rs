//! `[relay]`: the relay that takes events over HTTP and serves them as a feed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::network::Address;
use crate::setting_form::{humane, masked};

/// `[relay]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "each setting is described where users read it: in assets/sluicegate.toml"
)]
pub struct Relay {
    pub listen: SocketAddr,
    #[serde(serialize_with = "masked")]
    pub secret: SecretString,
    #[serde(serialize_with = "masked")]
    pub token: SecretString,
    pub tls_cert_file: String,
    pub tls_key_file: String,
    pub pass_to: Address,
    pub to: Address,
    pub ring_bytes: usize,
    #[serde(with = "humane")]
    pub retain: Duration,
    pub retain_bytes: u64,
    pub folder: String,
    #[serde(with = "humane")]
    pub patience: Duration,
    pub events_per_second: u32,
    pub device_events_per_second: u32,
    pub webhook: BTreeMap<String, String>,
}

impl Default for Relay {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 4080)),
            secret: SecretString::default(),
            token: SecretString::default(),
            tls_cert_file: String::new(),
            tls_key_file: String::new(),
            pass_to: Address::default(),
            to: Address::default(),
            ring_bytes: 64 << 20,
            retain: Duration::ZERO,
            retain_bytes: 1_000_000_000,
            folder: String::new(),
            patience: Duration::from_secs(10),
            events_per_second: 0,
            device_events_per_second: 0,
            webhook: BTreeMap::new(),
        }
    }
}
