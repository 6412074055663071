//! Reading the settings again while events flow: on SIGHUP, or from the screen.

use crate::config::Settings;
use crate::config::load::{Flag, Needs};
use crate::pipeline::{Handle, Reloaded};

use super::Place;

/// Where the settings of this run came from.
#[derive(Debug, Clone)]
pub struct Reloader {
    place: Place,
    flags: Vec<Flag>,
}

impl Reloader {
    pub(super) fn new(place: Place, flags: Vec<Flag>) -> Self {
        Self { place, flags }
    }

    /// Reads them again, and puts what is new in force; or says why nothing was changed.
    pub async fn reload(&self, handle: &Handle) -> Result<(Reloaded, Settings), String> {
        let loaded = self
            .place
            .clone()
            .load(&self.flags)
            .map_err(|error| format!("nothing is changed: {}", super::told(&error)))?;
        let problems = loaded.problems(Needs::BOTH);
        if let Some(first) = problems.first() {
            let more = match problems.len() {
                1 => String::new(),
                count => format!(" (and {} more)", count - 1),
            };
            return Err(format!("nothing is changed: {first}{more}"));
        }
        let settings = loaded.settings;
        let done = handle
            .reload(settings.clone())
            .await
            .map_err(|error| error.to_string())?;
        Ok((done, settings))
    }
}
