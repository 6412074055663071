//! The settings of a feed.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::network::{Address, ProxySetting};
use crate::setting_form::{humane, masked, masked_values};

use super::record;

/// `[feed]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "each setting is described where users read it: in assets/sluicegate.toml"
)]
pub struct Settings {
    pub url: Address,
    pub proxy: ProxySetting,
    #[serde(serialize_with = "masked")]
    pub token: SecretString,
    pub username: String,
    #[serde(serialize_with = "masked")]
    pub password: SecretString,
    #[serde(serialize_with = "masked_values")]
    pub headers: BTreeMap<String, SecretString>,
    pub ca_file: String,
    pub client_cert_file: String,
    pub client_key_file: String,
    #[serde(with = "humane")]
    pub connect_timeout: Duration,
    #[serde(with = "humane")]
    pub ping_interval: Duration,
    #[serde(with = "humane")]
    pub ping_timeout: Duration,
    pub ping_text: String,
    pub pong_text: String,
    pub initial_message: String,
    pub message_id_field: String,
    pub resume: bool,
    pub acknowledge: bool,
    #[serde(with = "humane")]
    pub reconnect_min: Duration,
    #[serde(with = "humane")]
    pub reconnect_max: Duration,
    pub max_frame_bytes: usize,
    pub record_folder: String,
    pub record_format: record::Format,
    /// Whether a command plays events that were missed. No setting.
    #[serde(skip)]
    pub is_playback: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: Address::default(),
            proxy: ProxySetting::Environment,
            token: SecretString::default(),
            username: String::new(),
            password: SecretString::default(),
            headers: BTreeMap::new(),
            ca_file: String::new(),
            client_cert_file: String::new(),
            client_key_file: String::new(),
            connect_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(20),
            ping_timeout: Duration::from_secs(10),
            ping_text: String::new(),
            pong_text: String::new(),
            initial_message: String::new(),
            message_id_field: "message_id".to_owned(),
            resume: true,
            acknowledge: false,
            reconnect_min: Duration::from_millis(250),
            reconnect_max: Duration::from_secs(30),
            max_frame_bytes: 16 << 20,
            record_folder: String::new(),
            record_format: record::Format::Zstandard,
            is_playback: false,
        }
    }
}

impl Settings {
    /// Those of a feed that this process serves itself: tokens and certificates of another feed don't
    /// reach it.
    pub fn of_this_process(url: &str) -> Self {
        Self {
            url: url.into(),
            proxy: ProxySetting::Direct,
            ..Self::default()
        }
    }
}
