//! `run`: forward without a screen.

use std::process::ExitCode;

use color_eyre::eyre::Result;

use crate::cli::Run;
use crate::config::load::Needs;

use super::headless::{self, Until};
use super::reload::Reloader;
use super::{Place, log_to_stderr, refuse_problems, start};

/// A line on how it stands goes into the log this often, in seconds.
const STATUS_EVERY: u64 = 10;

/// Without a screen so much of the recent events is kept.
const UNSEEN_RING_BYTES: usize = 1 << 20;

pub(super) async fn run(args: Run, place: Place) -> Result<ExitCode> {
    log_to_stderr(args.log);
    let flags = args.over.flags();
    let mut loaded = place.clone().load(&flags)?;
    refuse_problems(&loaded, Needs::BOTH)?;
    // Nobody looks at the recent events; what they are needed for is the story of one under way.
    loaded.settings.screen.ring_bytes = loaded.settings.screen.ring_bytes.min(UNSEEN_RING_BYTES);
    let settings = &loaded.settings;
    tracing::info!(
        feed = %settings.feed.url,
        workspace = settings.workspace(),
        gate = ?settings.gate,
        "forwarding"
    );
    let pipeline = start(&loaded, &settings.spool_folder()?)?;
    let reloader = Reloader::new(place, flags);
    let until = Until {
        time: args.duration,
        idle: args.exit_when_idle,
        ..Until::default()
    };
    let mut seconds = 0;
    let drain = settings.delivery.drain;
    let summary = headless::run(pipeline, until, drain, Some(reloader), |snapshot| {
        seconds += 1;
        if seconds % STATUS_EVERY == 0 {
            tracing::info!("{}", headless::status_line(snapshot));
        }
    })
    .await;
    summary.say(args.format);
    Ok(summary.exit_code())
}
