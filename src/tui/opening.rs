//! What the screen is opened with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::config;
use crate::filter::Filters;
use crate::tui::action::Reread;
use crate::tui::input::keymap::Keymap;
use crate::tui::memory::Memory;
use crate::tui::state::{Labels, State};

/// Reloads the settings and applies them. Returns a report, or the reason why nothing changed.
pub type Reload =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Reread, String>> + Send>> + Send>;

/// What the screen is opened with.
pub struct Opening {
    /// What does not change.
    pub labels: Labels,
    /// What it looks like.
    pub look: config::Screen,
    /// The keys.
    pub keymap: Keymap,
    /// Other filters to switch to, by name.
    pub presets: BTreeMap<String, Filters>,
    /// How long it waits at the end for what is under way.
    pub drain: Duration,
    /// Reads the settings again, where they came from a file.
    pub reload: Option<Reload>,
    /// Where it is remembered how the screen was left, if anywhere.
    pub memory: Option<PathBuf>,
}

impl Opening {
    /// The state of a screen of this size, laid out as the operator left it; and the reason where
    /// that can't be read.
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
        match self.memory.as_deref().map(Memory::read) {
            Some(Ok(recalled)) => {
                state.layout = recalled.layout;
                state.watches = recalled.watches;
                (state, None)
            }
            Some(Err(why)) => (state, Some(why)),
            None => (state, None),
        }
    }
}
