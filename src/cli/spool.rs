//! `status` and `dead-letters`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::output_format::Format;

/// `status`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate status
  sluicegate status --format json | jq .spool.items
Exits with 0 if a forwarder runs and delivers, and with 1 if none runs or it can't deliver.")]
pub struct Status {
    /// The spool of the forwarder.
    #[command(flatten)]
    pub spool: SpoolFolder,
    /// Write the report in this format.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

/// The spool that a command is about.
#[derive(Debug, Default, Args)]
pub struct SpoolFolder {
    /// Use the spool in this folder. Default: spool.folder, then the folder for the configured
    /// destination.
    #[arg(long = "spool", value_name = "FOLDER")]
    pub folder: Option<String>,
}

/// `dead-letters`
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  sluicegate dead-letters list
  sluicegate dead-letters show 17
  sluicegate dead-letters retry --reason \"all 10 attempts failed, the last: 503\"
  sluicegate dead-letters export --all > letters.ndjson
  sluicegate dead-letters discard 17 18
All of them work while a forwarder runs: it queues retried dead letters within a second.")]
pub enum DeadLetters {
    /// List dead letters by reason and event type.
    List {
        /// The spool.
        #[command(flatten)]
        spool: SpoolFolder,
        /// Write the list in this format.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Show one dead letter: its reason, all numbers, and the request that would have been sent.
    Show {
        /// The spool.
        #[command(flatten)]
        spool: SpoolFolder,
        /// Show the dead letter with this number. Default: the newest.
        number: Option<i64>,
    },
    /// Queue dead letters again, with all attempts.
    Retry {
        /// The spool.
        #[command(flatten)]
        spool: SpoolFolder,
        /// The dead letters.
        #[command(flatten)]
        which: DeadLetterChoice,
    },
    /// Write dead letters as NDJSON, one per line, and keep them.
    Export {
        /// The spool.
        #[command(flatten)]
        spool: SpoolFolder,
        /// The dead letters.
        #[command(flatten)]
        which: DeadLetterChoice,
        /// Write to this file. Default: standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Remove dead letters for good, after a confirmation.
    Discard {
        /// The spool.
        #[command(flatten)]
        spool: SpoolFolder,
        /// The dead letters.
        #[command(flatten)]
        which: DeadLetterChoice,
        /// Discard without asking.
        #[arg(long)]
        yes: bool,
    },
}

/// The dead letters that a command is about.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct DeadLetterChoice {
    /// Choose the dead letters with these numbers.
    #[arg(value_name = "NUMBER")]
    pub numbers: Vec<i64>,
    /// Choose the dead letters with this reason, as the list writes it.
    #[arg(long)]
    pub reason: Option<String>,
    /// Choose all dead letters.
    #[arg(long)]
    pub all: bool,
}
