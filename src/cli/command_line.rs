//! The whole command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::audit::Audit;
use super::configuration::Config;
use super::control::{Attach, Ctl};
use super::doctor::Doctor;
use super::feeds::{Backfill, Relay, Replay};
use super::forwarding::{Demo, Run, Watch};
use super::ledger::Ledger;
use super::nats::Nats;
use super::packaging::{Completions, Man};
use super::spool::{DeadLetters, Status};
use super::tools::{Lint, Sandbox};

/// See every Amplitude event, decide which ones reach Customer.io, and prove that they arrived.
#[derive(Debug, Parser)]
#[command(version = env!("BUILD_VERSION"), max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// Read this configuration file. Default: `SLUICEGATE_CONFIG`, then the platform's folder.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  sluicegate demo                          try it, with made-up traffic and a sandbox
  sluicegate config init                   write the commented configuration
  sluicegate watch                         open the screen on your feed; the gate starts shut
  sluicegate run --gate open --log json    forward without a screen
  sluicegate lint export.zip               check events before they are sent
  sluicegate status                        show the state of the running forwarder
  sluicegate attach                        open the screen on the running forwarder
  sluicegate ctl gate shut                 steer the running forwarder
  sluicegate dead-letters list             list what could not be delivered, and why
";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the screen on made-up traffic or on archives, with a sandbox as the destination.
    Demo(Demo),
    /// Open the screen on the configured feed and workspace.
    Watch(Watch),
    /// Forward without a screen.
    Run(Run),
    /// Serve archives as a WebSocket feed.
    Replay(Replay),
    /// Take events from Amplitude and its SDKs over HTTP, and serve them as a WebSocket feed.
    Relay(Relay),
    /// Download past events from Amplitude's Export API, then play or serve them.
    Backfill(Backfill),
    /// Check events against the limits, offline. Exits with 1 if any would be rejected.
    Lint(Lint),
    /// Serve a stand-in for Customer.io's Track API that enforces its documented limits.
    Sandbox(Sandbox),
    /// Show the state of the running forwarder, or of the spool that the last one left.
    Status(Status),
    /// Check every hop from the feed to Customer.io, and say what to do.
    Doctor(Doctor),
    /// Open the screen on a forwarder that runs already, here or on another machine.
    Attach(Attach),
    /// Watch and steer the running forwarder, from scripts.
    Ctl(Ctl),
    /// List, show, retry, export or discard what could not be delivered.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Compare Amplitude's export with the ledger: what arrived, what didn't, and why. Exits with 1
    /// if anything is missing or undelivered.
    Audit(Audit),
    /// Show the ledger: the decision and outcome of every event of the last weeks.
    #[command(subcommand)]
    Ledger(Ledger),
    /// Create, show or check a group of forwarders that share a NATS stream.
    #[command(subcommand)]
    Nats(Nats),
    /// Write, check or show the configuration.
    #[command(subcommand)]
    Config(Config),
    /// Write the completions of a shell to standard output.
    Completions(Completions),
    /// Write the manual pages.
    Man(Man),
}
