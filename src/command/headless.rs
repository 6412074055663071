//! A pipeline without a screen: when it ends, and its summary.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::limits::grouped;
use crate::pipeline::{Ended, Handle, Pipeline};
use crate::protocol::{LatencyRow, LimitRow, Snapshot, Totals};

use super::signals;

/// When a run ends by itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Until {
    /// After this time.
    pub(super) time: Option<Duration>,
    /// When for this time nothing came in and nothing waits or is in flight.
    pub(super) idle: Option<Duration>,
}

/// Runs until it ends by itself or by a signal, then drains. `each_second` sees how it stands.
pub(super) async fn run(
    pipeline: Pipeline,
    until: Until,
    drain: Duration,
    mut each_second: impl FnMut(&Snapshot),
) -> Summary {
    let signal = signals::first();
    let started = Instant::now();
    wait(pipeline.handle(), until, &signal, &mut each_second).await;
    let dead_letters = pipeline.handle().dead_letters().clone();
    let ended = pipeline.end(drain, CancellationToken::new()).await;
    Summary::new(&ended, &dead_letters.all(), started.elapsed())
}

async fn wait(
    handle: &Handle,
    until: Until,
    signal: &CancellationToken,
    each_second: &mut impl FnMut(&Snapshot),
) {
    let mut snapshots = handle.snapshots();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.reset();
    let end = until.time.map(|time| tokio::time::Instant::now() + time);
    let (mut received, mut quiet_since) = (0, Instant::now());
    loop {
        tokio::select! {
            () = signal.cancelled() => return,
            () = tokio::time::sleep_until(end.unwrap_or_else(tokio::time::Instant::now)), if end.is_some() => return,
            _ = second.tick() => each_second(&snapshots.borrow().clone()),
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = snapshots.borrow_and_update().clone();
                let seen = now.totals.received + now.totals.malformed;
                let busy = seen != received || !is_settled(&now) || now.feed.connects == 0;
                received = seen;
                if busy {
                    quiet_since = Instant::now();
                }
                if until.idle.is_some_and(|idle| quiet_since.elapsed() >= idle) {
                    return;
                }
            }
        }
    }
}

fn is_settled(snapshot: &Snapshot) -> bool {
    let totals = &snapshot.totals;
    let sent = totals.accepted - totals.dry_run;
    snapshot.standing.is_idle() && sent == totals.delivered + totals.not_delivered()
}

/// What a run did, for people and for machines.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    seconds: f64,
    totals: Totals,
    not_delivered: u64,
    delivery_rate: Option<f64>,
    latency_ms: LatencyRow,
    answers: BTreeMap<String, u64>,
    /// Accepted, and neither delivered nor refused when the run ended.
    left: u64,
    halted: Option<String>,
    dead_letters: BTreeMap<String, u64>,
    violations: Vec<Broken>,
}

#[derive(Debug, Serialize)]
struct Broken {
    limit: &'static str,
    policy: crate::limits::Policy,
    events: u64,
    worst_type: String,
    worst: String,
    path: String,
}

impl Summary {
    fn new(
        ended: &Ended,
        dead_letters: &[crate::telemetry::dead_letters::DeadLetter],
        took: Duration,
    ) -> Self {
        let last = &ended.last;
        let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
        for letter in dead_letters {
            let field = if letter.field.is_empty() {
                String::new()
            } else {
                format!("{}: ", letter.field)
            };
            *reasons
                .entry(format!("{}: {field}{}", letter.why, letter.reason))
                .or_default() += 1;
        }
        let broken = |row: &LimitRow| Broken {
            limit: row.code.name(),
            policy: row.policy,
            events: row.count,
            worst_type: row.worst_type.to_string(),
            worst: row.worst.says.clone(),
            path: row.worst.path.to_string(),
        };
        Self {
            seconds: took.as_secs_f64(),
            totals: last.totals,
            not_delivered: last.totals.not_delivered(),
            delivery_rate: last.totals.delivery_rate(),
            latency_ms: last.latency,
            answers: last.answers.clone(),
            left: ended.left.len() as u64,
            halted: last.standing.halted.clone(),
            dead_letters: reasons,
            violations: last.limits.iter().map(broken).collect(),
        }
    }

    /// 0 where all that was accepted is settled, 1 where something is left.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(self.left > 0))
    }

    /// The summary as one JSON object.
    pub(super) fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The summary for people.
    pub(super) fn text(&self) -> String {
        let t = &self.totals;
        let mut out = String::new();
        let mut line = |name: &str, count: u64, more: String| {
            let more = if more.is_empty() {
                more
            } else {
                format!("   {more}")
            };
            let _ = writeln!(out, "{name:<14}{:>12}{more}", grouped(count));
        };
        let per_second = t.received as f64 / self.seconds.max(0.001);
        line(
            "received",
            t.received,
            format!("{per_second:.0}/s in {:.1} s", self.seconds),
        );
        let malformed = if t.malformed > 0 {
            "frames, or parts of them, that are no events"
        } else {
            ""
        };
        line("malformed", t.malformed, malformed.to_owned());
        line("filtered", t.filtered, String::new());
        line("rejected", t.rejected, String::new());
        let dry = if t.dry_run > 0 {
            format!("{} in dry run, not sent", grouped(t.dry_run))
        } else {
            String::new()
        };
        line("accepted", t.accepted, dry);
        let rate = self
            .delivery_rate
            .map_or_else(String::new, |rate| format!("delivery rate {rate:.2} %"));
        line("delivered", t.delivered, rate);
        line("  first attempt", t.success_on_first_attempt, String::new());
        line("  after retry", t.success_after_retry, String::new());
        line(
            "not delivered",
            self.not_delivered,
            format!("{} expired, {} discarded", t.expired, t.discarded),
        );
        if self.left > 0 {
            line(
                "left",
                self.left,
                "accepted, and still under way when the run ended".to_owned(),
            );
        }
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
        if let Some(why) = &self.halted {
            let _ = writeln!(out, "halted        {why}");
        }
        for (reason, count) in &self.dead_letters {
            let _ = writeln!(out, "dead letters  {} {reason}", grouped(*count));
        }
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
                v.path,
                v.worst
            );
        }
        out
    }
}

/// How everything stands, in one line.
pub(super) fn status_line(snapshot: &Snapshot) -> String {
    let t = &snapshot.totals;
    let feed = match &snapshot.feed.state {
        crate::feed::FeedState::Live => "live".to_owned(),
        crate::feed::FeedState::Connecting => "connecting".to_owned(),
        crate::feed::FeedState::Down { why, .. } => format!("down ({why})"),
    };
    format!(
        "feed {feed}  received {} ({:.0}/s)  accepted {}  delivered {} ({:.0}/s)  filtered {}  rejected {}  waiting {}  p95 {} ms",
        grouped(t.received),
        snapshot.rates.received,
        grouped(t.accepted),
        grouped(t.delivered),
        snapshot.rates.delivered,
        grouped(t.filtered),
        grouped(t.rejected),
        grouped(snapshot.standing.waiting + snapshot.standing.retrying),
        snapshot.latency.p95_ms,
    )
}
