//! `ledger`.

use clap::{Args, Subcommand};
use ulid::Ulid;

use super::output_format::Format;
use super::spool::SpoolFolder;
use super::values::moment;
use crate::amplitude::time::UnixMs;

/// `ledger`
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  sluicegate ledger stats
  sluicegate ledger find 01JYZEK9EECWW1JVV4HC9WR7HZ
  sluicegate ledger find --user u-8812 --name \"Purchase Completed\" --around 2026-11-25T09:10
  sluicegate ledger export > ledger.ndjson
The ledger has the decision and the outcome of every event of the last 30 days (ledger.keep). It has
keyed hashes instead of names and IDs. All of these work while a forwarder runs.")]
pub enum Ledger {
    /// Show its size, its times, and the outages that it noted.
    Stats {
        /// The spool that it belongs to.
        #[command(flatten)]
        spool: SpoolFolder,
        /// Write the report in this format.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Find events by their dedupe id, or by person, type and time. Exits with 1 if there is none.
    Find {
        /// The spool that it belongs to.
        #[command(flatten)]
        spool: SpoolFolder,
        /// What to find.
        #[command(flatten)]
        wanted: Wanted,
        /// Write the events in this format.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Write all rows as NDJSON: one for a decision, one more for a later outcome.
    Export {
        /// The spool that it belongs to.
        #[command(flatten)]
        spool: SpoolFolder,
    },
}

/// The events that `ledger find` looks for.
#[derive(Debug, Args)]
pub struct Wanted {
    /// Find the event with this dedupe id.
    #[arg(required_unless_present = "user", conflicts_with = "user")]
    pub id: Option<Ulid>,
    /// Find events of this user ID or, for anonymous people, device ID. The ledger has 16 bits of its
    /// hash: one of 65,536 other people matches too.
    #[arg(long, value_name = "ID", requires = "around")]
    pub user: Option<String>,
    /// Find only events of this type.
    #[arg(long, value_name = "TYPE", requires = "user")]
    pub name: Option<String>,
    /// Find events up to ten minutes from this time, in UTC: 2026-11-25T09:10.
    #[arg(long, value_name = "TIME", requires = "user", value_parser = moment)]
    pub around: Option<UnixMs>,
}
