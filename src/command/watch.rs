//! `watch`: the screen on the configured feed and workspace.

use std::process::ExitCode;

use color_eyre::eyre::Result;

use crate::cli::Watch;
use crate::config::Theme;
use crate::config::load::Needs;
use crate::tui::{self, Labels};

use super::{Place, refuse_problems, start};

pub(super) async fn run(args: Watch, place: Place) -> Result<ExitCode> {
    let mut loaded = place.load(&args.over.flags())?;
    refuse_problems(
        &loaded,
        Needs {
            feed: true,
            destination: true,
        },
    )?;
    let screen = &mut loaded.settings.screen;
    screen.ascii |= args.look.ascii;
    if args.look.light {
        screen.theme = Theme::Light;
    }
    let settings = &loaded.settings;
    let labels = Labels {
        workspace: settings.workspace(),
        destination: destination(settings),
        feed: settings.feed.url.clone(),
        save_to: loaded.path.clone(),
    };
    let pipeline = start(&loaded)?;
    let left = tui::run(pipeline, labels, &settings.screen, settings.delivery.drain).await?;
    if left > 0 {
        eprintln!(
            "sluicegate: {left} accepted events were still under way when the screen was left; they are not delivered"
        );
    }
    Ok(ExitCode::from(u8::from(left > 0)))
}

/// Where events go, for the header: `customer.io us · site 1a2b…`.
fn destination(settings: &crate::config::Settings) -> String {
    let own = &settings.customerio;
    let site = crate::config::mask(&own.site_id);
    let server = if own.base_url.is_empty() {
        let region = format!("{:?}", own.region).to_lowercase();
        format!("customer.io {region}")
    } else {
        own.base_url
            .split("://")
            .last()
            .unwrap_or_default()
            .to_owned()
    };
    format!("{server} · site {site}")
}
