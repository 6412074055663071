//! `watch`: opens the screen on the configured feed and workspace.

use std::io::{IsTerminal as _, stdin, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use color_eyre::eyre::{Result, bail};

use crate::cli::Watch;
use crate::config::Needs;
use crate::config::{Loaded, Settings};
use crate::customerio::client::Region;
use crate::pipeline::Pipeline;
use crate::tui::action::ReloadOutcome;
use crate::tui::input::keymap::Keymap;
use crate::tui::{self, Labels, Opening, memory};

use super::config_source::ConfigSource;
use super::control;
use super::forwarder::start;
use super::problems;
use super::reload::Reloader;

pub(super) async fn run(args: Watch, source: ConfigSource) -> Result<ExitCode> {
    if !(stdin().is_terminal() && stdout().is_terminal()) {
        bail!(
            "watch needs a terminal, and standard input or output is not one; `sluicegate run` forwards without a screen"
        );
    }
    let flags = args.settings.flags();
    let mut loaded = source.clone().load(&flags)?;
    problems::refuse(&loaded, Needs::BOTH)?;
    let screen_flags = args.screen;
    let adjust = move |settings: &mut Settings| screen_flags.apply(&mut settings.screen);
    adjust(&mut loaded.settings);
    let folder = loaded.settings.spool_folder()?;
    let mut pipeline = start(&loaded, &folder)?;
    let reloader = Reloader::new(source, flags, Arc::new(adjust));
    control::serve(&mut pipeline, &loaded.settings, &folder, reloader.clone()).await?;
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
    let ended = tui::run(pipeline, opening).await?;
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
