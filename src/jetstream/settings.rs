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

/// Minimum of `lease`.
const SHORTEST_LEASE: Duration = Duration::from_secs(1);
/// Maximum length of a member's name, which is a part of a key.
const MAX_MEMBER_NAME: usize = 64;

impl NatsSettings {
    /// The settings that can't work, each with its problem.
    pub fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let is_name = self.member.len() <= MAX_MEMBER_NAME && self.member.chars().all(is_plain);
        let has_one_file = self.client_cert_file.is_empty() != self.client_key_file.is_empty();
        [
            (
                has_one_file,
                "nats.client_cert_file",
                "a client certificate needs both files; write client_cert_file and client_key_file",
            ),
            (
                self.lease < SHORTEST_LEASE,
                "nats.lease",
                "a lease shorter than 1s is lost with every hiccup; write 1s or more",
            ),
            (
                !is_name,
                "nats.member",
                "a member has a name of up to 64 letters, digits, hyphens and underscores",
            ),
        ]
        .into_iter()
        .filter(|(is_wrong, _, _)| *is_wrong)
        .map(|(_, setting, problem)| (setting, problem))
        .collect()
    }
}
