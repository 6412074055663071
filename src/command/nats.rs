//! `nats`: creates, shows and checks the group of forwarders that share a NATS stream.

use std::process::ExitCode;

use color_eyre::eyre::{Result, bail, eyre};

use crate::amplitude::time;
use crate::cli::{Format, Nats, NatsInit, NatsPlace};
use crate::config::Settings;
use crate::jetstream::{self, Connection, Creation, GroupStatus, Location, MemberRecord};
use crate::network::Address;
use crate::text::{duration, grouped};
use crate::tui::widget::text;

use super::config_source::ConfigSource;
use super::output::{self, printable};

pub(super) async fn run(command: Nats, source: ConfigSource) -> Result<ExitCode> {
    let settings = source.load(&[])?.settings;
    match command {
        Nats::Init(args) => init(args, &settings).await,
        Nats::Status(args) => {
            let location = location(args.place, &settings)?;
            let connection = Connection::open(&settings.nats, &location).await?;
            let status = jetstream::status(&connection).await?;
            match args.format {
                Format::Json => output::json(&status),
                Format::Text => show(&location, &status),
            }
            Ok(ExitCode::from(u8::from(!status.free.is_empty())))
        }
        Nats::Doctor(place) => {
            let location = location(place, &settings)?;
            let found = jetstream::examine(&settings.nats, &location).await;
            for finding in &found {
                let sign = if finding.problem.is_none() {
                    "ok  "
                } else {
                    "FAIL"
                };
                say!("{sign}  {}", finding.what);
                if let Some(problem) = &finding.problem {
                    say!("      {problem}");
                }
            }
            let is_wrong = found.iter().any(|finding| finding.problem.is_some());
            Ok(ExitCode::from(u8::from(is_wrong)))
        }
    }
}

async fn init(args: NatsInit, settings: &Settings) -> Result<ExitCode> {
    let location = location(args.place, settings)?;
    let wanted = Creation {
        partitions: args.partitions,
        // One of the possible values.
        replicas: args.replicas.parse().unwrap_or(1),
        max_bytes: i64::try_from(args.max_bytes).unwrap_or(i64::MAX),
        duplicate_window: args.duplicate_window,
        keep_dead_letters: args.keep_dead_letters,
    };
    jetstream::create(&settings.nats, &location, &wanted).await?;
    say!(
        "the group {} has {} partitions and {} of each stream",
        location.shown(),
        args.partitions,
        match wanted.replicas {
            1 => "1 copy".to_owned(),
            copies => format!("{copies} copies"),
        }
    );
    say!("publish to it:  sluicegate relay --to {}", location.shown());
    say!(
        "forward from it: set feed.url = \"{}\", then sluicegate run, on each machine",
        location.shown()
    );
    Ok(ExitCode::SUCCESS)
}

/// The group that is meant: the named one, else that of the feed, else that of the relay.
pub(super) fn location(place: NatsPlace, settings: &Settings) -> Result<Location> {
    let named = place.url.map(Address::from);
    let own = [&settings.feed.url, &settings.relay.to];
    let own = own.into_iter().find(|address| Location::is_meant(address));
    let Some(address) = named.as_ref().or(own) else {
        bail!("which group? name it: nats://HOST:4222/PREFIX, or set feed.url");
    };
    location_at(address)
}

/// The group at an address.
pub(super) fn location_at(address: &Address) -> Result<Location> {
    Location::parse(address).map_err(|error| eyre!("{address} {error}"))
}

fn show(location: &Location, status: &GroupStatus) {
    say!("{}", location.shown());
    say!(
        "events waiting {} ({})   dead letters {}   filters revision {}",
        grouped(status.events),
        text::bytes(status.bytes as usize),
        grouped(status.dead_letters),
        status.filters_revision
    );
    let held = usize::from(status.partitions) - status.free.len();
    say!("partitions {held} of {} held", status.partitions);
    for member in &status.members {
        say!("{}", row(member));
    }
    if status.members.is_empty() {
        say!(
            "no member: start one with feed.url = \"{}\" and sluicegate run",
            location.shown()
        );
    }
}

/// A member in one line.
fn row(member: &MemberRecord) -> String {
    let own = &member.figures;
    let trouble = own.trouble.as_deref().or(member.filters_error.as_deref());
    let trouble = trouble.map_or_else(String::new, |why| format!("  ({})", printable(why)));
    format!(
        "  {:<28} {:>3} partitions  {:>8}/s in  {:>8}/s delivered  queued {}  p95 {}  seen {} ago{trouble}",
        printable(&member.name),
        member.partitions.len(),
        format!("{:.0}", own.received_per_second),
        format!("{:.0}", own.delivered_per_second),
        grouped(own.queued),
        duration(own.latency_p95_ms as i64),
        duration((time::now() - member.at_ms).max(0)),
    )
}
