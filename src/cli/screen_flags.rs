//! Flags of the commands that open a screen.

use clap::Args;

use crate::config::{Screen, Theme};

/// Flags for the look of the screen.
#[derive(Debug, Args)]
pub struct ScreenFlags {
    /// Use colours for a light background, like --theme light.
    #[arg(long, conflicts_with = "theme")]
    pub light: bool,
    /// Use these colours. Default: screen.theme.
    #[arg(long, value_enum)]
    pub theme: Option<Theme>,
    /// Draw with ASCII characters only. Default: screen.ascii.
    #[arg(long)]
    pub ascii: bool,
}

impl ScreenFlags {
    /// Sets the flags over the settings.
    pub fn apply(&self, screen: &mut Screen) {
        screen.ascii |= self.ascii;
        if self.light {
            screen.theme = Theme::Light;
        }
        screen.theme = self.theme.unwrap_or(screen.theme);
    }
}
