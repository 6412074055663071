//! `status`: how a running forwarder stands, told by what it writes beside its spool; or how
//! the spool stands that it left.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use color_eyre::eyre::{Result, WrapErr, bail};
use serde::Serialize;

use crate::amplitude::time;
use crate::cli::{
    Format, {self},
};
use crate::delivery::BreakerState;
use crate::delivery::spool::dead_letters::{DeadLetterRow, DeadLetters};
use crate::delivery::spool::{
    SpoolStatus, {self},
};
use crate::feed::FeedState;
use crate::filter::Mode;
use crate::pipeline::Status;
use crate::text::{duration, grouped};
use crate::tui::widget::text::bytes;

use super::config_source::ConfigSource;
use super::output::{self, printable};
use super::spool_location::spool_folder;

/// A status older than this is of a process that is stuck.
const STALE_MS: i64 = 30_000;

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    folder: PathBuf,
    /// The process that has the spool now.
    running: Option<String>,
    /// What it wrote last, or what the last one did.
    status: Option<Status>,
    /// What is in the spool now.
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
    Ok(ExitCode::from(u8::from(!report.is_well())))
}

impl Report {
    fn of(folder: PathBuf) -> Result<Self> {
        let Some(letters) = DeadLetters::open(&folder)? else {
            bail!(
                "there is no spool in {}; name another with --spool",
                folder.display()
            );
        };
        let running = spool::owner(&folder);
        let status = Status::read(&folder);
        // Another process's last word says nothing of the one that runs now.
        let of = |status: &Status| match &running {
            Some(pid) => status.pid.to_string() == *pid,
            None => true,
        };
        let status = status.filter(of);
        let now = letters.spool_status().wrap_err("the spool can't be read")?;
        // What only the process knows, where there is one.
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
            dead_letters: letters.rows().wrap_err("the spool can't be read")?,
            folder,
            running,
            status,
            spool,
        })
    }

    fn is_well(&self) -> bool {
        let delivers = |status: &Status| {
            status.delivery.breaker == BreakerState::Closed
                && status.delivery.spool.fault.is_none()
                && !status.delivery.spool.full
        };
        self.running.is_some() && self.status.as_ref().is_some_and(delivers)
    }

    fn text(&self) -> String {
        use std::fmt::Write as _;
        let now_ms = time::now();
        let mut out = String::new();
        let mut line = |name: &str, says: String| _ = writeln!(out, "{name:<14}{says}");
        line("process", self.process(now_ms));
        if let Some(status) = self.status.as_ref().filter(|_| self.running.is_some()) {
            running_lines(status, now_ms, &mut line);
        }
        line("spool", spool_words(&self.spool, now_ms));
        line("  folder", shown(&self.folder));
        if self.dead_letters.is_empty() {
            line("dead letters", "none".to_owned());
        }
        for (index, row) in self.dead_letters.iter().enumerate() {
            let name = if index == 0 { "dead letters" } else { "" };
            let row = super::dead_letters::row(row);
            line(
                name,
                format!("{:>8}  {row}", grouped(self.dead_letters[index].count)),
            );
        }
        out
    }

    fn process(&self, now_ms: i64) -> String {
        match (&self.running, &self.status) {
            (None, _) => "none runs: what is in the spool waits for the next start".to_owned(),
            (Some(pid), Some(status)) => {
                let age = now_ms - status.at_ms;
                let stale = if age > STALE_MS {
                    format!("; it has told nothing for {}", duration(age))
                } else {
                    String::new()
                };
                format!("{pid}, for {}{stale}", duration(now_ms - status.started_ms))
            }
            (Some(pid), None) => format!("{pid}, which has not told yet how it stands"),
        }
    }
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

fn running_lines(status: &Status, now_ms: i64, line: &mut impl FnMut(&str, String)) {
    let delivery = &status.delivery;
    line("destination", printable(&status.destination));
    let feed = match &status.feed_status.state {
        FeedState::Live => "live".to_owned(),
        FeedState::Connecting => "connecting".to_owned(),
        FeedState::Down { why, next_ms } => {
            let next = duration((next_ms - now_ms).max(0));
            format!("down: {}; again in {next}", printable(why))
        }
    };
    line("feed", format!("{feed}  {}", printable(&status.feed)));
    if let Some(covered) = &status.feed_status.resumed {
        let covered = covered.strip_prefix("feed resumed: ").unwrap_or(covered);
        let times = status.feed_status.connects.saturating_sub(1);
        let again = match times {
            // An earlier run was connected before.
            0 => "at the start".to_owned(),
            1 => "once".to_owned(),
            times => format!("{} times", grouped(times)),
        };
        line("  resumed", format!("{again}; {}", printable(covered)));
    }
    if status.feed_status.given_up > 0 {
        let times = match status.feed_status.given_up {
            1 => "once".to_owned(),
            times => format!("{} times", grouped(times)),
        };
        let missed = "went on without what it had missed, as the server could not be asked for it";
        line("  missed", format!("{times} the feed {missed}"));
    }
    let gate = match status.mode {
        Some(Mode::Open) => "open",
        Some(Mode::DryRun) => "in dry run: nothing is sent",
        Some(Mode::Shut) => "shut: nothing is sent",
        None => "starting",
    };
    line("gate", gate.to_owned());
    let t = &status.totals;
    line(
        "events",
        format!(
            "received {} ({:.0}/s)  accepted {}  delivered {} ({:.0}/s)  not delivered {}",
            grouped(t.received),
            status.rates.received,
            grouped(t.accepted),
            grouped(t.delivered),
            status.rates.delivered,
            grouped(t.not_delivered())
        ),
    );
    let l = &status.latency_ms;
    line(
        "latency",
        format!(
            "p50 {} ms  p95 {} ms  p99 {} ms",
            l.p50_ms, l.p95_ms, l.p99_ms
        ),
    );
    let breaker = match &delivery.breaker {
        BreakerState::Closed => "closed: requests go out".to_owned(),
        BreakerState::Open {
            why,
            since_ms,
            probe_ms,
        } => format!(
            "open for {}: {}; asks again in {}",
            duration((now_ms - since_ms).max(0)),
            printable(why),
            duration((probe_ms - now_ms).max(0))
        ),
        BreakerState::Refused { why, since_ms } => format!(
            "open for {}: {}; SIGHUP, or g on the screen, tries again",
            duration((now_ms - since_ms).max(0)),
            printable(why)
        ),
    };
    line("breaker", breaker);
    line(
        "requests",
        format!(
            "{} in flight  {:.1} of {} a second allowed",
            delivery.in_flight, delivery.rate, delivery.rate_limit
        ),
    );
    let next = delivery.next_retry_ms.map_or_else(String::new, |at| {
        format!(", the next in {}", duration((at - now_ms).max(0)))
    });
    line("retrying", format!("{}{next}", grouped(delivery.retrying)));
}

fn spool_words(spool: &SpoolStatus, now_ms: i64) -> String {
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
