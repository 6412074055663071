//! `config`.

use clap::Subcommand;

/// `config`
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Write the default configuration, with a comment on every setting.
    Init {
        /// Replace an existing file.
        #[arg(long)]
        force: bool,
    },
    /// Report every problem of the configuration: file, line, problem, and what to write.
    Check,
    /// Show every setting in force with its origin; secrets are masked.
    Show {
        /// Show only settings that differ from the default.
        #[arg(long)]
        changed: bool,
    },
}
