//! Gathering the settings: defaults, then the file, then the environment, then flags.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};
use toml_edit::{Document, Item, TableLike};

use super::{Settings, addresses};
use crate::amplitude::byte_order_mark;
use crate::filter::{Gate, Mode, gate::RuleError};
use crate::network::{Proxies, ProxyError, ProxySetting};
use crate::relay::shape::Shape;
use crate::tui::keymap::Keymap;

/// What every setting's name in the environment starts with.
const PREFIX: &str = "SLUICEGATE_";
/// Names behind the prefix that are no settings.
const OTHER_VARIABLES: [&str; 2] = ["SLUICEGATE_CONFIG", "SLUICEGATE_LOG"];
/// Tables whose keys are the user's own.
const FREE: [&str; 5] = ["types", "feed.headers", "presets", "keys", "relay.webhook"];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It was not set.
    Default,
    /// A line of the file, from 1.
    File(PathBuf, usize),
    /// A variable of the environment.
    Environment(String),
    /// A flag of the command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// Why the settings can't be used. Each message names the setting, its place and the fix.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file can't be read.
    #[error("{what}: cannot read {path}: {source}", path = path.display())]
    File {
        /// The setting or flag that named it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{path}:{line}: {message}", path = path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// There is no such setting.
    #[error("{origin}: there is no setting {key}{hint}")]
    Unknown {
        /// Where it stands.
        origin: Origin,
        /// What was written.
        key: String,
        /// The nearest setting that there is.
        hint: String,
    },
    /// A setting's value can't be taken.
    #[error("{origin}: {setting}: {message}")]
    Invalid {
        /// The setting.
        setting: String,
        /// Where it stands.
        origin: Origin,
        /// What is wrong and what to write.
        message: String,
    },
    /// The environment names a proxy that can't be used.
    #[error("environment {0}")]
    Proxy(ProxyError),
    /// Something needed is not set.
    #[error("{setting} is not set: {fix}")]
    Missing {
        /// The setting.
        setting: &'static str,
        /// What to do.
        fix: String,
    },
}

/// The settings, and where each value came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The file that was read, or would be if it existed.
    pub path: Option<PathBuf>,
    /// Where each value that is not the default came from, by its path.
    pub origins: BTreeMap<String, Origin>,
    /// The settings whose values in the environment hold what does not belong to them.
    stray: Vec<(String, &'static str)>,
    /// What is wrong with the proxies that the environment names.
    proxy: Option<ProxyError>,
}

/// Which settings a command needs before it can start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// A feed to subscribe to.
    pub feed: bool,
    /// A workspace to send to.
    pub destination: bool,
}

impl Needs {
    /// Both: what forwarding needs.
    pub const BOTH: Self = Self {
        feed: true,
        destination: true,
    };
    /// Neither: what a relay needs.
    pub const NEITHER: Self = Self {
        feed: false,
        destination: false,
    };
}

/// A value from the command line: the setting's path, the flag, the value.
pub type Flag = (&'static str, &'static str, String);

/// Gathers the settings. `file` is read if it is there; a file that was `asked` for must be.
pub fn load(
    file: Option<PathBuf>,
    asked: bool,
    environment: impl Iterator<Item = (String, String)>,
    flags: &[Flag],
) -> Result<Loaded, ConfigError> {
    let known = defaults();
    let environment: BTreeMap<String, String> = environment.collect();
    let proxies = Proxies::from_variables(|name| environment.get(name).cloned());
    let mut layers = Layers {
        values: known.clone(),
        known,
        origins: BTreeMap::new(),
        stray: Vec::new(),
    };
    if let Some(path) = &file {
        match std::fs::read_to_string(path) {
            Ok(text) => layers.add_file(path, byte_order_mark::without(&text))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !asked => {}
            Err(source) => {
                return Err(ConfigError::File {
                    what: "the configuration",
                    path: path.clone(),
                    source,
                });
            }
        }
    }
    layers.add_environment(environment.into_iter())?;
    for (path, flag, text) in flags {
        layers.set_text(path, text, Origin::Flag((*flag).to_owned()));
    }
    let settings = layers.settings()?;
    Ok(Loaded {
        settings,
        path: file,
        origins: layers.origins,
        stray: layers.stray,
        proxy: proxies.err(),
    })
}

fn defaults() -> Table {
    // The default of every setting has a TOML form: a test reads them all.
    Table::try_from(Settings::default()).unwrap_or_default()
}

struct Layers {
    known: Table,
    values: Table,
    origins: BTreeMap<String, Origin>,
    stray: Vec<(String, &'static str)>,
}

impl Layers {
    fn add_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let line_at = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
        let syntax = |message: &str, offset: Option<usize>| ConfigError::Syntax {
            path: path.to_owned(),
            line: offset.map_or(1, line_at),
            message: message.trim().replace('\n', "; "),
        };
        let document =
            Document::parse(text).map_err(|e| syntax(e.message(), e.span().map(|s| s.start)))?;
        let mut found = Vec::new();
        collect(document.as_table(), "", &mut found);
        for (key, span) in found {
            let origin = Origin::File(path.to_owned(), span.map_or(1, |s| line_at(s.start)));
            if !self.is_known(&key) {
                return Err(unknown(origin, key, &self.leaves(), ""));
            }
            self.origins.insert(key, origin);
        }
        let table: Table =
            toml::from_str(text).map_err(|e| syntax(e.message(), e.span().map(|s| s.start)))?;
        merge(&mut self.values, table);
        Ok(())
    }

    fn add_environment(
        &mut self,
        all: impl Iterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        let leaves = self.leaves();
        for (name, text) in all.filter(|(name, _)| name.starts_with(PREFIX)) {
            if OTHER_VARIABLES.contains(&name.as_str()) {
                continue;
            }
            let origin = Origin::Environment(name.clone());
            match leaves.iter().find(|path| variable(path) == name) {
                Some(path) => {
                    self.look_for_stray(path, &text);
                    self.set_text(path, &text, origin);
                }
                None => {
                    let names: Vec<String> = leaves.iter().map(|path| variable(path)).collect();
                    return Err(unknown(Origin::Environment(name.clone()), name, &names, ""));
                }
            }
        }
        Ok(())
    }

    /// Notes what an environment file, or a shell, left in a value.
    fn look_for_stray(&mut self, path: &str, text: &str) {
        let is_text = matches!(find(&self.known, path), Some(Value::String(_)) | None);
        let wrong = if VERBATIM.contains(&path) {
            None
        } else if is_quoted(text) {
            Some("the value has quotes around it; write it without them")
        } else if is_text && text.trim() != text {
            Some("the value begins or ends with a space or a line break; write it without")
        } else if is_text && text.contains(char::is_control) {
            Some("the value holds a line break or another control character; write it without")
        } else {
            None
        };
        self.stray
            .extend(wrong.map(|wrong| (path.to_owned(), wrong)));
    }

    /// Sets a value that is given as text, in the type that its default has.
    fn set_text(&mut self, path: &str, text: &str, origin: Origin) {
        let value = match find(&self.known, path) {
            Some(Value::String(_)) | None => Value::String(text.to_owned()),
            Some(Value::Array(_)) if !text.trim_start().starts_with('[') => {
                let parts = text
                    .split(',')
                    .map(str::trim)
                    .filter(|part| !part.is_empty());
                Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
            }
            Some(_) => toml::from_str::<Table>(&format!("value = {text}"))
                .ok()
                .and_then(|mut table| table.remove("value"))
                .unwrap_or_else(|| Value::String(text.to_owned())),
        };
        put(&mut self.values, path, value);
        self.origins.insert(path.to_owned(), origin);
    }

    fn settings(&self) -> Result<Settings, ConfigError> {
        Value::Table(self.values.clone())
            .try_into()
            .map_err(|error: toml::de::Error| {
                if let Some((setting, wrong)) = self.stray.first() {
                    return ConfigError::Invalid {
                        setting: setting.clone(),
                        origin: self.origin(setting),
                        message: (*wrong).to_owned(),
                    };
                }
                // The message ends with the path: "…\nin `delivery.attempts`".
                let text = error.to_string();
                let (message, setting) = text
                    .trim()
                    .rsplit_once("\nin `")
                    .unwrap_or((text.trim(), "`"));
                let setting = setting.trim_end_matches('`').to_owned();
                let message = if is_secret(&setting) {
                    // It would quote the value.
                    "has to be a text in quotes".to_owned()
                } else {
                    message.replace('\n', " ")
                };
                ConfigError::Invalid {
                    origin: self.origin(&setting),
                    setting,
                    message,
                }
            })
    }

    /// The origin of a path, or of the nearest one above it that has one.
    fn origin(&self, path: &str) -> Origin {
        let plain = path.split('[').next().unwrap_or(path);
        let mut at = plain;
        loop {
            if let Some(origin) = self.origins.get(at) {
                return origin.clone();
            }
            match at.rsplit_once('.') {
                Some((above, _)) => at = above,
                None => return Origin::Default,
            }
        }
    }

    fn is_known(&self, path: &str) -> bool {
        let free = FREE.iter().any(|free| {
            path.strip_prefix(free)
                .is_some_and(|rest| rest.starts_with('.'))
        });
        free || path.starts_with("rules") || find(&self.known, path).is_some()
    }

    /// The paths of all settings.
    fn leaves(&self) -> Vec<String> {
        let mut all = Vec::new();
        leaves_of(&self.known, "", &mut all);
        all
    }
}

/// The name of a setting in the environment.
pub fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('.', "_").to_uppercase())
}

/// Every setting of a table with its value, by path.
pub fn flatten(settings: &Settings) -> Vec<(String, Value)> {
    let table = Table::try_from(settings).unwrap_or_default();
    let mut paths = Vec::new();
    leaves_of(&table, "", &mut paths);
    let value = |path: String| find(&table, &path).cloned().map(|value| (path, value));
    paths.into_iter().filter_map(value).collect()
}

fn leaves_of(table: &Table, above: &str, all: &mut Vec<String>) {
    for (key, value) in table {
        let path = join(above, key);
        match value {
            Value::Table(inner) if !FREE.contains(&path.as_str()) => leaves_of(inner, &path, all),
            _ => all.push(path),
        }
    }
}

fn join(above: &str, key: &str) -> String {
    if above.is_empty() {
        key.to_owned()
    } else {
        format!("{above}.{key}")
    }
}

fn find<'t>(table: &'t Table, path: &str) -> Option<&'t Value> {
    match path.split_once('.') {
        None => table.get(path),
        Some((first, rest)) => find(table.get(first)?.as_table()?, rest),
    }
}

fn put(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = table
                .entry(first)
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// The path of every leaf that a file sets, and where its key stands.
fn collect(
    table: &dyn TableLike,
    above: &str,
    found: &mut Vec<(String, Option<std::ops::Range<usize>>)>,
) {
    for (key, item) in table.iter() {
        let path = join(above, key);
        let span = table
            .key(key)
            .and_then(toml_edit::Key::span)
            .or_else(|| item.span());
        match item {
            Item::ArrayOfTables(_) => found.push((path, span)),
            _ => match item.as_table_like() {
                Some(inner) => {
                    if inner.is_empty() {
                        found.push((path.clone(), span));
                    }
                    collect(inner, &path, found);
                }
                None => found.push((path, span)),
            },
        }
    }
}

fn unknown(origin: Origin, key: String, known: &[String], none: &str) -> ConfigError {
    let nearest = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(k, &key), k))
        .min();
    // The right word in the wrong table is as likely as a typo.
    let last = |path: &str| path.rsplit(['.']).next().unwrap_or_default().to_owned();
    let elsewhere = known.iter().find(|k| last(k) == last(&key));
    let hint = match (nearest, elsewhere) {
        (Some((distance, k)), _) if distance <= 3 => format!("; did you mean {k}?"),
        (_, Some(k)) => format!("; did you mean {k}?"),
        _ => none.to_owned(),
    };
    ConfigError::Unknown { origin, key, hint }
}

impl From<Settings> for Loaded {
    /// Settings that come from nowhere but the program.
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
    /// Where a setting's value came from.
    pub fn origin(&self, setting: &str) -> Origin {
        self.origins
            .get(setting)
            .cloned()
            .unwrap_or(Origin::Default)
    }

    fn invalid(&self, setting: &str, message: impl Into<String>) -> ConfigError {
        ConfigError::Invalid {
            setting: setting.to_owned(),
            origin: self.origin(setting),
            message: message.into(),
        }
    }

    /// Everything that is wrong with the settings for a command that `needs` these.
    pub fn problems(&self, needs: Needs) -> Vec<ConfigError> {
        let mut found: Vec<ConfigError> = self
            .stray
            .iter()
            .map(|(setting, wrong)| self.invalid(setting, *wrong))
            .collect();
        self.check_proxies(needs, &mut found);
        self.check_feed(needs, &mut found);
        self.check_destination(needs, &mut found);
        self.check_relay(&mut found);
        for problem in self.settings.mapping.problems() {
            found.push(self.invalid(problem.setting, problem.message));
        }
        for limit in self.settings.limits.impossible() {
            let message = format!(
                "it can only be \"reject\": what breaks it can't be sent ({})",
                limit.summary
            );
            found.push(self.invalid(&format!("limits.{}", limit.name), message));
        }
        if let Err(error) = Gate::new(self.settings.gate, self.settings.filters()) {
            let (RuleError::Condition { name, .. } | RuleError::Sample { name, .. }) = &error;
            let index = self
                .settings
                .rules
                .iter()
                .position(|rule| rule.name == *name)
                .unwrap_or(0);
            found.push(ConfigError::Invalid {
                setting: format!("rules[{index}]"),
                origin: self.origin("rules"),
                message: error.to_string(),
            });
        }
        for (name, filters) in &self.settings.presets {
            if let Err(error) = Gate::new(Mode::Shut, filters.clone()) {
                let rules = format!("presets.{name}.rules");
                found.push(self.invalid(&rules, error.to_string()));
            }
        }
        if let Err(wrong) = Keymap::with(&self.settings.keys) {
            for error in wrong {
                let setting = format!("keys.{}", error.name());
                found.push(self.invalid(&setting, error.to_string()));
            }
        }
        let delivery = &self.settings.delivery;
        for (setting, zero) in [
            ("delivery.in_flight", delivery.in_flight == 0),
            ("delivery.attempts", delivery.attempts == 0),
            ("delivery.breaker_failures", delivery.breaker_failures == 0),
            ("delivery.queue_bytes", delivery.queue_bytes == 0),
            ("spool.quota_bytes", self.settings.spool.quota_bytes == 0),
            ("spool.commit_bytes", self.settings.spool.commit_bytes == 0),
        ] {
            if zero {
                found.push(self.invalid(setting, "0 would deliver nothing; write 1 or more"));
            }
        }
        self.check_times(&mut found);
        if delivery.batch_bytes > crate::customerio::sizes::BATCH_BYTES {
            found.push(self.invalid(
                "delivery.batch_bytes",
                "Customer.io takes at most 500000 bytes a batch",
            ));
        }
        found
    }

    /// Times and sizes with which nothing would ever arrive.
    fn check_times(&self, found: &mut Vec<ConfigError>) {
        let (feed, delivery) = (&self.settings.feed, &self.settings.delivery);
        for (setting, time) in [
            ("feed.connect_timeout", feed.connect_timeout),
            ("feed.ping_interval", feed.ping_interval),
            ("customerio.timeout", self.settings.customerio.timeout),
            ("delivery.give_up_after", delivery.give_up_after),
        ] {
            if time.is_zero() {
                found.push(self.invalid(setting, "leaves no time at all; write 10s, say"));
            }
        }
        if feed.max_frame_bytes == 0 {
            let message = "0 lets no frame through; write 16777216, say";
            found.push(self.invalid("feed.max_frame_bytes", message));
        }
    }

    fn check_feed(&self, needs: Needs, found: &mut Vec<ConfigError>) {
        let feed = &self.settings.feed;
        if feed.url.is_empty() {
            if needs.feed {
                let fix = missing("feed.url", "ws://relay:4080/feed");
                found.push(ConfigError::Missing {
                    setting: "feed.url",
                    fix,
                });
            }
        } else if let Err((setting, message)) = addresses::feed(feed) {
            self.refuse(setting, message, found);
        }
        if feed.client_cert_file.is_empty() != feed.client_key_file.is_empty() {
            found.push(self.invalid(
                "feed.client_cert_file",
                "a client certificate needs both client_cert_file and client_key_file",
            ));
        }
        for (setting, path) in [
            ("feed.ca_file", &feed.ca_file),
            ("feed.client_cert_file", &feed.client_cert_file),
            ("feed.client_key_file", &feed.client_key_file),
            (
                "customerio.api_key_file",
                &self.settings.customerio.api_key_file,
            ),
        ] {
            if !path.is_empty() && !super::exists(Path::new(path)) {
                found.push(self.invalid(setting, format!("there is no file {path}")));
            }
        }
    }

    fn check_proxies(&self, needs: Needs, found: &mut Vec<ConfigError>) {
        let (feed, customerio) = (&self.settings.feed.proxy, &self.settings.customerio.proxy);
        for (setting, value) in [("feed.proxy", feed), ("customerio.proxy", customerio)] {
            if let Err(message) = addresses::proxy(value, setting) {
                self.refuse(setting, message, found);
            }
        }
        let from_environment = (needs.feed && *feed == ProxySetting::Environment)
            || (needs.destination && *customerio == ProxySetting::Environment)
            || !self.settings.relay.pass_to.is_empty();
        if from_environment {
            found.extend(self.proxy.clone().map(ConfigError::Proxy));
        }
    }

    /// Notes that a setting can't be used, unless what is wrong with it was noted before.
    fn refuse(&self, setting: &str, message: String, found: &mut Vec<ConfigError>) {
        if !self.stray.iter().any(|(known, _)| known == setting) {
            found.push(self.invalid(setting, message));
        }
    }

    fn check_relay(&self, found: &mut Vec<ConfigError>) {
        let own = &self.settings.relay;
        if own.tls_cert_file.is_empty() != own.tls_key_file.is_empty() {
            found.push(self.invalid(
                "relay.tls_cert_file",
                "TLS needs both tls_cert_file and tls_key_file",
            ));
        }
        for (setting, path) in [
            ("relay.tls_cert_file", &own.tls_cert_file),
            ("relay.tls_key_file", &own.tls_key_file),
        ] {
            if !path.is_empty() && !super::exists(Path::new(path)) {
                found.push(self.invalid(setting, format!("there is no file {path}")));
            }
        }
        if !own.pass_to.is_empty()
            && let Err(message) = addresses::pass_to(&own.pass_to)
        {
            self.refuse("relay.pass_to", message, found);
        }
        if let Err(wrong) = Shape::new(&own.webhook) {
            found.push(self.invalid(&format!("relay.webhook.{}", wrong.field), wrong.why));
        }
    }

    fn check_destination(&self, needs: Needs, found: &mut Vec<ConfigError>) {
        use secrecy::ExposeSecret;
        let own = &self.settings.customerio;
        if !own.base_url.is_empty()
            && let Err(message) = addresses::base_url(&own.base_url)
        {
            self.refuse("customerio.base_url", message, found);
        }
        if !needs.destination {
            return;
        }
        if own.site_id.is_empty() {
            let fix = missing("customerio.site_id", "…");
            found.push(ConfigError::Missing {
                setting: "customerio.site_id",
                fix,
            });
        }
        if own.api_key.expose_secret().is_empty() && own.api_key_file.is_empty() {
            let fix = missing("customerio.api_key", "…");
            found.push(ConfigError::Missing {
                setting: "customerio.api_key",
                fix,
            });
        }
    }
}

/// Settings whose text is sent or shown as it is, quotes and line breaks included.
const VERBATIM: [&str; 4] = [
    "customerio.workspace",
    "feed.initial_message",
    "feed.ping_text",
    "feed.pong_text",
];

fn is_quoted(text: &str) -> bool {
    const PAIRS: [(char, char); 4] = [('"', '"'), ('\'', '\''), ('“', '”'), ('‘', '’')];
    let text = text.trim();
    let has = |(open, close): &(char, char)| {
        text.starts_with(*open) || (text.ends_with(*close) && !text.is_empty())
    };
    PAIRS.iter().any(has)
}

/// Whether a setting's value is never shown.
fn is_secret(setting: &str) -> bool {
    let secrets = Settings::default().exposed();
    let above = setting
        .split(['.', '['])
        .take(2)
        .collect::<Vec<_>>()
        .join(".");
    secrets.iter().any(|(name, _)| *name == above)
}

fn missing(setting: &str, example: &str) -> String {
    let (table, key) = setting.split_once('.').unwrap_or(("", setting));
    format!(
        "write {key} = \"{example}\" under [{table}], or set {}={example}",
        variable(setting)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Needs = Needs {
        feed: true,
        destination: true,
    };

    fn with(
        file: &str,
        environment: &[(&str, &str)],
        flags: &[Flag],
    ) -> Result<Loaded, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.toml");
        std::fs::write(&path, file).unwrap();
        let environment = environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        load(Some(path), true, environment, flags)
    }

    #[test]
    fn the_default_file_says_the_defaults_and_leaves_no_setting_out() {
        let read: Table = toml::from_str(super::super::DEFAULT_FILE).unwrap();
        let mut expected = defaults();
        expected.remove("rules");
        assert_eq!(
            toml::to_string(&read).unwrap(),
            toml::to_string(&expected).unwrap()
        );
    }

    #[test]
    fn the_environment_is_over_the_file_and_flags_over_both_and_each_origin_is_known() {
        let file = "gate = \"dry-run\"\n[delivery]\nattempts = 8\nin_flight = 3\n[mapping]\nfields = [\"a\"]\n";
        let environment = [
            ("SLUICEGATE_DELIVERY_ATTEMPTS", "9"),
            ("SLUICEGATE_MAPPING_FIELDS", "platform, country"),
            ("HOME", "x"),
        ];
        let flags = [("gate", "--open", "open".to_owned())];
        let loaded = with(file, &environment, &flags).unwrap();
        let settings = &loaded.settings;
        assert_eq!(
            (settings.delivery.in_flight, settings.delivery.attempts),
            (3, 9)
        );
        assert_eq!(settings.mapping.fields, ["platform", "country"]);
        assert_eq!(settings.gate, crate::filter::Mode::Open);
        assert_eq!(loaded.origin("gate"), Origin::Flag("--open".to_owned()));
        assert_eq!(
            loaded.origin("delivery.attempts"),
            Origin::Environment("SLUICEGATE_DELIVERY_ATTEMPTS".to_owned())
        );
        assert!(matches!(
            loaded.origin("delivery.in_flight"),
            Origin::File(_, 4)
        ));
        assert_eq!(loaded.origin("feed.url"), Origin::Default);
    }

    #[test]
    fn the_five_variables_are_enough_to_run() {
        let five = [
            ("SLUICEGATE_FEED_URL", "ws://localhost:1"),
            ("SLUICEGATE_CUSTOMERIO_SITE_ID", "site"),
            ("SLUICEGATE_CUSTOMERIO_API_KEY", "12345678"),
            ("SLUICEGATE_CUSTOMERIO_BASE_URL", "http://localhost:2"),
            ("SLUICEGATE_GATE", "open"),
        ];
        let loaded = with("", &five, &[]).unwrap();
        assert!(loaded.problems(ALL).is_empty());
        assert!(
            !toml::to_string(&loaded.settings)
                .unwrap()
                .contains("12345678"),
            "secrets are masked"
        );
        assert_eq!(with("", &[], &[]).unwrap().problems(ALL).len(), 3);
    }

    #[test]
    fn what_is_wrong_names_the_setting_its_place_and_the_fix() {
        for (file, says) in [
            (
                "\n[feed]\nurll = 1",
                ":3: there is no setting feed.urll; did you mean feed.url?",
            ),
            ("[feed]\nregion = \"eu\"", "did you mean customerio.region?"),
            (
                "gate = \"ajar\"",
                ":1: gate: unknown variant `ajar`, expected one of `open`, `shut`, `dry-run`",
            ),
            (
                "[delivery]\nattempts = \"many\"",
                ":2: delivery.attempts: invalid type",
            ),
            ("[delivery]\nbatch_age = \"999y\"", "more than a year"),
            ("[delivery]\nbatch_age = \"soon\"", "write 250ms, 10s or 4h"),
            ("[delivery\n", ":1: "),
            (
                "[limits]\nid_missing = \"ignore\"",
                ":2: limits.id_missing: unknown variant",
            ),
            (
                "[limits]\nid_mising = \"off\"",
                "did you mean limits.id_missing?",
            ),
            (
                "[[rules]]\nname = \"a\"\neffect = \"exclude\"\nwhen = \"true\"\nonn = true",
                "unknown field `onn`",
            ),
        ] {
            let error = with(file, &[], &[]).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(says), "{file:?} gives {error}");
        }
        let error = with("", &[("SLUICEGATE_FEDD_URL", "x")], &[])
            .map(|_| ())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("did you mean SLUICEGATE_FEED_URL?"),
            "{error}"
        );
        let loaded = with("[feed]\nurl = \"http://x\"\n[[rules]]\nname = \"r\"\neffect = \"exclude\"\nwhen = \"a ==\"\n", &[], &[]).unwrap();
        let problems: Vec<String> = loaded
            .problems(Needs {
                feed: true,
                destination: false,
            })
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            problems[0].contains(":2: feed.url: \"http://x\" is no WebSocket"),
            "{problems:?}"
        );
        assert!(
            problems[1].contains(":3: rules[0]: rule “r”:"),
            "{problems:?}"
        );
    }
}
