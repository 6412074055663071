//! Changing settings while events flow: no connection is dropped and no event is lost.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use secrecy::ExposeSecret as _;

use crate::config::load::flatten;
use crate::config::{ConfigError, Settings};
use crate::customerio::Client;
use crate::customerio::client::{ClientError, Destination};
use crate::delivery::Control;
use crate::delivery::breaker;
use crate::filter::Gate;
use crate::filter::gate::RuleError;

use super::{Handle, Terms};

/// While the credentials are refused, their file is looked at this often.
const LOOK: Duration = Duration::from_secs(5);

/// The settings that are changed while events flow. A path that ends in a dot stands for all
/// behind it.
const LIVE: [&str; 11] = [
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
    "customerio.timeout",
];
/// Those of them that are not.
const FIXED: [&str; 2] = ["spool.folder", "delivery.drain"];

/// What reloading the settings did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// The settings that are in force now and were not before.
    pub applied: Vec<String>,
    /// Those that will be at the next start.
    pub at_next_start: Vec<String>,
}

impl std::fmt::Display for Reloaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.applied.is_empty() {
            f.write_str("settings read again: nothing is new")?;
        } else {
            write!(
                f,
                "settings read again: {} in force",
                self.applied.join(", ")
            )?;
        }
        if !self.at_next_start.is_empty() {
            write!(f, "; at the next start: {}", self.at_next_start.join(", "))?;
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
    #[error("nothing is changed: {0}")]
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
    pub async fn reload(&self, new: Settings) -> Result<Reloaded, ReloadError> {
        let old = self.settings();
        // All that can fail comes first: settings are taken whole or not at all.
        Gate::new(new.gate, new.filters())?;
        let destination = new.destination()?;
        let client = self.client_if_new(&destination)?;

        if new.filters() != old.filters() {
            self.change(|gate| Gate::new(gate.mode(), new.filters()))?;
        }
        if new.gate != old.gate {
            self.set_gate(new.gate)?;
        }
        self.terms.store(Arc::new(Terms::of(&new)));
        self.spool.retune(new.spool());
        let reloaded = changed(&old, &new);
        let figures = Control::Settings(Box::new(new.dispatch()));
        // It ends only when everything does.
        let _ = self.control.send(figures).await;
        let again = client.map_or(Control::Resume, Control::Client);
        let _ = self.control.send(again).await;
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = new;
        let _ = self.notices.send(reloaded.to_string());
        Ok(reloaded)
    }

    /// A client for this destination, if the last one is none for it.
    fn client_if_new(&self, new: &Destination) -> Result<Option<Arc<Client>>, ClientError> {
        let mut known = self
            .destination
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let same = known.api_key.expose_secret() == new.api_key.expose_secret()
            && known.timeout == new.timeout;
        if same {
            return Ok(None);
        }
        // Another site or server is another spool: that is for the next start.
        let now = Destination {
            api_key: new.api_key.clone(),
            timeout: new.timeout,
            ..known.clone()
        };
        let client = Arc::new(Client::new(now.clone())?);
        *known = now;
        Ok(Some(client))
    }
}

fn changed(old: &Settings, new: &Settings) -> Reloaded {
    let before = flatten(old);
    let mut reloaded = Reloaded::default();
    let mut names: Vec<String> = flatten(new)
        .into_iter()
        .filter(|setting| !before.contains(setting))
        .map(|(path, _)| path)
        .collect();
    // Secrets are masked there: the same mask need not be the same secret.
    let before = old.exposed();
    for (name, value) in new.exposed() {
        if !before.contains(&(name, value)) && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    for path in names {
        let live = LIVE
            .iter()
            .any(|live| path == *live || (live.ends_with('.') && path.starts_with(live)));
        if live && !FIXED.contains(&path.as_str()) || path == "customerio.api_key_file" {
            reloaded.applied.push(path);
        } else {
            reloaded.at_next_start.push(path);
        }
    }
    reloaded
}

/// While the credentials are refused: looks whether the file that holds the key has another
/// one, and tries that.
pub(super) async fn watch_key(handle: Handle) {
    let snapshots = handle.snapshots();
    loop {
        tokio::time::sleep(LOOK).await;
        let refused = matches!(
            snapshots.borrow().standing.breaker,
            breaker::Standing::Refused { .. }
        );
        let settings = handle.settings();
        if !refused || settings.customerio.api_key_file.is_empty() {
            continue;
        }
        // A file that can't be read now may be in the middle of being replaced.
        let Ok(destination) = settings.destination() else {
            continue;
        };
        if let Ok(Some(client)) = handle.client_if_new(&destination) {
            tracing::info!("customerio.api_key_file holds another key: trying it");
            let _ = handle.control.send(Control::Client(client)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_changed_at_once_is_told_apart_from_what_needs_another_start() {
        let old = Settings::default();
        let mut new = old.clone();
        assert_eq!(
            changed(&old, &new).to_string(),
            "settings read again: nothing is new"
        );
        new.delivery.attempts = 3;
        new.delivery.drain = Duration::from_secs(1);
        new.limits
            .set(crate::limits::Code::ByV1, crate::limits::Policy::Off);
        new.spool.quota_bytes = 7;
        new.spool.folder = "elsewhere".to_owned();
        new.feed.url = "ws://another".into();
        new.customerio.api_key = "1234-new-and-longer".to_owned().into();
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
    }
}
