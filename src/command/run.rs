//! `run`: forwards without a screen.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use color_eyre::eyre::Result;

use crate::alerting::{AlertRule, AlertState};
use crate::cli::Run;
use crate::config::Needs;
use crate::config::{Screen, Settings};
use crate::service_manager::{self, ServiceState, Watchdog};
use crate::signals;

use super::alerts;
use super::already_running;
use super::config_source::ConfigSource;
use super::control;
use super::forwarder::start_configured;
use super::headless::{self, EndConditions, Reloads};
use super::output::log_to_stderr;
use super::problems;
use super::reload::Reloader;

/// Interval of the status lines in the log, in seconds.
const STATUS_INTERVAL: u64 = 10;

/// Maximum size of the recent events that are kept without a screen.
const RING_BYTES: usize = 1 << 20;
/// The same if alerts count the events that match a condition: those of a quarter of a second must fit.
const WATCHED_RING_BYTES: usize = 16 << 20;

pub(super) async fn run(args: Run, source: ConfigSource) -> Result<ExitCode> {
    log_to_stderr(args.log);
    let hangups = signals::hangups();
    let flags = args.settings.flags();
    let mut loaded = source.clone().load(&flags)?;
    problems::refuse(&loaded, Needs::BOTH)?;
    let with_screen = loaded.settings.clone();
    without_screen(&mut loaded.settings);
    let settings = &loaded.settings;
    tracing::info!(
        kind = "started",
        version = env!("BUILD_VERSION"),
        feed = %settings.feed.url,
        workspace = settings.workspace(),
        gate = settings.gate.name(),
        "forwarding"
    );
    let (mut pipeline, folder) = match start_configured(&mut loaded).await {
        Ok(started) => started,
        Err(error) => return already_running::offer(error, &with_screen).await,
    };
    let settings = &loaded.settings;
    let reloader = Reloader::new(source, flags, Arc::new(without_screen));
    control::serve(&mut pipeline, settings, &folder, reloader.clone()).await?;
    let reloads = Reloads { reloader, hangups };
    let until = EndConditions {
        time: args.duration,
        idle: args.exit_when_idle,
        ..EndConditions::default()
    };
    alerts::start(&mut pipeline, settings)?;
    service_manager::tell(ServiceState::Ready);
    let mut watchdog = Watchdog::from_environment();
    let (mut seconds, mut seen_ms) = (0, 0);
    let drain = settings.delivery.drain;
    let summary = headless::run(pipeline, until, drain, Some(reloads), |snapshot| {
        seconds += 1;
        // A pipeline that hangs publishes nothing.
        if snapshot.at_ms != seen_ms {
            seen_ms = snapshot.at_ms;
            watchdog.works(Instant::now());
        }
        if seconds == 1 || seconds % STATUS_INTERVAL == 0 {
            service_manager::describe(&headless::status_line(snapshot));
            headless::log_status(snapshot);
        }
    })
    .await;
    summary.say(args.format);
    Ok(summary.exit_code())
}

/// Resets the settings that only a screen uses, so that a reload doesn't report changes of them.
fn without_screen(settings: &mut Settings) {
    let is_watch = |alert: &AlertRule| alert.when == AlertState::Watch;
    let most = if settings.alerts.iter().any(is_watch) {
        WATCHED_RING_BYTES
    } else {
        RING_BYTES
    };
    settings.screen = Screen {
        // Recent events are still needed for the history of items in delivery.
        ring_bytes: settings.screen.ring_bytes.min(most),
        ..Screen::default()
    };
    settings.presets.clear();
    settings.keys.clear();
}
