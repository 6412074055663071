//! Runs a pipeline without a screen, until a signal or an end condition.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::reload::Reloader;
use super::summary::Summary;
use crate::feed::FeedState;
use crate::pipeline::{Handle, Pipeline};
use crate::protocol::Snapshot;
use crate::service_manager::{self, ServiceState};
use crate::signals::{self, Hangup};
use crate::text::grouped;

/// Conditions that end a run.
#[derive(Debug, Clone, Default)]
pub(super) struct EndConditions {
    /// End after this time.
    pub(super) time: Option<Duration>,
    /// End after nothing was received, queued or in flight for this time.
    pub(super) idle: Option<Duration>,
    /// Count idle time only after this is cancelled: the source was read to its end.
    pub(super) all_read: Option<CancellationToken>,
    /// End when this is cancelled: the source of the events failed.
    pub(super) broke_off: Option<CancellationToken>,
}

/// Reloads the settings at each SIGHUP. The receiver was made before the settings were first loaded,
/// as an unhandled SIGHUP would end the program.
pub(super) struct Reloads {
    pub(super) reloader: Reloader,
    pub(super) hangups: mpsc::Receiver<Hangup>,
}

/// Runs until a signal or an end condition, then drains. Calls `each_second` with the latest snapshot.
pub(super) async fn run(
    pipeline: Pipeline,
    until: EndConditions,
    drain: Duration,
    reloads: Option<Reloads>,
    mut each_second: impl FnMut(&Snapshot),
) -> Summary {
    let started = Instant::now();
    wait(pipeline.handle(), &until, reloads, &mut each_second).await;
    service_manager::tell(ServiceState::Stopping);
    let ended = pipeline.end(drain, CancellationToken::new()).await;
    Summary::new(&ended, started.elapsed())
}

/// Waits until the run ends: by a signal, a failure, the closed terminal, or an end condition.
async fn wait(
    handle: &Handle,
    until: &EndConditions,
    reloads: Option<Reloads>,
    each_second: &mut impl FnMut(&Snapshot),
) {
    let signal = signals::first();
    let terminal_gone = reload_on_hangup(handle, reloads);
    tokio::pin!(terminal_gone);
    let mut snapshots = handle.snapshots();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.reset();
    let end = until.time.map(|time| tokio::time::Instant::now() + time);
    let mut idle = IdleTime::starting_now();
    loop {
        tokio::select! {
            () = signal.cancelled() => return,
            () = cancelled(until.broke_off.as_ref()) => return,
            () = handle.failed() => return,
            () = tokio::time::sleep_until(end.unwrap_or_else(tokio::time::Instant::now)), if end.is_some() => return,
            () = &mut terminal_gone => return,
            _ = second.tick() => each_second(&snapshots.borrow().clone()),
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = snapshots.borrow_and_update().clone();
                let all_read = until.all_read.as_ref().is_none_or(CancellationToken::is_cancelled);
                let quiet = idle.after(&now, all_read);
                if until.idle.is_some_and(|idle| quiet >= idle) {
                    return;
                }
            }
        }
    }
}

/// Reloads the settings at each SIGHUP, until the terminal was closed.
async fn reload_on_hangup(handle: &Handle, reloads: Option<Reloads>) {
    let (reloader, hangups) = match reloads {
        Some(Reloads { reloader, hangups }) => (Some(reloader), hangups),
        None => (None, signals::hangups()),
    };
    signals::reload_on_hangup(hangups, async || match &reloader {
        // The observer logs what was changed.
        Some(reloader) => {
            if let Err(error) = reloader.reload(handle).await {
                tracing::error!("{error}");
            }
        }
        None => tracing::info!("SIGHUP ignored: this command has no settings to reload"),
    })
    .await;
}

/// Measures for how long a pipeline was idle.
struct IdleTime {
    /// Events and malformed frames received so far.
    received: u64,
    since: Instant,
}

impl IdleTime {
    fn starting_now() -> Self {
        Self {
            received: 0,
            since: Instant::now(),
        }
    }

    /// Returns the idle time after a snapshot. Nothing counts as idle before the feed was connected,
    /// and before its source was read to the end (`all_read`).
    fn after(&mut self, now: &Snapshot, all_read: bool) -> Duration {
        let received = now.totals.received + now.totals.malformed;
        let is_busy =
            received != self.received || !is_settled(now) || now.feed.connects == 0 || !all_read;
        self.received = received;
        if is_busy {
            self.since = Instant::now();
        }
        self.since.elapsed()
    }
}

/// Waits until the token is cancelled, or forever without one.
async fn cancelled(token: Option<&CancellationToken>) {
    match token {
        Some(token) => token.cancelled().await,
        None => std::future::pending().await,
    }
}

/// Whether every event that was accepted to be sent has its outcome.
fn is_settled(snapshot: &Snapshot) -> bool {
    let totals = &snapshot.totals;
    let sent = totals.accepted - totals.dry_run;
    // Items of an earlier run count as delivered here, but were not accepted here: hence <=.
    snapshot.delivery.is_idle() && sent <= totals.delivered + totals.not_delivered()
}

/// Logs the state of the pipeline.
pub(super) fn log_status(snapshot: &Snapshot) {
    let totals = &snapshot.totals;
    tracing::info!(
        kind = "status",
        feed_state = match &snapshot.feed.state {
            FeedState::Live => "live",
            FeedState::Connecting => "connecting",
            FeedState::Down { .. } => "down",
        },
        received = totals.received,
        accepted = totals.accepted,
        delivered = totals.delivered,
        filtered = totals.filtered,
        rejected = totals.rejected,
        queued = snapshot.delivery.spool.items,
        dead_letters = snapshot.delivery.spool.dead_letters,
        p95_ms = snapshot.latency.p95_ms,
        "{}",
        status_line(snapshot)
    );
}

/// Returns the state of the pipeline in one line, for people.
pub(super) fn status_line(snapshot: &Snapshot) -> String {
    let t = &snapshot.totals;
    let feed = match &snapshot.feed.state {
        FeedState::Live => "live".to_owned(),
        FeedState::Connecting => "connecting".to_owned(),
        FeedState::Down { why, .. } => format!("down ({why})"),
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
