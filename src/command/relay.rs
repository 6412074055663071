//! `relay`: takes events over HTTP, and serves them as a feed.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr, bail};
use secrecy::SecretString;
use tokio::net::TcpListener;

use crate::cli;
use crate::config::state_folder;
use crate::feed::log::{Keep, Log};
use crate::feed::server;
use crate::limits::grouped;
use crate::relay::passing::Passing;
use crate::relay::{Options, Relay};

use super::signals;

/// So long are clients sent what is there, at the end.
const DRAIN: Duration = Duration::from_secs(5);

pub(super) async fn run(args: cli::Relay) -> Result<ExitCode> {
    let given = |name: &str| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        value.map(SecretString::from)
    };
    let secret = given("SLUICEGATE_RELAY_SECRET");
    let token = given("SLUICEGATE_RELAY_TOKEN");
    if !args.listen.ip().is_loopback() && (secret.is_none() || token.is_none()) {
        bail!(
            "{} can be reached from elsewhere: set SLUICEGATE_RELAY_SECRET for those who send events and SLUICEGATE_RELAY_TOKEN for those who read the feed, or listen on 127.0.0.1",
            args.listen
        );
    }
    let listener = TcpListener::bind(args.listen).await.wrap_err_with(|| {
        format!(
            "cannot listen on {}; choose another with --listen",
            args.listen
        )
    })?;
    let asks = match (&secret, &token) {
        (None, None) => "no secret and no token are asked for",
        (Some(_), None) => "senders are asked for the secret, readers for nothing",
        (None, Some(_)) => "readers are asked for the token, senders for nothing",
        (Some(_), Some(_)) => "senders are asked for the secret, readers for the token",
    };
    let options = Options {
        secret,
        token,
        pass_to: args.pass_to.as_deref().map(Passing::to).transpose()?,
        feed: server::Options {
            ring_bytes: args.ring_bytes,
            wait_for_client: false,
            wait_for_slow: false,
            patience: args.patience,
        },
    };
    let log = match args.retain {
        Some(age) => {
            let bytes = args.retain_bytes;
            let folder = args.folder.map_or_else(usual_folder, Ok)?;
            Some(Log::open(&folder, Keep { age, bytes })?)
        }
        None => None,
    };
    let relay = Relay::start(listener, options, log)?;
    say!(
        "relay at {}, serving {}; {asks}  (Ctrl-C ends)",
        relay.url(),
        relay.feed_url()
    );
    signals::first().cancelled().await;
    relay.end();
    let ending = async {
        while relay.counts().clients > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // Who has not taken it by then comes back to another relay.
    let _ = tokio::time::timeout(DRAIN, ending).await;
    let counts = relay.counts();
    say!(
        "{} events received, {} requests refused",
        grouped(counts.received),
        grouped(counts.refused)
    );
    Ok(ExitCode::SUCCESS)
}

/// Where messages are kept, unless the operator says.
fn usual_folder() -> Result<PathBuf> {
    let Some(state) = state_folder() else {
        bail!("there is no home folder to keep messages in; name one with --folder");
    };
    Ok(state.join("relay"))
}
