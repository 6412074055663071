//! `status`: the state of the running forwarder, from the status file beside its spool, or of the
//! spool that the last one left.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use color_eyre::eyre::{Result, WrapErr, bail};
use serde::Serialize;

use crate::amplitude::time;
use crate::cli::{self, Format};
use crate::delivery::spool::dead_letters::{DeadLetterRow, DeadLetters};
use crate::delivery::spool::{self, SpoolStatus};
use crate::delivery::{BreakerState, DeliveryStatus};
use crate::feed::FeedState;
use crate::filter::Mode;
use crate::pipeline::Status;
use crate::text::{duration, grouped};
use crate::tui::widget::text::bytes;

use super::config_source::ConfigSource;
use super::dead_letter_output;
use super::output::{self, printable};
use super::spool_location::spool_folder;

/// Age from which a status counts as stale. A running process writes one at least every 10 seconds.
const STALE_MS: i64 = 30_000;

/// The report.
#[derive(Debug, Serialize)]
struct Report {
    folder: PathBuf,
    /// The process that has locked the spool.
    running: Option<String>,
    /// The last status of that process, or of the last one that ran.
    status: Option<Status>,
    /// The spool now.
    spool: SpoolStatus,
    dead_letters: Vec<DeadLetterRow>,
}

pub(super) fn run(args: cli::Status, source: ConfigSource) -> Result<ExitCode> {
    let folder = spool_folder(args.spool, source)?;
    let report = Report::of(folder)?;
    match args.format {
        Format::Json => output::json(&report),
        Format::Text => say_as_is!("{}", report.text()),
    }
    Ok(ExitCode::from(u8::from(!report.is_healthy())))
}

impl Report {
    fn of(folder: PathBuf) -> Result<Self> {
        let Some(letters) = DeadLetters::open(&folder)? else {
            if let Some(report) = Self::of_member(&folder) {
                return Ok(report);
            }
            bail!(
                "there is no spool in {}; name another with --spool",
                folder.display()
            );
        };
        let running = spool::owner(&folder);
        let status = Status::read(&folder);
        // A status of another process says nothing about the running one.
        let is_current = |status: &Status| match &running {
            Some(pid) => status.pid.to_string() == *pid,
            None => true,
        };
        let status = status.filter(is_current);
        let now = letters.spool_status().wrap_err("cannot read the spool")?;
        // Some values are known only to the running process.
        let spool = match &status {
            Some(status) if running.is_some() => SpoolStatus {
                quota_bytes: status.delivery.spool.quota_bytes,
                keep_dead_letters_ms: status.delivery.spool.keep_dead_letters_ms,
                fault: status.delivery.spool.fault.clone(),
                full: status.delivery.spool.full,
                ..now
            },
            _ => now,
        };
        Ok(Self {
            dead_letters: letters.rows().wrap_err("cannot read the spool")?,
            folder,
            running,
            status,
            spool,
        })
    }

    /// The report on a member of a group, which has no spool. None if there is no member either.
    fn of_member(folder: &Path) -> Option<Self> {
        let status = Status::read(folder)?;
        Some(Self {
            running: spool::owner(folder),
            spool: status.delivery.spool.clone(),
            dead_letters: Vec::new(),
            folder: folder.to_owned(),
            status: Some(status),
        })
    }

    /// Whether a forwarder runs and delivers.
    fn is_healthy(&self) -> bool {
        let delivers = |status: &Status| {
            status.delivery.breaker == BreakerState::Closed
                && status.delivery.spool.fault.is_none()
                && !status.delivery.spool.full
        };
        self.running.is_some() && self.status.as_ref().is_some_and(delivers)
    }

    fn text(&self) -> String {
        let now_ms = time::now();
        let mut out = String::new();
        line(&mut out, "process", &self.process(now_ms));
        if let Some(status) = self.status.as_ref().filter(|_| self.running.is_some()) {
            write_running(&mut out, status, now_ms);
        }
        line(&mut out, "spool", &spool_text(&self.spool, now_ms));
        let folder = printable(&self.folder.display().to_string());
        line(&mut out, "  folder", &folder);
        if self.dead_letters.is_empty() {
            line(&mut out, "dead letters", "none");
        }
        for (index, row) in self.dead_letters.iter().enumerate() {
            let name = if index == 0 { "dead letters" } else { "" };
            let text = format!(
                "{:>8}  {}",
                grouped(row.count),
                dead_letter_output::row(row)
            );
            line(&mut out, name, &text);
        }
        out
    }

    /// Returns the process, how long it runs, and whether its status is stale.
    fn process(&self, now_ms: i64) -> String {
        match (&self.running, &self.status) {
            (None, _) => {
                "none is running; items in the spool are sent after the next start".to_owned()
            }
            (Some(pid), Some(status)) => {
                let age = now_ms - status.at_ms;
                let stale = if age > STALE_MS {
                    format!("; no status for {}", duration(age))
                } else {
                    String::new()
                };
                format!("{pid}, for {}{stale}", duration(now_ms - status.started_ms))
            }
            (Some(pid), None) => format!("{pid}, no status yet"),
        }
    }
}

/// Writes one line of the report: a name and its text.
fn line(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "{name:<14}{text}");
}

/// Writes the lines on the running process.
fn write_running(out: &mut String, status: &Status, now_ms: i64) {
    line(out, "destination", &printable(&status.destination));
    write_feed(out, status, now_ms);
    let gate = match status.mode {
        Some(Mode::Open) => "open",
        Some(Mode::DryRun) => "in dry run: nothing is sent",
        Some(Mode::Shut) => "shut: new events are dropped",
        None => "starting",
    };
    line(out, "gate", gate);
    let t = &status.totals;
    let events = format!(
        "received {} ({:.0}/s)  accepted {}  delivered {} ({:.0}/s)  not delivered {}",
        grouped(t.received),
        status.rates.received,
        grouped(t.accepted),
        grouped(t.delivered),
        status.rates.delivered,
        grouped(t.not_delivered())
    );
    line(out, "events", &events);
    let l = &status.latency_ms;
    let latency = format!(
        "p50 {} ms  p95 {} ms  p99 {} ms",
        l.p50_ms, l.p95_ms, l.p99_ms
    );
    line(out, "latency", &latency);
    write_delivery(out, &status.delivery, now_ms);
}

/// Writes the state of the feed, and what its reconnects covered and missed.
fn write_feed(out: &mut String, status: &Status, now_ms: i64) {
    let feed = &status.feed_status;
    let state = match &feed.state {
        FeedState::Live => "live".to_owned(),
        FeedState::Connecting => "connecting".to_owned(),
        FeedState::Down { why, next_ms } => {
            let next = duration((next_ms - now_ms).max(0));
            format!("down: {}; next attempt in {next}", printable(why))
        }
    };
    line(
        out,
        "feed",
        &format!("{state}  {}", printable(&status.feed)),
    );
    if let Some(covered) = &feed.resumed {
        let covered = covered.strip_prefix("feed resumed: ").unwrap_or(covered);
        let count = match feed.connects.saturating_sub(1) {
            // An earlier run was connected before.
            0 => "at the start".to_owned(),
            count => times(count),
        };
        line(
            out,
            "  resumed",
            &format!("{count}; {}", printable(covered)),
        );
    }
    if feed.given_up > 0 {
        let count = times(feed.given_up);
        let missed = "the feed could not resume, and events in between are missing";
        line(out, "  missed", &format!("{count} {missed}"));
    }
}

/// Writes the state of the circuit breaker, the requests and the retries.
fn write_delivery(out: &mut String, delivery: &DeliveryStatus, now_ms: i64) {
    let breaker = match &delivery.breaker {
        BreakerState::Closed => "closed: requests are sent".to_owned(),
        BreakerState::Open {
            why,
            since_ms,
            probe_ms,
        } => format!(
            "open for {}: {}; next probe in {}",
            duration((now_ms - since_ms).max(0)),
            printable(why),
            duration((probe_ms - now_ms).max(0))
        ),
        BreakerState::Refused { why, since_ms } => format!(
            "open for {}: {}; to retry, send SIGHUP, or press g on the screen",
            duration((now_ms - since_ms).max(0)),
            printable(why)
        ),
    };
    line(out, "breaker", &breaker);
    let requests = format!(
        "{} in flight  {:.1} of {} a second allowed",
        delivery.in_flight, delivery.rate, delivery.rate_limit
    );
    line(out, "requests", &requests);
    let next = delivery.next_retry_ms.map_or_else(String::new, |at| {
        format!(", the next in {}", duration((at - now_ms).max(0)))
    });
    let retrying = format!("{}{next}", grouped(delivery.retrying));
    line(out, "retrying", &retrying);
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{} times", grouped(count)),
    }
}

fn spool_text(spool: &SpoolStatus, now_ms: i64) -> String {
    let oldest = spool.oldest_ms.map_or_else(String::new, |at| {
        format!(", the oldest for {}", duration((now_ms - at).max(0)))
    });
    let quota = if spool.quota_bytes == 0 {
        String::new()
    } else {
        format!(" of {}", bytes(spool.quota_bytes as usize))
    };
    let trouble = match (&spool.fault, spool.full) {
        (Some(fault), _) => format!("; {fault}"),
        (None, true) => "; FULL: the feed is not read".to_owned(),
        (None, false) => String::new(),
    };
    let used = bytes((spool.bytes + spool.dead_letter_bytes) as usize);
    format!(
        "{} items{oldest}; {used}{quota}{trouble}",
        grouped(spool.items)
    )
}
