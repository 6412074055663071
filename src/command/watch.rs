//! `watch`: opens the screen on the configured feed and workspace.

use std::io::{IsTerminal as _, stdin, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use color_eyre::eyre::{Report, Result, bail};

use crate::cli::{Format, Watch};
use crate::config::Needs;
use crate::config::{self, Loaded, Settings};
use crate::customerio::client::Region;
use crate::pipeline::{Pipeline, ShutdownReport};
use crate::tui::action::ReloadOutcome;
use crate::tui::input::keymap::Keymap;
use crate::tui::{self, Labels, Opening, memory};

use super::alerts;
use super::already_running;
use super::config_source::ConfigSource;
use super::control;
use super::forwarder::start_configured;
use super::problems::{self, Problems};
use super::reload::Reloader;
use super::summary::Summary;
use super::working_folder::working_folder;

pub(super) async fn run(args: Watch, source: ConfigSource) -> Result<ExitCode> {
    if !(stdin().is_terminal() && stdout().is_terminal()) {
        bail!(
            "watch needs a terminal, and standard input or output is not one; `sluicegate run` forwards without a screen"
        );
    }
    let flags = args.settings.flags();
    let mut loaded = source.clone().load(&flags)?;
    if let Err(problems) = problems::refuse(&loaded, Needs::BOTH) {
        return Err(with_first_steps(problems, &loaded));
    }
    let screen_flags = args.screen;
    let adjust = move |settings: &mut Settings| screen_flags.apply(&mut settings.screen);
    adjust(&mut loaded.settings);
    let (mut pipeline, folder) = match start_configured(&mut loaded).await {
        Ok(started) => started,
        Err(error) => return already_running::offer(error, &loaded.settings).await,
    };
    let reloader = Reloader::new(source, flags, Arc::new(adjust));
    control::serve(&mut pipeline, &loaded.settings, &folder, reloader.clone()).await?;
    alerts::start(&mut pipeline, &loaded.settings)?;
    let handle = pipeline.handle().clone();
    let reload: tui::Reload = Box::new(move || {
        let (reloader, handle) = (reloader.clone(), handle.clone());
        Box::pin(async move {
            let (report, presets) = reloader.reload(&handle).await?;
            Ok(ReloadOutcome {
                notice: report.to_string(),
                presets,
            })
        })
    });
    let feed = loaded.settings.feed.url.to_string();
    show(pipeline, &loaded, &folder, feed, Some(reload)).await
}

/// Shows a pipeline until the operator leaves, then reports what is left in its spool in `folder`.
/// `feed` is the name of the feed on screen.
pub(super) async fn show(
    pipeline: Pipeline,
    loaded: &Loaded,
    folder: &Path,
    feed: String,
    reload: Option<tui::Reload>,
) -> Result<ExitCode> {
    let settings = &loaded.settings;
    let labels = Labels {
        workspace: settings.workspace(),
        destination: destination(settings),
        feed,
        save_to: loaded.path.clone(),
        folder: working_folder(),
        tour: None,
        server: server(settings),
    };
    let opening = Opening {
        labels,
        look: settings.screen.clone(),
        // Invalid keys were refused before.
        keymap: Keymap::with(&settings.keys).unwrap_or_default(),
        presets: settings.presets.clone(),
        drain: settings.delivery.drain,
        reload,
        memory: memory::path_for(&settings.workspace()),
    };
    let started = Instant::now();
    let ended = tui::run(pipeline, opening).await?;
    if let Some(ended) = &ended {
        say_summary(&settings.workspace(), ended, started.elapsed());
    }
    let failure = ended.as_ref().and_then(|ended| ended.failure.clone());
    let (left, unwritten) = ended.map_or((0, 0), |ended| (ended.left, ended.unwritten));
    if let Some(why) = &failure {
        complain!("sluicegate: {why}");
    }
    if left > 0 {
        complain!(
            "sluicegate: {left} accepted items are still in the spool {}; start again with the gate open to send them",
            folder.display()
        );
    }
    if unwritten > 0 {
        complain!(
            "sluicegate: {unwritten} items could not be written to the spool, and were not acknowledged to the feed; check the disk"
        );
    }
    let is_fault = left + unwritten > 0 || failure.is_some();
    Ok(ExitCode::from(u8::from(is_fault)))
}

/// Adds what to do to the problems, if no feed is set up yet.
fn with_first_steps(problems: Report, loaded: &Loaded) -> Report {
    if !loaded.settings.feed.url.is_empty() {
        return problems;
    }
    match problems.downcast::<Problems>() {
        Ok(mut problems) => {
            let file = loaded.path.as_deref().filter(|path| config::exists(path));
            problems.next = first_steps(file);
            problems.into()
        }
        Err(other) => other,
    }
}

/// Returns the way to a first feed, below an empty line.
fn first_steps(file: Option<&Path>) -> String {
    let file = match file {
        Some(path) => format!("edit {}", path.display()),
        None => "sluicegate config init     writes a file for these settings, with comments".into(),
    };
    format!(
        "

To watch a feed of your own:
  {file}
  sluicegate config check    names what is still missing
  sluicegate watch --gate dry-run    decides every event, and sends nothing
No feed yet:
  sluicegate relay                   makes one of Amplitude's webhooks, or of an SDK's events
  sluicegate replay export.zip       makes one of an export; sluicegate sandbox takes the events
  sluicegate demo                    shows the screen with made-up events"
    )
}

/// Prints what happened while the screen was open.
pub(super) fn say_summary(workspace: &str, ended: &ShutdownReport, took: Duration) {
    say!("{workspace}, from start to quit:");
    Summary::new(ended, took).say(Format::Text);
}

/// Returns the URL of the destination, or nothing if Customer.io is still to be asked for the region.
fn server(settings: &Settings) -> String {
    let own = &settings.customerio;
    match (own.base_url.is_empty(), own.region) {
        (true, Region::Auto) => String::new(),
        (true, region) => region.url().to_owned(),
        (false, _) => own.base_url.to_string(),
    }
}

/// Returns the destination for the header: `customer.io us · site 1a2b…`.
fn destination(settings: &Settings) -> String {
    let own = &settings.customerio;
    let site = crate::setting_form::mask(&own.site_id);
    let server = if own.base_url.is_empty() {
        let region = format!("{:?}", own.region).to_lowercase();
        format!("customer.io {region}")
    } else {
        own.base_url.place().to_owned()
    };
    format!("{server} · site {site}")
}
