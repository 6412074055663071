//! The command line: one file per group of subcommands.
//!
//! The doc comments of the fields are the help texts that the operator reads. `command` runs what
//! is parsed here.

mod archives;
mod audit;
mod command_line;
mod configuration;
mod control;
mod doctor;
mod export_server;
mod feeds;
mod forwarding;
mod ledger;
mod nats;
mod output_format;
mod packaging;
mod screen_flags;
mod setting_flags;
mod spool;
mod tools;
mod values;

pub use archives::ArchiveFlags;
pub use audit::{Audit, AuditFormat};
pub use command_line::{Cli, Command};
pub use configuration::Config;
pub use control::{Attach, Ctl, CtlPlace, CtlRequest, FiltersRequest};
pub use doctor::Doctor;
pub use export_server::{AmplitudeRegion, ExportServer};
pub use feeds::{Backfill, Relay, Replay};
pub use forwarding::{Demo, Run, Watch};
pub use ledger::{Ledger, Wanted};
pub use nats::{Nats, NatsInit, NatsPlace, NatsStatus};
pub use output_format::{Format, LogFormat};
pub use packaging::{Completions, Man};
pub use screen_flags::ScreenFlags;
pub use setting_flags::SettingFlags;
pub use spool::{DeadLetterChoice, DeadLetters, SpoolFolder, Status};
pub use tools::{Lint, Sandbox};
