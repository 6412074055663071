//! Reloads the settings while events flow: on SIGHUP, or from the screen.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::blocking;
use crate::config::{Flag, Needs, ReloadReport, Settings, exists};
use crate::customerio::client::Destination;
use crate::feed::WebSocketFeed;
use crate::filter::Filters;
use crate::pipeline::Handle;
use crate::service_manager::{self, ServiceState};

use super::config_source::ConfigSource;
use super::error_line::error_line;
use super::problems;

/// A change that the command makes to the settings after each load.
pub(super) type Adjust = Arc<dyn Fn(&mut Settings) + Send + Sync>;

/// Saved filters by name.
pub(super) type Presets = BTreeMap<String, Filters>;

/// The sources of the settings of this run.
#[derive(Clone)]
pub(super) struct Reloader {
    source: ConfigSource,
    flags: Vec<Flag>,
    adjust: Adjust,
}

impl Reloader {
    /// Makes a reloader for the sources and the change of the start.
    pub(super) fn new(source: ConfigSource, flags: Vec<Flag>, adjust: Adjust) -> Self {
        // A file that is missing after the start is an error: nobody asked for the defaults.
        let was_read = source.path.as_deref().is_some_and(exists);
        let asked = source.asked || was_read;
        Self {
            source: ConfigSource { asked, ..source },
            flags,
            adjust,
        }
    }

    /// Loads and applies the settings. Returns the report and the presets, or why nothing changed.
    pub(super) async fn reload(&self, handle: &Handle) -> Result<(ReloadReport, Presets), String> {
        service_manager::tell(ServiceState::Reloading);
        let reloaded = self.load_and_apply(handle).await;
        // A refused reload leaves the service as it was.
        service_manager::tell(ServiceState::Ready);
        reloaded
    }

    async fn load_and_apply(&self, handle: &Handle) -> Result<(ReloadReport, Presets), String> {
        let own = self.clone();
        let loaded = blocking::run(move || own.load()).await?;
        let presets = loaded.settings.presets.clone();
        let done = handle
            .reconfigure(loaded.settings.clone(), loaded.destination)
            .await
            .map_err(|why| format!("nothing is changed: {why}"))?;
        let comparing = move || {
            let (before, started) = (&done.before, &done.started);
            ReloadReport::new(before, started, &loaded.settings, done.has_new_key)
        };
        let report = blocking::run(comparing).await;
        handle.notify(report.to_string());
        Ok((report, presets))
    }

    /// Loads the settings and the key file, which blocks. Returns the first problem as an error.
    fn load(self) -> Result<Reloaded, String> {
        let refused = |why: String| format!("nothing is changed: {why}");
        let settings = self.load_settings().map_err(refused)?;
        let destination = settings
            .destination()
            .map_err(|why| format!("nothing is changed, the key in use stays: {why}"))?;
        Ok(Reloaded {
            settings,
            destination,
        })
    }

    /// Loads the settings, which blocks. Returns the first problem as an error.
    fn load_settings(self) -> Result<Settings, String> {
        let loaded = self.source.load(&self.flags);
        let loaded = loaded.map_err(|error| error_line(&error))?;
        let found = problems::of(&loaded, Needs::BOTH);
        if let Some(first) = found.first() {
            let more = match found.len() {
                1 => String::new(),
                count => format!(" (and {} more)", count - 1),
            };
            return Err(format!("{first}{more}"));
        }
        // Checks the files that the settings of the feed name: the next start needs them.
        let feed = WebSocketFeed::new(loaded.settings.feed.clone());
        feed.map_err(|error| error.to_string())?;
        let mut settings = loaded.settings;
        (self.adjust)(&mut settings);
        Ok(settings)
    }
}

/// The settings that were loaded, with the destination and its key.
struct Reloaded {
    settings: Settings,
    destination: Destination,
}
