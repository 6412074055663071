//! Changing the settings of a running pipeline: no connection is dropped, and no event is lost.

use std::sync::{Arc, PoisonError};

use secrecy::ExposeSecret as _;

use crate::blocking;
use crate::config::Settings;
use crate::customerio::Client;
use crate::customerio::client::{ClientError, Destination};
use crate::delivery::Control;
use crate::filter::{Filters, Gate, RuleError};
use crate::protocol::Author;

use super::handle::Handle;
use super::judge_rules::JudgeRules;
use super::steering::described;

/// The result of a change of settings: what they are compared with in a report.
#[derive(Debug)]
pub struct Reconfigured {
    /// The settings in force before: those that were loaded last, with the mode and the filters as
    /// the operator had left them, if the new settings replace those.
    pub before: Settings,
    /// The settings that this run was started with.
    pub started: Arc<Settings>,
    /// Whether the API key is another one.
    pub has_new_key: bool,
}

/// Settings that can't be applied. None of them is applied then.
#[derive(Debug, thiserror::Error)]
pub enum ReconfigureError {
    /// A rule is invalid.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A client can't be created for the destination.
    #[error(transparent)]
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

    /// Applies the settings that can change while events flow, and resumes delivery if it waits for
    /// the operator. The operator's changes of the mode and the filters stay, unless the settings
    /// changed those too. `destination` is the one of the new settings.
    pub async fn reconfigure(
        &self,
        new: Settings,
        destination: Destination,
    ) -> Result<Reconfigured, ReconfigureError> {
        // Whoever changes the filters meanwhile would overwrite these, or be overwritten.
        let _one_at_a_time = self.change_log.turn().await;
        // Comparing hundreds of thousands of event types blocks.
        let handle = self.clone();
        let applying = blocking::run(move || handle.apply_settings(new, &destination));
        let (done, controls) = applying.await?;
        for control in controls {
            self.control(control).await;
        }
        Ok(done)
    }

    /// Applies the settings, which blocks. Returns also what to send to the dispatcher.
    fn apply_settings(
        &self,
        new: Settings,
        destination: &Destination,
    ) -> Result<(Reconfigured, [Control; 2]), ReconfigureError> {
        let old = self.settings();
        // Everything that can fail comes first: settings are applied as a whole or not at all.
        Gate::new(new.gate, new.filters())?;
        let (client, has_new_key) = self.client_if_new(destination)?;

        // Those of a group are shared, and no member's own settings replace them.
        let is_alone = self.group.is_none();
        let has_new_filters = is_alone && !has_same_filters(&old, &new);
        let has_new_mode = is_alone && new.gate != old.gate;
        let before = self.in_force(old, has_new_mode, has_new_filters);
        if has_new_filters {
            let replaced = self.gate.load().shared_filters();
            self.gate.set_filters(new.filters())?;
            let author = Author::here("the configuration");
            let now = self.gate.load().shared_filters();
            let what = format!(
                "filters of the configuration: {}",
                described(&replaced, &now)
            );
            self.change_log.add_filters(author, what, Some(replaced));
        }
        if has_new_mode {
            self.gate.set_mode(new.gate);
        }
        self.rules.store(Arc::new(JudgeRules::of(&new)));
        self.spool.configure(new.spool());
        let dispatch = Control::Settings(Box::new(new.dispatch()));
        let resume = client.map_or(Control::Resume, Control::Client);
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = new;
        let done = Reconfigured {
            before,
            started: self.started.clone(),
            has_new_key,
        };
        Ok((done, [dispatch, resume]))
    }

    /// Sends with the credentials of `destination` from now on. Returns false if they are in use
    /// already.
    pub async fn use_credentials(&self, destination: &Destination) -> Result<bool, ClientError> {
        let (client, _) = self.client_if_new(destination)?;
        let Some(client) = client else {
            return Ok(false);
        };
        self.control(Control::Client(client)).await;
        Ok(true)
    }

    /// The settings that were loaded last, with the mode and the filters in force if those are
    /// replaced now.
    fn in_force(&self, loaded: Settings, has_new_mode: bool, has_new_filters: bool) -> Settings {
        let gate = self.gate.load();
        let mut in_force = loaded;
        if has_new_mode {
            in_force.gate = gate.mode();
        }
        if has_new_filters {
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

    /// Creates a client for this destination if the current one differs in its key or timeout.
    /// Returns also whether the key differs.
    fn client_if_new(&self, new: &Destination) -> Result<(Option<Arc<Client>>, bool), ClientError> {
        let mut current = self
            .destination
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let has_new_key = current.api_key.expose_secret() != new.api_key.expose_secret();
        if !has_new_key && current.timeout == new.timeout {
            return Ok((None, false));
        }
        // Another site or server needs another spool, and so a restart.
        let next = Destination {
            api_key: new.api_key.clone(),
            timeout: new.timeout,
            ..current.clone()
        };
        let client = Arc::new(Client::new(next.clone())?);
        *current = next;
        Ok((Some(client), has_new_key))
    }
}

/// Whether the filters are the same, compared without copying them.
fn has_same_filters(old: &Settings, new: &Settings) -> bool {
    old.unseen_types == new.unseen_types && old.types == new.types && old.rules == new.rules
}
