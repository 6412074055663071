//! The settings: what they are, what they are unless set, and what is wrong with them.
//!
//! [`mod@load`] gathers them from the file, the environment and the command line, and knows of
//! each value where it came from; [`save`] writes the filters back without touching the rest.

pub mod addresses;
mod check;
mod key_file;
pub mod load;
mod reload_report;
pub mod save;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::customerio::Mapping;
use crate::customerio::client::{Destination, Region};
use crate::delivery;
use crate::delivery::breaker::BreakerSettings;
use crate::delivery::retry_policy::RetryPolicy;
use crate::delivery::spool::{self, SpoolError};
use crate::feed;
use crate::filter::{Filters, Mode, Rule, Switch};
use crate::limits::Policies;
use crate::network::{Address, ProxySetting};
use crate::setting_form::{humane, masked};

pub use feed::Settings as Feed;
pub use load::{ConfigError, Loaded, Origin, load};
pub use reload_report::ReloadReport;

/// The default configuration, with a comment on every setting.
pub const DEFAULT_FILE: &str = include_str!("../../assets/sluicegate.toml");

/// All settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether the gate is open, shut or in dry run at the start.
    pub gate: Mode,
    /// Whether event types that are not under `[types]` pass.
    pub unseen_types: Switch,
    /// Where events come from.
    pub feed: Feed,
    /// Where they go.
    pub customerio: CustomerIo,
    /// What breaking each limit does.
    pub limits: Policies,
    /// What events become.
    pub mapping: Mapping,
    /// How they are sent.
    pub delivery: Delivery,
    /// Where they wait.
    pub spool: SpoolSettings,
    /// What the screen keeps and looks like.
    pub screen: Screen,
    /// How a relay takes events and serves them.
    pub relay: Relay,
    /// The event types that are on or off.
    pub types: BTreeMap<String, Switch>,
    /// The rules.
    pub rules: Vec<Rule>,
    /// Other filters to switch to, by name.
    pub presets: BTreeMap<String, Filters>,
    /// Other keys for what can be done on the screen, by its name.
    pub keys: BTreeMap<String, Vec<String>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            gate: Mode::Shut,
            unseen_types: Switch::On,
            feed: Feed::default(),
            customerio: CustomerIo::default(),
            limits: Policies::default(),
            mapping: Mapping::default(),
            delivery: Delivery::default(),
            spool: SpoolSettings::default(),
            screen: Screen::default(),
            relay: Relay::default(),
            types: BTreeMap::new(),
            rules: Vec::new(),
            presets: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }
}

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

/// `[delivery]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "each setting is described where users read it: in assets/sluicegate.toml"
)]
pub struct Delivery {
    pub requests_per_second: NonZeroU32,
    pub in_flight: usize,
    pub batch_bytes: usize,
    #[serde(with = "humane")]
    pub batch_age: Duration,
    pub attempts: u32,
    #[serde(with = "humane")]
    pub give_up_after: Duration,
    #[serde(with = "humane")]
    pub first_delay: Duration,
    #[serde(with = "humane")]
    pub longest_delay: Duration,
    pub breaker_failures: u32,
    #[serde(with = "humane")]
    pub first_probe: Duration,
    #[serde(with = "humane")]
    pub longest_probe: Duration,
    pub queue_bytes: usize,
    #[serde(with = "humane")]
    pub drain: Duration,
}

impl Default for Delivery {
    fn default() -> Self {
        let (retry, limits) = (RetryPolicy::default(), BreakerSettings::default());
        Self {
            requests_per_second: NonZeroU32::new(100).unwrap_or(NonZeroU32::MIN),
            in_flight: 16,
            batch_bytes: crate::customerio::sizes::BATCH_BYTES,
            batch_age: Duration::from_millis(250),
            attempts: retry.attempts,
            give_up_after: retry.give_up_after,
            first_delay: retry.first_delay,
            longest_delay: retry.longest_delay,
            breaker_failures: limits.failures,
            first_probe: limits.first_probe,
            longest_probe: limits.longest_probe,
            queue_bytes: 12_000_000,
            drain: Duration::from_secs(20),
        }
    }
}

/// `[spool]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "each setting is described where users read it: in assets/sluicegate.toml"
)]
pub struct SpoolSettings {
    pub folder: String,
    pub quota_bytes: u64,
    pub commit_bytes: usize,
    #[serde(with = "humane")]
    pub commit_age: Duration,
    #[serde(with = "humane")]
    pub keep_dead_letters: Duration,
}

impl Default for SpoolSettings {
    fn default() -> Self {
        Self {
            folder: String::new(),
            quota_bytes: 1_000_000_000,
            commit_bytes: 1_000_000,
            commit_age: Duration::from_millis(50),
            keep_dead_letters: Duration::from_secs(30 * 86_400),
        }
    }
}

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

/// `[screen]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "each setting is described where users read it: in assets/sluicegate.toml"
)]
pub struct Screen {
    pub ring_bytes: usize,
    pub theme: Theme,
    pub ascii: bool,
    pub mouse: bool,
    pub frames_per_second: NonZeroU32,
    pub rejected_alert_percent: f64,
}

impl Default for Screen {
    fn default() -> Self {
        Self {
            ring_bytes: 64 << 20,
            theme: Theme::Auto,
            ascii: false,
            mouse: true,
            frames_per_second: NonZeroU32::new(30).unwrap_or(NonZeroU32::MIN),
            rejected_alert_percent: 15.0,
        }
    }
}

/// The screen's colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// Dark or light, as the terminal says that it is.
    Auto,
    /// For dark backgrounds.
    Dark,
    /// For light backgrounds.
    Light,
    /// Black and white and a few strong colours, for dark backgrounds.
    HighContrast,
    /// The same for light backgrounds.
    HighContrastLight,
    /// The sixteen colours that the terminal has its own shades of.
    #[serde(rename = "16-colours")]
    #[value(name = "16-colours")]
    Sixteen,
}

impl Theme {
    /// The next one, for who tries them all.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Auto | Self::Dark => Self::Light,
            Self::Light => Self::HighContrast,
            Self::HighContrast => Self::HighContrastLight,
            Self::HighContrastLight => Self::Sixteen,
            Self::Sixteen => Self::Dark,
        }
    }
}

impl std::fmt::Display for Theme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Auto => "as the terminal says",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high contrast",
            Self::HighContrastLight => "high contrast, light",
            Self::Sixteen => "the terminal's 16",
        })
    }
}

impl Settings {
    /// The filters as the gate takes them.
    pub fn filters(&self) -> Filters {
        Filters {
            unseen_types: self.unseen_types,
            types: self.types.clone(),
            rules: self.rules.clone(),
        }
    }

    /// What the workspace is called on screen.
    pub fn workspace(&self) -> String {
        let named = [&self.customerio.workspace, &self.customerio.site_id];
        named
            .into_iter()
            .find(|name| !name.is_empty())
            .cloned()
            .unwrap_or_else(|| "no workspace".to_owned())
    }

    /// Where to send. The key is read from its file where one is set.
    pub fn destination(&self) -> Result<Destination, ConfigError> {
        let own = &self.customerio;
        let api_key = if own.api_key_file.is_empty() {
            own.api_key.clone()
        } else {
            key_file::read("customerio.api_key_file", Path::new(&own.api_key_file))?
        };
        Ok(Destination {
            site_id: own.site_id.clone(),
            api_key,
            region: own.region,
            // What is none was refused.
            base_url: own.base_url.url().ok().map(ToString::to_string),
            proxy: own.proxy.clone(),
            timeout: own.timeout,
        })
    }

    /// The dispatcher's figures.
    pub fn dispatch(&self) -> delivery::DeliverySettings {
        let own = &self.delivery;
        delivery::DeliverySettings {
            batch_bytes: own.batch_bytes,
            batch_age: own.batch_age,
            in_flight: own.in_flight,
            requests_per_second: own.requests_per_second,
            queue_bytes: own.queue_bytes,
            retry: RetryPolicy {
                attempts: own.attempts,
                give_up_after: own.give_up_after,
                first_delay: own.first_delay,
                longest_delay: own.longest_delay,
            },
            breaker: BreakerSettings {
                failures: own.breaker_failures,
                first_probe: own.first_probe,
                longest_probe: own.longest_probe,
            },
        }
    }

    /// The spool's figures.
    pub fn spool(&self) -> spool::writer::SpoolSettings {
        let own = &self.spool;
        spool::writer::SpoolSettings {
            quota_bytes: own.quota_bytes,
            commit_bytes: own.commit_bytes,
            commit_age: own.commit_age,
            keep_dead_letters: own.keep_dead_letters,
        }
    }

    /// The folder of the spool: one for each destination, unless the settings name it.
    pub fn spool_folder(&self) -> Result<PathBuf, SpoolError> {
        if !self.spool.folder.is_empty() {
            return Ok(PathBuf::from(&self.spool.folder));
        }
        let state = state_folder().ok_or(SpoolError::NoHome)?;
        let own = &self.customerio;
        let name = [own.site_id.as_str(), own.base_url.place()].join("@");
        let name = as_file_name(name.trim_end_matches(['@', '/']));
        Ok(state.join(format!("spool-{name}")))
    }

    /// The values that are shown masked, by setting: to tell which of them were changed.
    pub fn exposed(&self) -> Vec<(&'static str, String)> {
        let (feed, customerio, relay) = (&self.feed, &self.customerio, &self.relay);
        let headers = feed.headers.iter();
        let headers: Vec<String> = headers
            .map(|(name, value)| format!("{name}: {}", value.expose_secret()))
            .collect();
        vec![
            ("feed.url", feed.url.expose().to_owned()),
            ("feed.proxy", feed.proxy.expose().to_owned()),
            ("feed.token", feed.token.expose_secret().to_owned()),
            ("feed.password", feed.password.expose_secret().to_owned()),
            ("feed.headers", headers.join("\n")),
            (
                "customerio.api_key",
                customerio.api_key.expose_secret().to_owned(),
            ),
            (
                "customerio.base_url",
                customerio.base_url.expose().to_owned(),
            ),
            ("customerio.proxy", customerio.proxy.expose().to_owned()),
            ("relay.secret", relay.secret.expose_secret().to_owned()),
            ("relay.token", relay.token.expose_secret().to_owned()),
            ("relay.pass_to", relay.pass_to.expose().to_owned()),
        ]
    }

    /// Where events go, in words: a spool belongs to one of these.
    pub fn destination_name(&self) -> String {
        let own = &self.customerio;
        let server = match own.base_url.to_string() {
            none if none.is_empty() => "Customer.io".to_owned(),
            url => url,
        };
        format!("site {} at {server}", own.site_id)
    }
}

/// The folder and name under which the settings are looked for: the platform's.
pub fn default_path() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("sluicegate").join("sluicegate.toml"))
}

/// Our folder among those that the platform has for what programs keep; none where there is no
/// home.
pub fn state_folder() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    let base = etcetera::choose_base_strategy().ok()?;
    let state = base.state_dir().unwrap_or_else(|| base.data_dir());
    Some(state.join("sluicegate"))
}

/// A name as a file's name may have it on every system.
pub fn as_file_name(name: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || "-.@".contains(c) {
            c
        } else {
            '_'
        }
    };
    name.chars().map(safe).collect()
}

/// Whether a path ends in a file that exists, for messages that tell where something was looked for.
pub fn exists(path: &Path) -> bool {
    path.try_exists().unwrap_or(false)
}
