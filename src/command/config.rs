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
    let path = source.path.as_ref().ok_or_else(|| {
        eyre!("cannot find a home folder for the configuration; name a file with --config")
    })?;
    if exists(path) && !force {
        bail!(
            "{} exists already; add --force to replace it",
            path.display()
        );
    }
    let failed = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        owner_only::create_folder(folder).wrap_err_with(failed)?;
    }
    // Readable by the owner only: the operator is going to write keys into it.
    let written = owner_only::create(path).and_then(|mut file| {
        file.write_all(DEFAULT_FILE.as_bytes())?;
        file.sync_all()
    });
    written.wrap_err_with(failed)?;
    say!("wrote {}", path.display());
    if let Some(note) = path.parent().and_then(owner_only::shared) {
        say!("note: {note}");
    }
    say!(
        "next: set feed.url, customerio.site_id and customerio.api_key in it, then run sluicegate config check"
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
    // The settings alone don't show everything: a file may contain something else.
    let unusable = found
        .is_empty()
        .then(|| build_clients(&loaded.settings).err());
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
    match count {
        0 => say!("{read}: no problems"),
        1 => say!("{read}: 1 problem"),
        count => say!("{read}: {count} problems"),
    }
    Ok(ExitCode::from(u8::from(count > 0)))
}

/// Builds the clients that `run` and `relay` build, without connecting.
fn build_clients(settings: &Settings) -> Result<()> {
    WebSocketFeed::new(settings.feed.clone())?;
    Client::new(settings.destination()?)?;
    if let Ok(url) = settings.relay.pass_to.url() {
        PassThrough::to(url.as_str())?;
    }
    Ok(())
}

/// Returns notes on valid settings with an effect that may surprise.
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
    // A setting that is set to its default doesn't count as changed.
    let defaults: HashMap<_, _> = flatten(&Settings::default()).into_iter().collect();
    let mut shown = 0;
    for (path, value) in flatten(&loaded.settings) {
        if changed && defaults.get(&path) == Some(&value) {
            continue;
        }
        let origin = loaded.origin(&path);
        // A table with keys of the operator has the origin of its first key.
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
        say!("# every setting has its default");
    }
    Ok(ExitCode::SUCCESS)
}
