//! The commands, one file per subcommand.
//!
//! Errors end here: each becomes a message on standard error and an exit code, 1 if the command
//! found a problem and 2 if it could not run.

#[macro_use]
mod output;

mod alerts;
mod already_running;
mod attach;
mod audit;
mod backfill;
mod certificate;
mod config;
mod config_source;
mod control;
mod control_place;
mod ctl;
mod dead_letter_output;
mod dead_letters;
mod deliver;
mod demo;
mod dispatch;
mod doctor;
mod error_line;
mod export;
mod forwarder;
mod group_letters;
mod headless;
mod key_watch;
mod ledger;
mod lint;
mod listener;
mod log_fields;
mod nats;
mod packaging;
mod player;
mod problems;
mod progress;
mod publish;
mod relay;
mod relay_control;
mod reload;
mod replay;
mod run;
mod sandbox;
mod spool_location;
mod ssh_bridge;
mod status;
mod summary;
mod watch;
mod working_folder;

pub use dispatch::{refuse_usage, run};
