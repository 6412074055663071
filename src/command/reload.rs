//! Reading the settings again while events flow: on SIGHUP, or from the screen.

use std::sync::Arc;

use crate::config::{Flag, Needs, ReloadReport, Settings, exists};
use crate::feed::WebSocketFeed;
use crate::pipeline::Handle;

use super::config_source::ConfigSource;
use super::error_line::error_line;
use super::problems;

/// A change that the command makes to the settings after they are loaded.
pub(super) type Adjust = Arc<dyn Fn(&mut Settings) + Send + Sync>;

/// Where the settings of this run came from.
#[derive(Clone)]
pub struct Reloader {
    source: ConfigSource,
    flags: Vec<Flag>,
    adjust: Adjust,
}

impl Reloader {
    /// Reads the settings from the same places, and makes the change that was made at the start.
    pub(super) fn new(source: ConfigSource, flags: Vec<Flag>, adjust: Adjust) -> Self {
        // A file that was there and is gone is no wish for the defaults.
        let was_read = source.path.as_deref().is_some_and(exists);
        let asked = source.asked || was_read;
        Self {
            source: ConfigSource { asked, ..source },
            flags,
            adjust,
        }
    }

    /// Reads them again, and puts what is new in force; or says why nothing was changed.
    pub async fn reload(&self, handle: &Handle) -> Result<(ReloadReport, Settings), String> {
        let own = self.clone();
        let loading = tokio::task::spawn_blocking(move || own.load());
        let settings = match loading.await {
            Ok(loaded) => loaded.map_err(|why| format!("nothing is changed: {why}"))?,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        let destination = settings
            .destination()
            .map_err(|why| format!("nothing is changed, the key in use stays: {why}"))?;
        let done = handle
            .reconfigure(settings.clone(), &destination)
            .await
            .map_err(|why| format!("nothing is changed: {why}"))?;
        let report = ReloadReport::new(&done.before, &done.started, &settings, done.has_new_key);
        handle.notify(report.to_string());
        Ok((report, settings))
    }

    /// The settings, or what is wrong with them.
    fn load(self) -> Result<Settings, String> {
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
        // The files that the feed's settings name: the next start needs them.
        let feed = WebSocketFeed::new(loaded.settings.feed.clone());
        feed.map_err(|error| error.to_string())?;
        let mut settings = loaded.settings;
        (self.adjust)(&mut settings);
        Ok(settings)
    }
}
