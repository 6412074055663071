//! `run`: forward without a screen.

use std::process::ExitCode;
use std::sync::Arc;

use color_eyre::eyre::Result;

use crate::cli::Run;
use crate::config::Needs;
use crate::config::{Screen, Settings};
use crate::signals;

use super::config_source::ConfigSource;
use super::forwarder::start;
use super::headless::{self, Reloads, Until};
use super::output::log_to_stderr;
use super::problems;
use super::reload::Reloader;

/// A line on how it stands goes into the log this often, in seconds.
const STATUS_EVERY: u64 = 10;

/// Without a screen so much of the recent events is kept.
const UNSEEN_RING_BYTES: usize = 1 << 20;

pub(super) async fn run(args: Run, source: ConfigSource) -> Result<ExitCode> {
    log_to_stderr(args.log);
    let hangups = signals::hangups();
    let flags = args.settings.flags();
    let mut loaded = source.clone().load(&flags)?;
    problems::refuse(&loaded, Needs::BOTH)?;
    without_screen(&mut loaded.settings);
    let settings = &loaded.settings;
    tracing::info!(
        feed = %settings.feed.url,
        workspace = settings.workspace(),
        gate = ?settings.gate,
        "forwarding"
    );
    let pipeline = start(&loaded, &settings.spool_folder()?)?;
    let reloads = Reloads {
        reloader: Reloader::new(source, flags, Arc::new(without_screen)),
        hangups,
    };
    let until = Until {
        time: args.duration,
        idle: args.exit_when_idle,
        ..Until::default()
    };
    let mut seconds = 0;
    let drain = settings.delivery.drain;
    let summary = headless::run(pipeline, until, drain, Some(reloads), |snapshot| {
        seconds += 1;
        if seconds % STATUS_EVERY == 0 {
            tracing::info!("{}", headless::status_line(snapshot));
        }
    })
    .await;
    summary.say(args.format);
    Ok(summary.exit_code())
}

/// Leaves out what only a screen uses, so that a change of it is none here.
fn without_screen(settings: &mut Settings) {
    settings.screen = Screen {
        // Nobody looks at the recent events; what they are needed for is the story of one under way.
        ring_bytes: settings.screen.ring_bytes.min(UNSEEN_RING_BYTES),
        ..Screen::default()
    };
    settings.presets.clear();
    settings.keys.clear();
}
