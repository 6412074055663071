//! Layers of the settings: each one sets values over those before it, and notes their origin.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use toml::{Table, Value};
use toml_edit::Document;

use super::error::ConfigError;
use super::kind::Kind;
use super::origin::Origin;
use super::paths::{PREFIX, collect, find, is_free, leaves_of, merge, put, variable};
use super::secrets::is_secret;
use super::settings::Settings;
use super::stray;

/// Environment variables with the prefix that are not settings.
const OTHER_VARIABLES: [&str; 3] = [
    "SLUICEGATE_CONFIG",
    "SLUICEGATE_LOG",
    "SLUICEGATE_CONTROL_TOKEN",
];

/// Returns the default settings as a TOML table. Every default has a TOML form, as a test checks.
pub(super) fn defaults() -> Table {
    Table::try_from(Settings::default()).unwrap_or_default()
}

/// The values of the layers so far.
pub(super) struct Layers {
    /// The defaults, which say which settings exist and of which kind they are.
    known: Table,
    /// The values in force.
    values: Table,
    /// The origin of each value that is set, by path.
    pub(super) origins: BTreeMap<String, Origin>,
    /// Problems of values in the environment, by setting.
    pub(super) stray: Vec<(String, &'static str)>,
}

impl Layers {
    /// Starts with the defaults.
    pub(super) fn of_defaults() -> Self {
        let known = defaults();
        Self {
            values: known.clone(),
            known,
            origins: BTreeMap::new(),
            stray: Vec::new(),
        }
    }

    /// Adds the configuration file.
    pub(super) fn add_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let line_ends: Vec<usize> = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
        let line_at = |offset: usize| line_ends.partition_point(|end| *end < offset) + 1;
        let syntax = |message: &str, offset: Option<usize>| ConfigError::Syntax {
            path: path.to_owned(),
            line: offset.map_or(1, line_at),
            message: message.trim().replace('\n', "; "),
        };
        let document =
            Document::parse(text).map_err(|e| syntax(e.message(), e.span().map(|s| s.start)))?;
        let file: Arc<Path> = path.into();
        let mut found = Vec::new();
        collect(document.as_table(), "", &mut found);
        for (key, span) in found {
            let origin = Origin::File(file.clone(), span.map_or(1, |s| line_at(s.start)));
            if !self.is_known(&key) {
                return Err(unknown(origin, key, &self.leaves()));
            }
            self.origins.insert(key, origin);
        }
        let table: Table =
            toml::from_str(text).map_err(|e| syntax(e.message(), e.span().map(|s| s.start)))?;
        merge(&mut self.values, table);
        Ok(())
    }

    /// Adds the environment. Variables without our prefix are ignored.
    pub(super) fn add_environment(
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
                    let is_text = matches!(find(&self.known, path), Some(Value::String(_)) | None);
                    let problem = stray::find(path, &text, is_text);
                    self.stray.extend(problem.map(|it| (path.clone(), it)));
                    self.set_text(path, &text, origin);
                }
                None => {
                    let names: Vec<String> = leaves.iter().map(|path| variable(path)).collect();
                    return Err(unknown(Origin::Environment(name.clone()), name, &names));
                }
            }
        }
        Ok(())
    }

    /// Sets a value that is given as text, in the type that its default has.
    pub(super) fn set_text(&mut self, path: &str, text: &str, origin: Origin) {
        let value = match find(&self.known, path) {
            Some(Value::String(_)) | None => Value::String(text.to_owned()),
            Some(Value::Array(_)) if !text.trim_start().starts_with('[') => {
                let parts = text.split(',').map(str::trim);
                let parts = parts.filter(|part| !part.is_empty());
                Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
            }
            // Text of another type stays text, so that the error can show it.
            Some(_) => toml::from_str::<Table>(&format!("value = {text}"))
                .ok()
                .and_then(|mut table| table.remove("value"))
                .unwrap_or_else(|| Value::String(text.to_owned())),
        };
        put(&mut self.values, path, value);
        self.origins.insert(path.to_owned(), origin);
    }

    /// Returns the settings, or the first value that its setting can't have.
    pub(super) fn settings(&self) -> Result<Settings, ConfigError> {
        let settings = Value::Table(self.values.clone()).try_into();
        settings.map_err(|error: toml::de::Error| self.refusal(&error.to_string()))
    }

    /// Makes the error for the parser's message, which ends with a line that names the setting.
    fn refusal(&self, text: &str) -> ConfigError {
        let invalid = |setting: &str, message: String| ConfigError::Invalid {
            setting: setting.to_owned(),
            origin: self.origin(setting),
            message,
        };
        if let Some((setting, problem)) = self.stray.first() {
            return invalid(setting, (*problem).to_owned());
        }
        let (message, setting) = text
            .trim()
            .rsplit_once("\nin `")
            .unwrap_or((text.trim(), "`"));
        let setting = setting.trim_end_matches('`');
        if is_secret(setting) {
            // The parser's message would quote the value.
            return invalid(setting, "has to be a text in quotes".to_owned());
        }
        let whole = setting.split('[').next().unwrap_or(setting);
        let kind = find(&self.known, whole).and_then(|default| Kind::of(whole, default));
        let refusal = kind
            .zip(find(&self.values, whole))
            .and_then(|(kind, value)| kind.refusal(value));
        invalid(
            setting,
            refusal.unwrap_or_else(|| message.replace('\n', " ")),
        )
    }

    /// Returns the origin of a path, or of the nearest path above it that has one.
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

    /// Returns whether a setting exists.
    fn is_known(&self, path: &str) -> bool {
        is_free(path) || is_list_of_tables(path) || find(&self.known, path).is_some()
    }

    /// Returns the paths of all settings.
    fn leaves(&self) -> Vec<String> {
        let mut all = Vec::new();
        leaves_of(&self.known, "", &mut all);
        all
    }
}

/// Makes the error for a name that doesn't exist, with the nearest of the `known` ones.
fn unknown(origin: Origin, key: String, known: &[String]) -> ConfigError {
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
        _ => String::new(),
    };
    ConfigError::Unknown { origin, key, hint }
}

/// Whether a path is within a list of tables, whose parser knows its fields.
fn is_list_of_tables(path: &str) -> bool {
    ["rules", "alerts"]
        .iter()
        .any(|list| path.starts_with(list))
}
