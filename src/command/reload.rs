//! Reloads the settings while events flow: on SIGHUP, or from the screen.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{Flag, Needs, ReloadReport, Settings, exists};
use crate::customerio::client::Destination;
use crate::feed::WebSocketFeed;
use crate::filter::Filters;
use crate::pipeline::Handle;

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
        let own = self.clone();
        let loading = tokio::task::spawn_blocking(move || own.load());
        let (settings, destination) = match loading.await {
            Ok(loaded) => loaded.map_err(|why| format!("nothing is changed: {why}"))?,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        let presets = settings.presets.clone();
        let done = handle
            .reconfigure(settings.clone(), &destination)
            .await
            .map_err(|why| format!("nothing is changed: {why}"))?;
        // Compares up to hundreds of thousands of event types.
        let comparing = tokio::task::spawn_blocking(move || {
            ReloadReport::new(&done.before, &done.started, &settings, done.has_new_key)
        });
        let report = comparing.await.map_err(|error| error.to_string())?;
        handle.notify(report.to_string());
        Ok((report, presets))
    }

    /// Loads the settings and the key, which blocks. Returns the first problem as an error.
    fn load(self) -> Result<(Settings, Destination), String> {
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
        let destination = settings.destination();
        let destination = destination.map_err(|why| format!("the key in use stays: {why}"))?;
        Ok((settings, destination))
    }
}
