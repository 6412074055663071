//! Gathering the settings: defaults, then the file, then the environment, then flags.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};
use toml_edit::{Document, Item, TableLike};

use super::Settings;
use crate::amplitude::byte_order_mark;
use crate::network::{Proxies, ProxyError};

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
    /// A file holds no key, or more than that.
    #[error("{setting}: {path} {message}; write the key into it, and nothing else", path = path.display())]
    KeyFile {
        /// The setting that named it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: &'static str,
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
    pub(super) stray: Vec<(String, &'static str)>,
    /// What is wrong with the proxies that the environment names.
    pub(super) proxy: Option<ProxyError>,
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
        let line_ends: Vec<usize> = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
        let line_at = |offset: usize| line_ends.partition_point(|end| *end < offset) + 1;
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
                    in_words(&message.replace('\n', " "))
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

/// A message of the parser with the range of a number instead of the name of its type.
fn in_words(message: &str) -> String {
    // TOML's integers end at that of an i64.
    const RANGES: [(&str, &str); 5] = [
        ("expected f64", "write a number"),
        (
            "expected a nonzero u32",
            "write a whole number from 1 to 4294967295",
        ),
        ("expected u32", "write a whole number from 0 to 4294967295"),
        (
            "expected u64",
            "write a whole number from 0 to 9223372036854775807",
        ),
        (
            "expected usize",
            "write a whole number from 0 to 9223372036854775807",
        ),
    ];
    for (expected, range) in RANGES {
        if let Some(wrong) = message.strip_suffix(expected) {
            return format!("{wrong}{range}");
        }
    }
    message.to_owned()
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

    pub(super) fn invalid(&self, setting: &str, message: impl Into<String>) -> ConfigError {
        ConfigError::Invalid {
            setting: setting.to_owned(),
            origin: self.origin(setting),
            message: message.into(),
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

#[cfg(test)]
mod tests;
