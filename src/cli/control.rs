//! `ctl`: watching and steering a running forwarder from scripts.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::output_format::Format;
use super::screen_flags::ScreenFlags;
use super::spool::SpoolFolder;
use super::values::mode;
use crate::filter::Mode;

/// `ctl`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate ctl status --format json | jq .totals
  sluicegate ctl gate shut --yes
  sluicegate ctl filters show > filters.toml
  sluicegate ctl filters apply filters.toml
  sluicegate ctl tail --where 'user_id == \"u-8812\"'
  sluicegate ctl --at https://forwarder:4090 status
  sluicegate ctl --relay status
Exits with 0 if it was done, with 1 if the forwarder refused, and with 2 if it can't be reached.")]
pub struct Ctl {
    /// The forwarder.
    #[command(flatten)]
    pub place: CtlPlace,
    /// The relay of this machine, by the socket in relay.folder. It answers `status`.
    #[arg(long, conflicts_with_all = ["at", "folder"])]
    pub relay: bool,
    /// What to do.
    #[command(subcommand)]
    pub request: CtlRequest,
}

/// `attach`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate attach                                the forwarder of this machine
  sluicegate attach --ssh ops@forwarder            the forwarder of another machine
  sluicegate attach forwarder:4090                 one that listens on control.listen
  sluicegate attach nats://nats-1:4222/shop        all members of a group
  sluicegate attach --lite --ssh ops@forwarder     over a line with little room
The forwarder goes on when the screen is left. Any number of screens may be attached at once.")]
pub struct Attach {
    /// The forwarder that listens at this address (control.listen) by TLS, or at this URL; or all members
    /// of the group at a URL that begins with nats:// or tls://. Default: the forwarder of this machine,
    /// by its socket.
    #[arg(value_name = "HOST:PORT", conflicts_with_all = ["at", "ssh", "pipe"])]
    pub forwarder: Option<String>,
    /// The forwarder.
    #[command(flatten)]
    pub place: CtlPlace,
    /// Get summaries of events, and fetch the rest of those that are opened. Searches, previews and
    /// sizes know only the summaries: type, IDs and times.
    #[arg(long)]
    pub lite: bool,
    /// Run `sluicegate attach --pipe` on this machine by ssh, and use the forwarder there.
    #[arg(long, value_name = "USER@HOST", conflicts_with = "at")]
    pub ssh: Option<String>,
    /// Connect standard input and output with the control socket, for a screen at the other end of
    /// them.
    #[arg(long, conflicts_with_all = ["ssh", "at"])]
    pub pipe: bool,
    /// Flags for the look of the screen.
    #[command(flatten)]
    pub screen: ScreenFlags,
}

/// The forwarder that is meant.
#[derive(Debug, Args)]
pub struct CtlPlace {
    /// The one that has this spool open.
    #[command(flatten)]
    pub spool: SpoolFolder,
    /// Use the forwarder that listens at this URL (control.listen), with the token in
    /// `SLUICEGATE_CONTROL_TOKEN` or --token-file. Default: the one of this machine, by its socket.
    #[arg(long, value_name = "URL", global = true)]
    pub at: Option<String>,
    /// Read the token from this file.
    #[arg(long, value_name = "FILE", global = true)]
    pub token_file: Option<PathBuf>,
    /// Trust the authority in this PEM file, too.
    #[arg(long, value_name = "FILE", global = true)]
    pub ca_file: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum CtlRequest {
    /// Show its state.
    Status {
        /// Write it in this format.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Open the gate, shut it, or go into dry run.
    Gate {
        /// open, shut or dry-run.
        #[arg(value_name = "MODE", value_parser = mode)]
        mode: Mode,
        /// Don't ask.
        #[arg(long)]
        yes: bool,
    },
    /// Show, replace or go back to filters.
    #[command(subcommand)]
    Filters(FiltersRequest),
    /// Write events as they come, a JSON object a line.
    Tail {
        /// Only those that meet this CEL condition.
        #[arg(long = "where", value_name = "CEL", default_value = "")]
        condition: String,
        /// Begin with the oldest event that it remembers.
        #[arg(long)]
        recent: bool,
        /// End after the newest one.
        #[arg(long)]
        end: bool,
        /// End after this many.
        #[arg(long, value_name = "COUNT")]
        limit: Option<u64>,
    },
    /// List the last changes: who made them, when, and from where.
    Changes {
        /// Write them in this format.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Retry delivery now, where it waits.
    Resume,
    /// Reload the configuration.
    Reload,
    /// Deliver what can be delivered, and end.
    Drain {
        /// Don't ask.
        #[arg(long)]
        yes: bool,
    },
}

/// What to do with filters.
#[derive(Debug, Subcommand)]
pub enum FiltersRequest {
    /// Write those in force, as in the configuration.
    Show {
        /// Write them in this format; text is TOML.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Replace them by those in a file: TOML as in the configuration, or JSON.
    Apply {
        /// The file; - for standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Only if the filters in force still have this version, which `show --format json` tells.
        #[arg(long, value_name = "VERSION")]
        base: Option<u64>,
    },
    /// Go back to those that the last ones replaced.
    Undo,
}
