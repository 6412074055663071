//! The arguments that the screen is opened with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::config;
use crate::filter::Filters;
use crate::tui::action::ReloadOutcome;
use crate::tui::input::keymap::Keymap;
use crate::tui::memory::Memory;
use crate::tui::state::{Labels, State};
use crate::tui::tour::update as tour;

/// Reloads the settings and applies them. Returns a report, or the reason why nothing changed.
pub type Reload =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<ReloadOutcome, String>> + Send>> + Send>;

/// The arguments that the screen is opened with.
pub struct Opening {
    /// Texts that do not change.
    pub labels: Labels,
    /// The `screen` section of the configuration.
    pub look: config::Screen,
    /// The key bindings.
    pub keymap: Keymap,
    /// The presets by name.
    pub presets: BTreeMap<String, Filters>,
    /// Maximum time for draining at the end.
    pub drain: Duration,
    /// Reloads the settings. None without a configuration file.
    pub reload: Option<Reload>,
    /// The file that keeps the layout between runs.
    pub memory: Option<PathBuf>,
}

impl Opening {
    /// The initial state of a screen of `size`, with the saved layout. Also returns an error if the
    /// layout can't be read.
    pub(crate) fn state(
        &self,
        colours: config::Theme,
        size: (u16, u16),
    ) -> (State, Option<String>) {
        let mut state = State::new(self.labels.clone(), size);
        state.presets = self.presets.clone();
        state.keymap = Arc::new(self.keymap.clone());
        state.has_mouse = self.look.mouse;
        state.salt = rand::random();
        state.colours = colours;
        state.rejected_alert_percent = self.look.rejected_alert_percent;
        if state.labels.tour.is_some() {
            tour::open(&mut state);
        }
        match self.memory.as_deref().map(Memory::read) {
            Some(Ok(recalled)) => {
                state.layout = recalled.layout;
                state.columns = recalled.columns;
                state.watches = recalled.watches;
                state.searches = recalled.searches;
                (state, None)
            }
            Some(Err(why)) => (state, Some(why)),
            None => (state, None),
        }
    }
}
