//! `config init`, `config check` and `config show`.

use std::collections::HashMap;
use std::io::Write as _;
use std::process::ExitCode;

use color_eyre::eyre::{Result, WrapErr, bail, eyre};

use crate::cli::Config;
use crate::config::{DEFAULT_FILE, Origin, Settings, addresses, exists};
use crate::config::{Needs, flatten};
use crate::customerio::Client;
use crate::feed::WebSocketFeed;
use crate::owner_only;
use crate::relay::pass_through::PassThrough;

use super::config_source::ConfigSource;
use super::error_line::error_line;
use super::problems;
use crate::text::on_one_line;

pub(super) fn run(command: &Config, source: ConfigSource) -> Result<ExitCode> {
    match command {
        Config::Init { force } => init(&source, *force),
        Config::Check => check(source),
        Config::Show { changed } => show(source, *changed),
    }
}

fn init(source: &ConfigSource, force: bool) -> Result<ExitCode> {
    let path = source
        .path
        .as_ref()
        .ok_or_else(|| eyre!("there is no home folder; name a file with --config"))?;
    if exists(path) && !force {
        bail!("{} is there already; --force replaces it", path.display());
    }
    let failed = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        owner_only::create_folder(folder).wrap_err_with(failed)?;
    }
    // Keys are going to stand in it.
    let written = owner_only::create(path).and_then(|mut file| {
        file.write_all(DEFAULT_FILE.as_bytes())?;
        file.sync_all()
    });
    written.wrap_err_with(failed)?;
    say!("wrote {}", path.display());
    if let Some(says) = path.parent().and_then(owner_only::shared) {
        say!("note: {says}");
    }
    say!(
        "next: set feed.url, customerio.site_id and customerio.api_key, then sluicegate config check"
    );
    Ok(ExitCode::SUCCESS)
}

fn check(source: ConfigSource) -> Result<ExitCode> {
    let path = source.path.clone();
    let loaded = source.load(&[])?;
    let found = problems::of(&loaded, Needs::BOTH);
    for problem in &found {
        say!("{}", on_one_line(&problem.to_string()));
    }
    // What the settings alone don't show: files that hold something else, say.
    let unusable = found.is_empty().then(|| usable(&loaded.settings).err());
    let unusable = unusable.flatten();
    if let Some(error) = &unusable {
        say!("{}", error_line(error));
    }
    for note in notes(&loaded.settings) {
        say!("note: {note}");
    }
    let count = found.len() + usize::from(unusable.is_some());
    let file = path.filter(|path| exists(path));
    let read = file.map_or_else(
        || "no configuration file".to_owned(),
        |path| path.display().to_string(),
    );
    if count == 0 {
        say!("{read}: all is well");
    } else {
        say!("{read}: {count} to mend");
    }
    Ok(ExitCode::from(u8::from(count > 0)))
}

/// Sets up what `run` sets up, and connects to nothing.
fn usable(settings: &Settings) -> Result<()> {
    WebSocketFeed::new(settings.feed.clone())?;
    Client::new(settings.destination()?)?;
    if let Ok(url) = settings.relay.pass_to.url() {
        PassThrough::to(url.as_str())?;
    }
    Ok(())
}

/// What is right, and may surprise.
fn notes(settings: &Settings) -> Vec<String> {
    let mut notes = Vec::new();
    if addresses::has_credentials(&settings.feed) {
        notes.push(
            "feed.url: its user name and password are sent as Authorization: Basic".to_owned(),
        );
    }
    if let Ok(feed) = WebSocketFeed::new(settings.feed.clone())
        && let Some(proxy) = feed.proxy()
    {
        notes.push(format!("the feed goes through the proxy {proxy}"));
    }
    notes
}

fn show(source: ConfigSource, changed: bool) -> Result<ExitCode> {
    let loaded = source.load(&[])?;
    // A setting that says what is so anyway is not changed, wherever it stands.
    let defaults: HashMap<_, _> = flatten(&Settings::default()).into_iter().collect();
    let mut shown = 0;
    for (path, value) in flatten(&loaded.settings) {
        if changed && defaults.get(&path) == Some(&value) {
            continue;
        }
        let origin = loaded.origin(&path);
        // A table of the user's own has its origin in its keys.
        let inside = format!("{path}.");
        let origin = match loaded
            .origins
            .iter()
            .find(|(key, _)| key.starts_with(&inside))
        {
            Some((_, own)) if origin == Origin::Default => own.clone(),
            _ => origin,
        };
        say!("{:<50}  # {origin}", format!("{path} = {value}"));
        shown += 1;
    }
    if shown == 0 {
        say!("# every setting is as it is unless set");
    }
    Ok(ExitCode::SUCCESS)
}
