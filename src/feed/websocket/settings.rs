//! The settings of a WebSocket feed. `assets/sluicegate.toml` describes each of them to users.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;

use crate::network::{Address, ProxySetting};

/// How a server is subscribed to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server: `ws://…` or `wss://…`.
    pub url: Address,
    /// The proxy on the way to it.
    pub proxy: ProxySetting,
    /// A bearer token; empty for none.
    pub token: SecretString,
    /// The user name of HTTP's basic authentication; empty for none.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// More headers of the handshake.
    pub headers: BTreeMap<String, SecretString>,
    /// A file of certificate authorities to trust besides those of the system; empty for none.
    pub ca_file: String,
    /// A file with the client's certificate; empty for none.
    pub client_cert_file: String,
    /// A file with the key of that certificate.
    pub client_key_file: String,
    /// The most time that connecting, with TLS and the handshake, may take.
    pub connect_timeout: Duration,
    /// The time between two pings.
    pub ping_interval: Duration,
    /// The time beyond that within which something must be heard.
    pub ping_timeout: Duration,
    /// A text that is sent as the ping; empty for WebSocket's own.
    pub ping_text: String,
    /// A text that the server sends as its answer, and that holds no event.
    pub pong_text: String,
    /// A text to send once the connection stands; empty for none.
    pub initial_message: String,
    /// Whether the server is asked for what was missed.
    pub resume: bool,
    /// Whether the server is told which messages are safe.
    pub acknowledge: bool,
    /// The shortest delay before a connection is tried again.
    pub reconnect_min: Duration,
    /// The longest delay before a connection is tried again.
    pub reconnect_max: Duration,
    /// The largest message that is taken, in bytes.
    pub max_frame_bytes: usize,
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
            resume: true,
            acknowledge: false,
            reconnect_min: Duration::from_millis(250),
            reconnect_max: Duration::from_secs(30),
            max_frame_bytes: 16 << 20,
        }
    }
}
