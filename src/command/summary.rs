//! The summary of a run without a screen.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;

use super::dead_letter_output;
use super::output::{self, printable};
use crate::cli::Format;
use crate::delivery::BreakerState;
use crate::delivery::spool::SpoolStatus;
use crate::delivery::spool::dead_letters::DeadLetterRow;
use crate::limits::Policy;
use crate::pipeline::ShutdownReport;
use crate::protocol::{LatencyRow, LimitRow, Totals};
use crate::text::grouped;

/// The result of a run.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    seconds: f64,
    totals: Totals,
    not_delivered: u64,
    delivery_rate: Option<f64>,
    latency_ms: LatencyRow,
    answers: BTreeMap<String, u64>,
    /// Accepted items that are still in the spool.
    left: u64,
    /// Items that could not be written to the spool and were not acknowledged to the feed.
    unwritten: u64,
    /// The reason if a part of the program failed.
    failure: Option<String>,
    spool: SpoolStatus,
    breaker: BreakerState,
    /// Requests per second that the rate limiter allowed at the end.
    rate: f64,
    /// Requests per second that the settings allow.
    rate_limit: u32,
    dead_letters: Vec<DeadLetterRow>,
    violations: Vec<ViolationRow>,
}

/// A limit that was broken.
#[derive(Debug, Serialize)]
struct ViolationRow {
    limit: &'static str,
    policy: Policy,
    events: u64,
    worst_type: String,
    worst: String,
    path: String,
}

impl Summary {
    /// Makes the summary of a run that took this time.
    pub(super) fn new(ended: &ShutdownReport, took: Duration) -> Self {
        let last = &ended.last;
        let violation = |row: &LimitRow| ViolationRow {
            limit: row.code.name(),
            policy: row.policy,
            events: row.count,
            worst_type: row.worst_type.to_string(),
            worst: row.worst.sentence.clone(),
            path: row.worst.path.to_string(),
        };
        Self {
            seconds: took.as_secs_f64(),
            totals: last.totals,
            not_delivered: last.totals.not_delivered(),
            delivery_rate: last.totals.delivery_rate(),
            latency_ms: last.latency,
            answers: last.answers.clone(),
            left: ended.left,
            unwritten: ended.unwritten,
            failure: ended.failure.clone(),
            spool: last.delivery.spool.clone(),
            breaker: last.delivery.breaker.clone(),
            rate: last.delivery.rate,
            rate_limit: last.delivery.rate_limit,
            dead_letters: last.dead_letters.to_vec(),
            violations: last.limits.iter().map(violation).collect(),
        }
    }

    /// Returns 0 if every accepted event has its outcome, and 1 if some are left or lost, or if a part
    /// of the program failed.
    pub(super) fn exit_code(&self) -> ExitCode {
        let is_fault = self.left + self.unwritten + self.spool.lost > 0 || self.failure.is_some();
        ExitCode::from(u8::from(is_fault))
    }

    /// Prints the summary to standard output.
    pub(super) fn say(&self, format: Format) {
        match format {
            Format::Text => say_as_is!("{}", self.text()),
            Format::Json => output::json(self),
        }
    }

    /// Returns the summary as text for people.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        self.write_totals(&mut out);
        self.write_remains(&mut out);
        self.write_delivery(&mut out);
        self.write_violations(&mut out);
        out
    }

    /// Writes the counts of events by decision and outcome.
    fn write_totals(&self, out: &mut String) {
        let t = &self.totals;
        let per_second = t.received as f64 / self.seconds.max(0.001);
        let rate = format!("{per_second:.0}/s in {:.1} s", self.seconds);
        line(out, "received", t.received, &rate);
        let malformed = if t.malformed > 0 {
            "frames or parts of frames that are not events"
        } else {
            ""
        };
        line(out, "malformed", t.malformed, malformed);
        line(out, "filtered", t.filtered, "");
        line(out, "rejected", t.rejected, "");
        let dry_run = if t.dry_run > 0 {
            format!("{} in dry run, not sent", grouped(t.dry_run))
        } else {
            String::new()
        };
        line(out, "accepted", t.accepted, &dry_run);
        let rate = self
            .delivery_rate
            .map_or_else(String::new, |rate| format!("delivery rate {rate:.2} %"));
        line(out, "delivered", t.delivered, &rate);
        line(out, "  first attempt", t.success_on_first_attempt, "");
        line(out, "  after retry", t.success_after_retry, "");
        let parts = format!("{} expired, {} discarded", t.expired, t.discarded);
        line(out, "not delivered", self.not_delivered, &parts);
    }

    /// Writes what the run took over, left behind and lost, and why it ended early.
    fn write_remains(&self, out: &mut String) {
        for (name, count, note) in [
            (
                "carried over",
                self.spool.carried,
                "in the spool at the start, or retried dead letters",
            ),
            (
                "left",
                self.left,
                "in the spool, to be sent after the next start",
            ),
            (
                "not accepted",
                self.unwritten,
                "could not be written to the spool, and were not acknowledged to the feed",
            ),
            ("lost", self.spool.lost, "damaged on the disk"),
        ] {
            if count > 0 {
                line(out, name, count, note);
            }
        }
        if let Some(why) = &self.failure {
            let _ = writeln!(out, "broken off    {why}");
        }
    }

    /// Writes the limits that were broken, with the worst example of each.
    fn write_violations(&self, out: &mut String) {
        if !self.violations.is_empty() {
            let _ = writeln!(out, "violations");
        }
        for v in &self.violations {
            let count = grouped(v.events);
            let _ = writeln!(
                out,
                "  {:<8}{:<26}{count:>8}   {}: {}",
                v.policy.verb(),
                v.limit,
                printable(&v.path),
                printable(&v.worst)
            );
        }
    }

    /// Writes latency, requests, the state of the destination, and dead letters.
    fn write_delivery(&self, out: &mut String) {
        let t = &self.totals;
        let l = &self.latency_ms;
        let _ = writeln!(
            out,
            "latency       p50 {} ms   p95 {} ms   p99 {} ms",
            l.p50_ms, l.p95_ms, l.p99_ms
        );
        let answers: Vec<String> = self
            .answers
            .iter()
            .map(|(a, n)| format!("{a}: {}", grouped(*n)))
            .collect();
        let _ = writeln!(
            out,
            "requests      {}   {}",
            grouped(t.requests),
            answers.join("   ")
        );
        if self.rate < f64::from(self.rate_limit) {
            let (rate, limit) = (self.rate, self.rate_limit);
            let _ = writeln!(out, "rate          {rate:.1} of {limit}/s, after 429s");
        }
        if let Some(why) = self.breaker.why() {
            let _ = writeln!(out, "down          {}", printable(why));
        }
        if let Some(why) = &self.spool.fault {
            let _ = writeln!(out, "spool         {why}");
        }
        for row in &self.dead_letters {
            let _ = writeln!(
                out,
                "dead letters  {:>12}   {}",
                grouped(row.count),
                dead_letter_output::row(row)
            );
        }
    }
}

/// Writes a line with a count, and a note unless it is empty.
fn line(out: &mut String, name: &str, count: u64, note: &str) {
    let note = if note.is_empty() {
        String::new()
    } else {
        format!("   {note}")
    };
    let _ = writeln!(out, "{name:<14}{:>12}{note}", grouped(count));
}
