//! A pipeline without a screen: when it ends, and its summary.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::cli::Format;
use crate::delivery::BreakerState;
use crate::delivery::spool::SpoolStatus;
use crate::delivery::spool::dead_letters::DeadLetterRow;
use crate::pipeline::{Handle, Pipeline, ShutdownReport};
use crate::protocol::{LatencyRow, LimitRow, Snapshot, Totals};
use crate::signals::{self, Hangup};
use crate::text::grouped;

use super::dead_letters as letters;
use super::output::{self, printable};
use super::reload::Reloader;

/// When a run ends by itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Until {
    /// After this time.
    pub(super) time: Option<Duration>,
    /// When for this time nothing came in and nothing waits or is in flight.
    pub(super) idle: Option<Duration>,
    /// Being idle counts only once this is cancelled, where there is such a thing.
    pub(super) all_came: Option<CancellationToken>,
    /// When this is cancelled: where events come from has ended by itself.
    pub(super) broke_off: Option<CancellationToken>,
}

/// Reads the settings again at each SIGHUP. The signal is heard from before the settings were
/// first read: it would end the program otherwise.
pub(super) struct Reloads {
    pub(super) reloader: Reloader,
    pub(super) hangups: mpsc::Receiver<Hangup>,
}

/// Runs until it ends by itself or by a signal, then drains. `each_second` sees how it stands.
pub(super) async fn run(
    pipeline: Pipeline,
    until: Until,
    drain: Duration,
    reloads: Option<Reloads>,
    mut each_second: impl FnMut(&Snapshot),
) -> Summary {
    let signal = signals::first();
    let started = Instant::now();
    wait(
        pipeline.handle(),
        &until,
        &signal,
        reloads,
        &mut each_second,
    )
    .await;
    let ended = pipeline.end(drain, CancellationToken::new()).await;
    Summary::new(&ended, started.elapsed())
}

async fn wait(
    handle: &Handle,
    until: &Until,
    signal: &CancellationToken,
    reloads: Option<Reloads>,
    each_second: &mut impl FnMut(&Snapshot),
) {
    let (reloader, mut hangups) = match reloads {
        Some(Reloads { reloader, hangups }) => (Some(reloader), hangups),
        None => (None, signals::hangups()),
    };
    let mut snapshots = handle.snapshots();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.reset();
    let end = until.time.map(|time| tokio::time::Instant::now() + time);
    let (mut received, mut quiet_since) = (0, Instant::now());
    loop {
        tokio::select! {
            () = signal.cancelled() => return,
            () = cancelled(until.broke_off.as_ref()) => return,
            () = handle.failed() => return,
            () = tokio::time::sleep_until(end.unwrap_or_else(tokio::time::Instant::now)), if end.is_some() => return,
            Some(hangup) = hangups.recv() => match (hangup, &reloader) {
                (Hangup::TerminalGone, _) => return,
                // The observer logs what was changed.
                (Hangup::Reload, Some(reloader)) => if let Err(error) = reloader.reload(handle).await {
                    tracing::error!("{error}");
                },
                (Hangup::Reload, None) => tracing::info!("SIGHUP: there are no settings to read again here"),
            },
            _ = second.tick() => each_second(&snapshots.borrow().clone()),
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = snapshots.borrow_and_update().clone();
                let seen = now.totals.received + now.totals.malformed;
                let may_come = until.all_came.as_ref().is_some_and(|all| !all.is_cancelled());
                let busy = seen != received
                    || !is_settled(&now)
                    || now.feed.connects == 0
                    || may_come;
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

/// Waits until the token is cancelled, where there is one.
async fn cancelled(token: Option<&CancellationToken>) {
    match token {
        Some(token) => token.cancelled().await,
        None => std::future::pending().await,
    }
}

fn is_settled(snapshot: &Snapshot) -> bool {
    let totals = &snapshot.totals;
    let sent = totals.accepted - totals.dry_run;
    // What an earlier run left in the spool is delivered here and was not accepted here.
    snapshot.delivery.is_idle() && sent <= totals.delivered + totals.not_delivered()
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
    /// Accepted, and neither delivered nor refused when the run ended: it is in the spool.
    left: u64,
    /// Came, and could never be written to the spool: the feed was not told that it is safe.
    unwritten: u64,
    /// Why it ended by itself, if it did.
    failure: Option<String>,
    spool: SpoolStatus,
    breaker: BreakerState,
    /// Requests a second that Customer.io was believed to take.
    rate: f64,
    /// The most that the settings allow.
    rate_limit: u32,
    dead_letters: Vec<DeadLetterRow>,
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
    fn new(ended: &ShutdownReport, took: Duration) -> Self {
        let last = &ended.last;
        let broken = |row: &LimitRow| Broken {
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
            violations: last.limits.iter().map(broken).collect(),
        }
    }

    /// 0 where all that was accepted is settled, 1 where something is left or the disk lost it, or a
    /// part of the program has ended by itself.
    pub(super) fn exit_code(&self) -> ExitCode {
        let is_fault = self.left + self.unwritten + self.spool.lost > 0 || self.failure.is_some();
        ExitCode::from(u8::from(is_fault))
    }

    /// Says it on standard output.
    pub(super) fn say(&self, format: Format) {
        match format {
            Format::Text => say_as_is!("{}", self.text()),
            Format::Json => output::json(self),
        }
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
        if self.spool.carried > 0 {
            let carried = "in the spool at the start, or tried again from the dead letters";
            line("carried over", self.spool.carried, carried.to_owned());
        }
        if self.left > 0 {
            let left = "in the spool: they go out at the next start";
            line("left", self.left, left.to_owned());
        }
        if self.unwritten > 0 {
            let unwritten =
                "could not be written to the spool; the feed was not told that they are safe";
            line("not accepted", self.unwritten, unwritten.to_owned());
        }
        if self.spool.lost > 0 {
            line("lost", self.spool.lost, "damaged on the disk".to_owned());
        }
        if let Some(why) = &self.failure {
            let _ = writeln!(out, "broken off    {why}");
        }
        self.tell_delivery(&mut out);
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
        out
    }

    fn tell_delivery(&self, out: &mut String) {
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
                letters::row(row)
            );
        }
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
    let delivery = &snapshot.delivery;
    let trouble = delivery.spool.fault.as_deref().or(delivery.breaker.why());
    let trouble = trouble.map_or_else(String::new, |why| format!("  ({why})"));
    format!(
        "feed {feed}  received {} ({:.0}/s)  accepted {}  delivered {} ({:.0}/s)  filtered {}  rejected {}  spool {}  dead letters {}  p95 {} ms{trouble}",
        grouped(t.received),
        snapshot.rates.received,
        grouped(t.accepted),
        grouped(t.delivered),
        snapshot.rates.delivered,
        grouped(t.filtered),
        grouped(t.rejected),
        grouped(snapshot.delivery.spool.items),
        grouped(snapshot.delivery.spool.dead_letters),
        snapshot.latency.p95_ms,
    )
}
