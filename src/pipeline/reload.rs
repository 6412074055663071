//! Changing settings while events flow: no connection is dropped and no event is lost.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use secrecy::ExposeSecret as _;

use crate::config::flatten;
use crate::config::{ConfigError, Settings};
use crate::customerio::Client;
use crate::customerio::client::{ClientError, Destination};
use crate::delivery::BreakerState;
use crate::delivery::Control;
use crate::filter::gate::RuleError;
use crate::filter::{Filters, Gate};

use super::{Handle, JudgeRules};

/// While the credentials are refused, their file is looked at this often.
const LOOK: Duration = Duration::from_secs(5);

/// The settings that are changed while events flow. A path that ends in a dot stands for all
/// behind it.
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
/// Those of them that are not.
const FIXED: [&str; 2] = ["spool.folder", "delivery.drain"];
/// The settings of another command, `relay`.
const FOREIGN: &str = "relay.";

/// What reloading the settings did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReloadReport {
    /// The settings that are in force now and were not before.
    pub applied: Vec<String>,
    /// Those that differ from what this run was started with, and need a restart.
    pub at_next_start: Vec<String>,
}

impl std::fmt::Display for ReloadReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("settings read again: ")?;
        match self.applied.as_slice() {
            [] if self.at_next_start.is_empty() => f.write_str("nothing changed")?,
            [] => f.write_str("nothing applied")?,
            applied => write!(f, "{} in force", applied.join(", "))?,
        }
        if !self.at_next_start.is_empty() {
            write!(f, "; restart to apply {}", self.at_next_start.join(", "))?;
        }
        Ok(())
    }
}

/// Why settings were not taken. None of them are then.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// A rule does not compile.
    #[error("nothing is changed: {0}")]
    Rule(#[from] RuleError),
    /// The key can't be read.
    #[error("nothing is changed, the key in use stays: {0}")]
    Config(#[from] ConfigError),
    /// There can be no client with these credentials.
    #[error("nothing is changed: {0}")]
    Client(#[from] ClientError),
}

impl Handle {
    /// The settings that were loaded last.
    pub fn settings(&self) -> Settings {
        self.settings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Puts what is new in these settings in force, and tries again where delivery waits for
    /// someone. What the operator changed meanwhile stays unless the settings changed it too.
    pub async fn reload(&self, new: Settings) -> Result<ReloadReport, ReloadError> {
        // It reads the key file, and compares up to hundreds of thousands of event types.
        let handle = self.clone();
        let applying = tokio::task::spawn_blocking(move || handle.apply_settings(new));
        let (reloaded, controls) = match applying.await {
            Ok(applied) => applied?,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        for control in controls {
            // Fails only when the pipeline ends.
            let _ = self.control.send(control).await;
        }
        let _ = self.notices.send(reloaded.to_string());
        Ok(reloaded)
    }

    /// Applies settings, which blocks. Returns what changed, and what to tell the dispatcher.
    fn apply_settings(&self, new: Settings) -> Result<(ReloadReport, [Control; 2]), ReloadError> {
        let old = self.settings();
        // All that can fail comes first: settings are taken whole or not at all.
        Gate::new(new.gate, new.filters())?;
        let destination = new.destination()?;
        let (client, has_new_key) = self.client_if_new(&destination)?;

        let has_new_filters = !has_same_filters(&old, &new);
        let in_force = self.in_force(&old, &new);
        if has_new_filters {
            self.change(|gate| Gate::new(gate.mode(), new.filters()))?;
        }
        if new.gate != old.gate {
            self.set_gate(new.gate)?;
        }
        self.rules.store(Arc::new(JudgeRules::of(&new)));
        self.spool.configure(new.spool());
        let reloaded = compare(&in_force, &self.started, &new, has_new_key);
        let dispatch = Control::Settings(Box::new(new.dispatch()));
        let resume = client.map_or(Control::Resume, Control::Client);
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = new;
        Ok((reloaded, [dispatch, resume]))
    }

    /// The settings in force, to tell what `new` changes of them: the `old` ones, with the gate
    /// and the filters as the operator left them where `new` replaces those.
    fn in_force(&self, old: &Settings, new: &Settings) -> Settings {
        let gate = self.gate.load();
        let mut in_force = old.clone();
        if new.gate != old.gate {
            in_force.gate = gate.mode();
        }
        if !has_same_filters(old, new) {
            let Filters {
                unseen_types,
                types,
                rules,
            } = gate.filters().clone();
            in_force.unseen_types = unseen_types;
            in_force.types = types;
            in_force.rules = rules;
        }
        in_force
    }

    /// A client with the key in the key file, if that is another one. Reads the file, which blocks.
    fn client_with_new_key(&self) -> Option<Arc<Client>> {
        let settings = self.settings();
        if settings.customerio.api_key_file.is_empty() {
            return None;
        }
        // A file that can't be read now may be in the middle of being replaced.
        let destination = settings.destination().ok()?;
        self.client_if_new(&destination).ok()?.0
    }

    /// A client for this destination, if the last one is none for it; and whether the key is
    /// another one.
    fn client_if_new(&self, new: &Destination) -> Result<(Option<Arc<Client>>, bool), ClientError> {
        let mut known = self
            .destination
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let has_new_key = known.api_key.expose_secret() != new.api_key.expose_secret();
        if !has_new_key && known.timeout == new.timeout {
            return Ok((None, false));
        }
        // Another site or server is another spool: that is for the next start.
        let now = Destination {
            api_key: new.api_key.clone(),
            timeout: new.timeout,
            ..known.clone()
        };
        let client = Arc::new(Client::new(now.clone())?);
        *known = now;
        Ok((Some(client), has_new_key))
    }
}

/// Whether the filters are the same, compared without copying them.
fn has_same_filters(old: &Settings, new: &Settings) -> bool {
    old.unseen_types == new.unseen_types && old.types == new.types && old.rules == new.rules
}

/// Compares `new` with the settings `in_force`, and those that can't be changed while events flow
/// with what this run was `started` with.
fn compare(
    in_force: &Settings,
    started: &Settings,
    new: &Settings,
    has_new_key: bool,
) -> ReloadReport {
    let of_key = match new.customerio.api_key_file.as_str() {
        "" => "customerio.api_key",
        _ => "customerio.api_key_file",
    };
    let mut applied = different(in_force, new);
    // The key counts, not where it stands: a file may hold another one, or stand over the value.
    applied.retain(|path| is_live(path) && path != "customerio.api_key");
    if has_new_key && !applied.iter().any(|path| path == of_key) {
        applied.push(of_key.to_owned());
        applied.sort();
    }
    let mut at_next_start = different(started, new);
    at_next_start.retain(|path| !is_live(path) && !path.starts_with(FOREIGN));
    ReloadReport {
        applied,
        at_next_start,
    }
}

/// Whether a setting is changed while events flow.
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
        customerio: settings.customerio.clone(),
        limits: settings.limits.clone(),
        mapping: settings.mapping.clone(),
        delivery: settings.delivery.clone(),
        spool: settings.spool.clone(),
        screen: settings.screen.clone(),
        relay: settings.relay.clone(),
        types: BTreeMap::new(),
        rules: settings.rules.clone(),
        presets: settings.presets.clone(),
        keys: settings.keys.clone(),
    }
}

/// The paths of the settings that differ.
fn different(old: &Settings, new: &Settings) -> Vec<String> {
    // There may be hundreds of thousands of types: they are compared as they are.
    let before: BTreeMap<String, toml::Value> = flatten(&without_types(old)).into_iter().collect();
    let mut names: Vec<String> = flatten(&without_types(new))
        .into_iter()
        .filter(|(path, value)| before.get(path) != Some(value))
        .map(|(path, _)| path)
        .collect();
    if old.types != new.types {
        names.push("types".to_owned());
        names.sort();
    }
    // Secrets are masked there: the same mask need not be the same secret.
    let before = old.exposed();
    for (name, value) in new.exposed() {
        if !before.contains(&(name, value)) && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// While the credentials are refused: looks whether the file that holds the key has another
/// one, and tries that.
pub(super) async fn watch_key(handle: Handle) {
    let snapshots = handle.snapshots();
    loop {
        tokio::time::sleep(LOOK).await;
        let refused = matches!(
            snapshots.borrow().delivery.breaker,
            BreakerState::Refused { .. }
        );
        if !refused {
            continue;
        }
        let looking = handle.clone();
        let client = tokio::task::spawn_blocking(move || looking.client_with_new_key()).await;
        if let Ok(Some(client)) = client {
            tracing::info!("customerio.api_key_file holds another key: trying it");
            let _ = handle.control.send(Control::Client(client)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings in `new`, after a start with `old`.
    fn changed(old: &Settings, new: &Settings) -> ReloadReport {
        let key = |settings: &Settings| settings.customerio.api_key.expose_secret().to_owned();
        compare(old, old, new, key(old) != key(new))
    }

    #[test]
    fn what_can_be_changed_at_once_is_told_apart_from_what_needs_another_start() {
        let old = Settings::default();
        let mut new = old.clone();
        assert_eq!(
            changed(&old, &new).to_string(),
            "settings read again: nothing changed"
        );
        new.delivery.attempts = 3;
        new.delivery.drain = Duration::from_secs(1);
        new.limits
            .set(crate::limits::Code::ByV1, crate::limits::Policy::Off);
        new.spool.quota_bytes = 7;
        new.spool.folder = "elsewhere".to_owned();
        new.feed.url = "ws://another".into();
        new.customerio.api_key = "1234-new-and-longer".to_owned().into();
        // Of another command.
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
        // The same mask, and another key.
        another.customerio.api_key = "1234-other-and-longer".to_owned().into();
        assert_eq!(changed(&new, &another).applied, ["customerio.api_key"]);
        another = new.clone();
        another.feed.url = "ws://another?token=new".into();
        new.feed.url = "ws://another?token=old".into();
        assert_eq!(changed(&new, &another).at_next_start, ["feed.url"]);
        assert_eq!(
            changed(&new, &another).to_string(),
            "settings read again: nothing applied; restart to apply feed.url"
        );
    }

    #[test]
    fn a_key_in_a_file_counts_and_not_the_value_that_it_stands_over() {
        let mut old = Settings::default();
        old.customerio.api_key_file = "key".to_owned();
        let mut new = old.clone();
        new.customerio.api_key = "a value that nobody reads".to_owned().into();
        assert_eq!(compare(&old, &old, &new, false), ReloadReport::default());
        let another = compare(&old, &old, &old, true);
        assert_eq!(another.applied, ["customerio.api_key_file"]);
    }

    #[test]
    fn a_restart_is_asked_for_until_the_setting_is_what_this_run_was_started_with() {
        let started = Settings::default();
        let mut loaded = started.clone();
        loaded.feed.resume = false;
        let again = compare(&loaded, &started, &loaded, false);
        assert_eq!(again.at_next_start, ["feed.resume"]);
        let back = compare(&loaded, &started, &started, false);
        assert_eq!(back, ReloadReport::default());
    }
}
