//! The report of a reload: the settings that are applied, and those that need a restart.

use std::collections::BTreeMap;

use super::paths::flatten;
use super::settings::Settings;

/// The settings that can change while events flow. A path that ends in a dot stands for all settings
/// below it.
const LIVE: [&str; 12] = [
    "gate",
    "unseen_types",
    "types",
    "rules",
    "presets",
    "limits.",
    "mapping.",
    "delivery.",
    "spool.",
    "customerio.api_key",
    "customerio.api_key_file",
    "customerio.timeout",
];
/// The exceptions among them.
const FIXED: [&str; 2] = ["spool.folder", "delivery.drain"];
/// The settings of the `relay` command, which a pipeline does not use.
const FOREIGN: &str = "relay.";

/// The result of a reload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReloadReport {
    /// The paths of the settings that are applied.
    pub applied: Vec<String>,
    /// The paths of the settings that differ from those of the start, and need a restart.
    pub at_next_start: Vec<String>,
}

impl std::fmt::Display for ReloadReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("settings reloaded: ")?;
        match self.applied.as_slice() {
            [] if self.at_next_start.is_empty() => f.write_str("nothing changed")?,
            [] => f.write_str("nothing applied")?,
            applied => write!(f, "{} applied", applied.join(", "))?,
        }
        if !self.at_next_start.is_empty() {
            write!(f, "; restart to apply {}", self.at_next_start.join(", "))?;
        }
        Ok(())
    }
}

impl ReloadReport {
    /// Compares `new` with the settings `in_force` before; and those that can't change while events
    /// flow, with the settings of the start.
    pub fn new(in_force: &Settings, started: &Settings, new: &Settings, has_new_key: bool) -> Self {
        let of_key = match new.customerio.api_key_file.as_str() {
            "" => "customerio.api_key",
            _ => "customerio.api_key_file",
        };
        let mut applied = different(in_force, new);
        // The key itself counts: a key file may have changed, or override the value.
        applied.retain(|path| is_live(path) && path != "customerio.api_key");
        if has_new_key && !applied.iter().any(|path| path == of_key) {
            applied.push(of_key.to_owned());
            applied.sort();
        }
        let mut at_next_start = different(started, new);
        at_next_start.retain(|path| !is_live(path) && !path.starts_with(FOREIGN));
        Self {
            applied,
            at_next_start,
        }
    }
}

/// Whether a setting can change while events flow.
fn is_live(path: &str) -> bool {
    let is_in = |live: &str| path == live || (live.ends_with('.') && path.starts_with(live));
    LIVE.iter().any(|live| is_in(live)) && !FIXED.contains(&path)
}

/// Copies the settings without their types.
fn without_types(settings: &Settings) -> Settings {
    Settings {
        gate: settings.gate,
        unseen_types: settings.unseen_types,
        feed: settings.feed.clone(),
        nats: settings.nats.clone(),
        customerio: settings.customerio.clone(),
        limits: settings.limits.clone(),
        mapping: settings.mapping.clone(),
        delivery: settings.delivery.clone(),
        verify: settings.verify.clone(),
        spool: settings.spool.clone(),
        ledger: settings.ledger.clone(),
        screen: settings.screen.clone(),
        relay: settings.relay.clone(),
        control: settings.control.clone(),
        types: BTreeMap::new(),
        rules: settings.rules.clone(),
        alerts: settings.alerts.clone(),
        presets: settings.presets.clone(),
        keys: settings.keys.clone(),
    }
}

/// The paths of the settings that differ.
fn different(old: &Settings, new: &Settings) -> Vec<String> {
    // There may be hundreds of thousands of types: they are compared without flattening.
    let before = flatten(&without_types(old)).into_iter();
    let before: BTreeMap<String, toml::Value> = before.collect();
    let mut names: Vec<String> = flatten(&without_types(new))
        .into_iter()
        .filter(|(path, value)| before.get(path) != Some(value))
        .map(|(path, _)| path)
        .collect();
    if old.types != new.types {
        names.push("types".to_owned());
        names.sort();
    }
    // Flattened secrets are masked, and two secrets can have the same mask.
    let before = old.exposed();
    for (name, value) in new.exposed() {
        if !before.contains(&(name, value)) && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use secrecy::ExposeSecret as _;

    use super::*;

    /// The settings in `new`, after a start with `old`.
    fn changed(old: &Settings, new: &Settings) -> ReloadReport {
        let key = |settings: &Settings| settings.customerio.api_key.expose_secret().to_owned();
        ReloadReport::new(old, old, new, key(old) != key(new))
    }

    #[test]
    fn applied_settings_are_separate_from_those_that_need_a_restart() {
        let old = Settings::default();
        let mut new = old.clone();
        assert_eq!(
            changed(&old, &new).to_string(),
            "settings reloaded: nothing changed"
        );
        new.delivery.attempts = 3;
        new.delivery.drain = Duration::from_secs(1);
        new.limits
            .set(crate::limits::Code::ByV1, crate::limits::Policy::Off);
        new.spool.quota_bytes = 7;
        new.spool.folder = "elsewhere".to_owned();
        new.feed.url = "ws://another".into();
        new.customerio.api_key = "1234-new-and-longer".to_owned().into();
        // Another command's setting.
        new.relay.token = "another".to_owned().into();
        let reloaded = changed(&old, &new);
        let names = [
            "customerio.api_key",
            "delivery.attempts",
            "limits.by_v1",
            "spool.quota_bytes",
        ];
        assert_eq!(reloaded.applied, names);
        let names = ["delivery.drain", "feed.url", "spool.folder"];
        assert_eq!(reloaded.at_next_start, names);
        let mut another = new.clone();
        // The same mask, but another key.
        another.customerio.api_key = "1234-other-and-longer".to_owned().into();
        assert_eq!(changed(&new, &another).applied, ["customerio.api_key"]);
        another = new.clone();
        another.feed.url = "ws://another?token=new".into();
        new.feed.url = "ws://another?token=old".into();
        assert_eq!(changed(&new, &another).at_next_start, ["feed.url"]);
        assert_eq!(
            changed(&new, &another).to_string(),
            "settings reloaded: nothing applied; restart to apply feed.url"
        );
    }

    #[test]
    fn the_key_in_a_file_counts_and_not_the_value_that_it_overrides() {
        let mut old = Settings::default();
        old.customerio.api_key_file = "key".to_owned();
        let mut new = old.clone();
        new.customerio.api_key = "a value that nobody reads".to_owned().into();
        assert_eq!(
            ReloadReport::new(&old, &old, &new, false),
            ReloadReport::default()
        );
        let another = ReloadReport::new(&old, &old, &old, true);
        assert_eq!(another.applied, ["customerio.api_key_file"]);
    }

    #[test]
    fn a_restart_is_needed_until_the_setting_is_that_of_the_start() {
        let started = Settings::default();
        let mut loaded = started.clone();
        loaded.feed.resume = false;
        let again = ReloadReport::new(&loaded, &started, &loaded, false);
        assert_eq!(again.at_next_start, ["feed.resume"]);
        let back = ReloadReport::new(&loaded, &started, &started, false);
        assert_eq!(back, ReloadReport::default());
    }
}
