//! Flags of `backfill` and `audit`: the server that exports are downloaded from.

use clap::{Args, ValueEnum};

/// The server that exports are downloaded from.
#[derive(Debug, Clone, Args)]
pub struct ExportServer {
    /// Download from the region of the Amplitude project.
    #[arg(long, value_enum, default_value_t)]
    pub region: AmplitudeRegion,
    /// Download from this server instead. Default: Amplitude's server of the region.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
}

/// The region of an Amplitude project.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum AmplitudeRegion {
    /// The United States.
    #[default]
    Us,
    /// The European Union.
    Eu,
}

impl AmplitudeRegion {
    /// Returns the server of the Export API. Source: Amplitude, Export API, endpoints.
    pub fn server(self) -> &'static str {
        match self {
            Self::Us => "https://amplitude.com",
            Self::Eu => "https://analytics.eu.amplitude.com",
        }
    }
}
