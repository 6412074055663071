//! The setting `screen.theme` on the screen: its name, and switching to the next one.

use crate::config::Theme;

impl Theme {
    /// Returns the next theme, to cycle through all of them with a key.
    #[must_use]
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Auto | Self::Dark => Self::Light,
            Self::Light => Self::HighContrast,
            Self::HighContrast => Self::HighContrastLight,
            Self::HighContrastLight => Self::Sixteen,
            Self::Sixteen => Self::Dark,
        }
    }
}

impl std::fmt::Display for Theme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Auto => "as the terminal reports",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high contrast",
            Self::HighContrastLight => "high contrast, light",
            Self::Sixteen => "the terminal's 16",
        })
    }
}
