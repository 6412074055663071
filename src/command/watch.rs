//! `watch`: the screen on the configured feed and workspace.

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
use crate::tui::action::ReloadReport;
use crate::tui::input::keymap::Keymap;
use crate::tui::{
    Labels, Opening, memory, {self},
};

use super::config_source::ConfigSource;
use super::forwarder::start;
use super::problems;
use super::reload::Reloader;

pub(super) async fn run(args: Watch, source: ConfigSource) -> Result<ExitCode> {
    if !(stdin().is_terminal() && stdout().is_terminal()) {
        bail!(
            "watch needs a terminal for its screen and keys, and standard input or output is none; `sluicegate run` does the same without a screen"
        );
    }
    let flags = args.settings.flags();
    let mut loaded = source.clone().load(&flags)?;
    problems::refuse(&loaded, Needs::BOTH)?;
    let flags_of_screen = args.screen;
    let adjust = move |settings: &mut Settings| flags_of_screen.apply(&mut settings.screen);
    adjust(&mut loaded.settings);
    let folder = loaded.settings.spool_folder()?;
    let pipeline = start(&loaded, &folder)?;
    let reloader = Reloader::new(source, flags, Arc::new(adjust));
    let handle = pipeline.handle().clone();
    let reload: tui::Reload = Box::new(move || {
        let (reloader, handle) = (reloader.clone(), handle.clone());
        Box::pin(async move {
            let (done, settings) = reloader.reload(&handle).await?;
            Ok(ReloadReport {
                notice: done.to_string(),
                presets: settings.presets,
            })
        })
    });
    let feed = loaded.settings.feed.url.to_string();
    show(pipeline, &loaded, &folder, feed, Some(reload)).await
}

/// Shows a pipeline, whose spool is in `folder`, until the operator leaves; `feed` is what the
/// feed is called. What is left then is told.
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
        // What is wrong with them was refused above.
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
            "sluicegate: {left} accepted items are in the spool {}; they go out when the gate is open at the next start",
            folder.display()
        );
    }
    if unwritten > 0 {
        complain!(
            "sluicegate: {unwritten} items could not be written to the spool; the feed was not told that they are safe"
        );
    }
    let is_fault = left + unwritten > 0 || failure.is_some();
    Ok(ExitCode::from(u8::from(is_fault)))
}

/// The server that requests go to, as far as the settings say.
fn server(settings: &crate::config::Settings) -> String {
    let own = &settings.customerio;
    match (own.base_url.is_empty(), own.region) {
        (true, Region::Auto) => String::new(),
        (true, region) => region.url().to_owned(),
        (false, _) => own.base_url.to_string(),
    }
}

/// Where events go, for the header: `customer.io us · site 1a2b…`.
fn destination(settings: &crate::config::Settings) -> String {
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
