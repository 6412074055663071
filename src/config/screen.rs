//! `[screen]`: look, refresh rate and memory of the screen.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// `[screen]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    missing_docs,
    reason = "each setting is described where users read it: in assets/sluicegate.toml"
)]
pub struct Screen {
    pub ring_bytes: usize,
    pub theme: Theme,
    pub ascii: bool,
    pub mouse: bool,
    pub frames_per_second: NonZeroU32,
    pub rejected_alert_percent: f64,
}

impl Default for Screen {
    fn default() -> Self {
        Self {
            ring_bytes: 64 << 20,
            theme: Theme::Auto,
            ascii: false,
            mouse: true,
            frames_per_second: NonZeroU32::new(30).unwrap_or(NonZeroU32::MIN),
            rejected_alert_percent: 15.0,
        }
    }
}

/// The colours of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// Dark or light, depending on the background that the terminal reports.
    Auto,
    /// For dark backgrounds.
    Dark,
    /// For light backgrounds.
    Light,
    /// Black and white and a few strong colours, for dark backgrounds.
    HighContrast,
    /// Black and white and a few strong colours, for light backgrounds.
    HighContrastLight,
    /// The terminal's own palette of 16 colours.
    #[serde(rename = "16-colours")]
    #[value(name = "16-colours")]
    Sixteen,
}

impl Theme {
    /// Returns the next theme, to cycle through all of them.
    #[must_use]
    pub fn next(self) -> Self {
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
            Self::Auto => "as the terminal says",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high contrast",
            Self::HighContrastLight => "high contrast, light",
            Self::Sixteen => "the terminal's 16",
        })
    }
}
