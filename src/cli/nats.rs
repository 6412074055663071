//! `nats`: the groups of forwarders that share a NATS stream.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::output_format::Format;
use super::values;

/// `nats`
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  sluicegate nats init nats://nats-1:4222/shop --replicas 3
  sluicegate relay --to nats://nats-1:4222/shop
  SLUICEGATE_FEED_URL=nats://nats-1:4222/shop sluicegate run
  sluicegate nats status nats://nats-1:4222/shop
A group is a stream of events, a stream of dead letters and a bucket of leases, whose names begin with
the prefix at the end of the URL. Credentials are those of [nats] in the configuration.")]
pub enum Nats {
    /// Create a group, or change its replicas, its size and its times. The number of partitions
    /// can't be changed.
    Init(NatsInit),
    /// Show the members of a group, what they hold, and what waits.
    Status(NatsStatus),
    /// Check the servers, the permissions and the streams of a group. Exits with 1 if something is
    /// wrong.
    Doctor(NatsPlace),
}

/// The group that is meant.
#[derive(Debug, Args)]
pub struct NatsPlace {
    /// The group: `nats://HOST:4222/PREFIX`, or `tls://`. Default: feed.url, then relay.to.
    #[arg(value_name = "URL")]
    pub url: Option<String>,
}

/// `nats init`
#[derive(Debug, Args)]
pub struct NatsInit {
    /// The group.
    #[command(flatten)]
    pub place: NatsPlace,
    /// Divide the people into this many partitions. Each is held by one member at a time, so there
    /// can be as many members.
    #[arg(long, value_name = "NUMBER", default_value = "64", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub partitions: u16,
    /// Keep this many copies on the servers of a cluster: 1, 3 or 5.
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = ["1", "3", "5"])]
    pub replicas: String,
    /// Refuse new events while this many bytes of events are not settled.
    #[arg(long, value_name = "BYTES", default_value = "10000000000")]
    pub max_bytes: u64,
    /// Recognize an event that is published again within this time: 2m, 1h.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = values::duration)]
    pub duplicate_window: Duration,
    /// Keep dead letters for this time: 30d. 0s keeps them until somebody decides.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = values::duration)]
    pub keep_dead_letters: Duration,
}

/// `nats status`
#[derive(Debug, Args)]
pub struct NatsStatus {
    /// The group.
    #[command(flatten)]
    pub place: NatsPlace,
    /// Write the report in this format.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}
