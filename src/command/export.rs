//! Downloads hours of Amplitude's export, for `backfill` and `audit`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use color_eyre::eyre::{Result, bail};
use secrecy::SecretString;

use crate::amplitude::export::{Download, Hour, HourResult, Project};
use crate::amplitude::time;
use crate::cli::ExportServer;
use crate::config;
use crate::network::Address;
use crate::tui::widget::text;

use super::progress::ProgressBar;

/// Pause before the download of an hour is attempted again.
const PAUSE: Duration = Duration::from_secs(2);

/// The hours to download.
pub(super) struct Export<'a> {
    pub(super) start: Hour,
    pub(super) end: Hour,
    pub(super) server: &'a ExportServer,
    /// The folder.
    pub(super) to: &'a Path,
}

/// The hours of an export.
pub(super) struct Downloaded {
    /// The files of all hours with events.
    pub(super) files: Vec<PathBuf>,
    /// What was downloaded, as a sentence.
    pub(super) summary: String,
}

/// Downloads the missing hours.
pub(super) async fn download(args: &Export<'_>) -> Result<Downloaded> {
    let (start, end) = (args.start, args.end);
    let hours = start.upto(end);
    if hours.len() == 0 {
        bail!(
            "--end {} is before --start {}; exchange them",
            end.name(),
            start.name()
        );
    }
    let whole = Hour::last_complete(time::now());
    if end > whole {
        complain!(
            "sluicegate: exports are complete after up to two hours: hours after {} may be incomplete, and are downloaded again the next time",
            whole.name()
        );
    }
    let project = Project {
        server: match &args.server.server {
            Some(server) => export_server(server)?,
            None => args.server.region.server().to_owned(),
        },
        api_key: key("AMPLITUDE_API_KEY")?,
        secret_key: key("AMPLITUDE_SECRET_KEY")?,
    };
    let download = Download::new(project, args.to, PAUSE)?;
    let bar = ProgressBar::new();
    let (all, mut with, mut without, mut bytes) = (hours.len(), 0, 0, 0);
    for (done, hour) in hours.clone().enumerate() {
        bar.draw(done, all, &format!("hours, {}", hour.name()));
        let got = download.get(hour).await;
        if got.is_err() {
            bar.end();
        }
        match got? {
            HourResult::Downloaded(size) => {
                with += 1;
                bytes += size;
            }
            HourResult::Empty => without += 1,
            HourResult::Present => {}
        }
    }
    bar.draw(all, all, "hours");
    bar.end();
    let already = all - with - without;
    let size = text::bytes(bytes as usize);
    let files = hours.map(|hour| download.path(hour));
    Ok(Downloaded {
        files: files.filter(|file| file.exists()).collect(),
        summary: format!(
            "{all} hours: {with} downloaded ({size}), {without} without events, {already} downloaded before"
        ),
    })
}

/// Returns a key of the project, from the environment.
fn key(name: &str) -> Result<SecretString> {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(SecretString::from(value)),
        _ => bail!(
            "{name} is not set: copy it from Amplitude, Settings, Projects, the keys of the project"
        ),
    }
}

/// Returns the URL of the server in `--server`.
fn export_server(text: &str) -> Result<String> {
    let address = Address::new(text);
    match (config::addresses::export_server(&address), address.url()) {
        (Ok(()), Ok(url)) => Ok(url.to_string()),
        (Err(wrong), _) => bail!("--server: {wrong}"),
        (Ok(()), Err(error)) => bail!("--server: {address} {error}"),
    }
}
