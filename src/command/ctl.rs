//! `ctl`: watches and steers a running forwarder, from scripts.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use color_eyre::eyre::{Result, WrapErr as _, bail};
use reqwest::Method;
use serde_json::{Value, json};

use crate::amplitude::time;
use crate::cli::{Ctl, CtlRequest, FiltersRequest, Format};
use crate::control::AboutAnswer;
use crate::control::client::{Client, ClientError};
use crate::filter::{Filters, Mode};
use crate::protocol::{ChangeRecord, Snapshot, VersionedFilters};
use crate::text::grouped;

use super::config_source::ConfigSource;
use super::control_place::{client, relay_client};
use super::headless::status_line;
use super::output::{self, printable};

pub(super) async fn run(args: Ctl, source: ConfigSource) -> Result<ExitCode> {
    let client = if args.relay {
        relay_client(source)?
    } else {
        client(args.place, source)?
    };
    match Box::pin(request(&client, args.request)).await {
        Ok(code) => Ok(code),
        // It was reached, and refused: scripts tell that from one that isn't there.
        Err(error) => match error.downcast_ref::<ClientError>() {
            Some(
                error @ (ClientError::Refused { .. }
                | ClientError::Conflict(_)
                | ClientError::Version(_)),
            ) => {
                complain!("sluicegate: {error}");
                Ok(ExitCode::from(1))
            }
            _ => Err(error),
        },
    }
}

async fn request(client: &Client, request: CtlRequest) -> Result<ExitCode> {
    let versions = client.versions().await?;
    versions
        .check_api(&client.place())
        .map_err(ClientError::from)?;
    match request {
        CtlRequest::Status { format } => status(client, format).await?,
        CtlRequest::Gate { mode, yes } => return gate(client, mode, yes).await,
        CtlRequest::Filters(request) => filters(client, request).await?,
        CtlRequest::Tail {
            condition,
            recent,
            end,
            limit,
        } => tail(client, &query(&condition, recent, end), limit).await?,
        CtlRequest::Changes { format } => changes(client, format).await?,
        CtlRequest::Resume => change(client, Method::POST, "/v1/resume", &Value::Null).await?,
        CtlRequest::Reload => change(client, Method::POST, "/v1/reload", &Value::Null).await?,
        CtlRequest::Drain { yes } => {
            let question = format!("end the forwarder at {}?", client.place());
            if !yes && !is_sure(&question)? {
                return Ok(ExitCode::from(1));
            }
            change(client, Method::POST, "/v1/drain", &Value::Null).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn status(client: &Client, format: Format) -> Result<()> {
    match format {
        Format::Json => output::json(&client.get::<Value>("/v1/status").await?),
        Format::Text => {
            let about: Value = client.get("/v1/about").await?;
            if about["relay"].is_object() {
                return relay_status(client, &about["relay"]).await;
            }
            let snapshot: Snapshot = client.get("/v1/status").await?;
            let mode = snapshot.mode.map_or("starting", Mode::name);
            let text = |name: &str| {
                let text = about["forwarder"][name].as_str().unwrap_or_default();
                printable(text)
            };
            say!("workspace {}  gate {mode}", text("workspace"));
            say!("feed {}  destination {}", text("feed"), text("destination"));
            say!("{}", status_line(&snapshot));
        }
    }
    Ok(())
}

/// Shows the state of a relay.
async fn relay_status(client: &Client, about: &Value) -> Result<()> {
    let status: Value = client.get("/v1/status").await?;
    let text = |name: &str| printable(about[name].as_str().unwrap_or_default());
    let count = |name: &str| grouped(status[name].as_u64().unwrap_or_default());
    let clients = status["clients"].as_array().map_or(0, Vec::len);
    say!("relay {}  feed {}", text("url"), text("feed"));
    say!(
        "received {}  refused {}  clients {clients}",
        count("received"),
        count("refused")
    );
    if let Some(fault) = status["log"]["fault"].as_str() {
        say!("log: {}", printable(fault));
    }
    Ok(())
}

async fn gate(client: &Client, mode: Mode, yes: bool) -> Result<ExitCode> {
    let about: Value = client.get("/v1/about").await?;
    let workspace = printable(about["forwarder"]["workspace"].as_str().unwrap_or_default());
    let effect = match mode {
        Mode::Open => "accepted events are sent",
        Mode::Shut => "new events are dropped",
        Mode::DryRun => "nothing is sent",
    };
    let question = format!("{workspace}: gate {}: {effect}?", mode.name());
    if !yes && !is_sure(&question)? {
        return Ok(ExitCode::from(1));
    }
    change(client, Method::PUT, "/v1/gate", &json!({ "mode": mode })).await?;
    say!("{workspace}: gate {}: {effect}", mode.name());
    Ok(ExitCode::SUCCESS)
}

async fn filters(client: &Client, request: FiltersRequest) -> Result<()> {
    match request {
        FiltersRequest::Show { format } => match format {
            Format::Json => output::json(&client.get::<Value>("/v1/filters").await?),
            Format::Text => {
                let found: VersionedFilters = client.get("/v1/filters").await?;
                say!("# version {} of the filters", found.version);
                say_as_is!("{}", toml::to_string(&*found.filters)?);
            }
        },
        FiltersRequest::Apply { file, base } => {
            let filters = read_filters(&file)?;
            let body = json!({ "base": base, "filters": filters });
            change(client, Method::PUT, "/v1/filters", &body).await?;
        }
        FiltersRequest::Undo => {
            change(client, Method::POST, "/v1/filters/undo", &json!({})).await?;
        }
    }
    Ok(())
}

/// Reads filters: TOML as in the configuration, or JSON as `filters show --format json` writes it.
fn read_filters(file: &Path) -> Result<Filters> {
    let shown = file.display();
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        text
    } else {
        std::fs::read_to_string(file).wrap_err_with(|| format!("cannot read {shown}"))?
    };
    if !text.trim_start().starts_with('{') {
        return toml::from_str(&text).wrap_err_with(|| format!("{shown} has no filters"));
    }
    let versioned: Result<VersionedFilters, _> = serde_json::from_str(&text);
    match versioned {
        Ok(versioned) => Ok(Arc::unwrap_or_clone(versioned.filters)),
        Err(_) => serde_json::from_str(&text).wrap_err_with(|| format!("{shown} has no filters")),
    }
}

/// The path and query of the events.
fn query(condition: &str, recent: bool, end: bool) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("where", condition);
    query.append_pair("recent", &recent.to_string());
    query.append_pair("end", &end.to_string());
    format!("/v1/events?{}", query.finish())
}

async fn tail(client: &Client, path: &str, limit: Option<u64>) -> Result<()> {
    let mut left = limit.unwrap_or(u64::MAX);
    if left == 0 {
        return Ok(());
    }
    let about: AboutAnswer = client.get("/v1/about").await?;
    if about.people_masked {
        complain!(
            "people are masked: control.privacy of the forwarder hides them from viewers, and conditions see only what is shown"
        );
    }
    let mut out = std::io::stdout();
    let following = client.follow(path, |line| {
        // JSON has no control characters; a pipe that was closed ends it.
        let is_written = out.write_all(line).and_then(|()| out.write_all(b"\n"));
        let is_flushed = is_written.and_then(|()| out.flush());
        left -= 1;
        left > 0 && is_flushed.is_ok()
    });
    Ok(following.await?)
}

async fn changes(client: &Client, format: Format) -> Result<()> {
    let all: Vec<ChangeRecord> = client.get("/v1/changes").await?;
    if format == Format::Json {
        output::json(&all);
        return Ok(());
    }
    for change in &all {
        let (name, from) = (&change.author.name, &change.author.from);
        say!(
            "{}  {}  ({})  {}",
            time::to_rfc3339(change.at_ms),
            printable(name),
            printable(from),
            printable(&change.what)
        );
    }
    if all.is_empty() {
        say!("nothing was changed in this run");
    }
    Ok(())
}

/// Asks for a change, and tells what the forwarder says of it.
async fn change(client: &Client, method: Method, path: &str, body: &Value) -> Result<()> {
    let answer: Value = client.change(method, path, body).await?;
    let message = answer["message"].as_str().unwrap_or_default();
    if !message.is_empty() {
        say!("{}", printable(message));
    }
    Ok(())
}

/// Asks on the terminal.
fn is_sure(question: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("there is no terminal to ask on: add --yes");
    }
    say_as_is!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
