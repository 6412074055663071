//! `relay`: takes events over HTTP and serves them as a feed.

use std::io::{IsTerminal as _, stdin, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use axum_server::tls_rustls::RustlsConfig;
use color_eyre::eyre::{Result, bail};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::{self, Needs};
use crate::feed::log::{Log, Retention};
use crate::feed::server;
use crate::feed::usage::Usage;
use crate::jetstream::{self, Publisher, bridge};
use crate::relay::pass_through::PassThrough;
use crate::relay::throttle::RateLimits;
use crate::relay::webhook_mapping::WebhookMapping;
use crate::relay::{Options, Relay, RelayStatus};
use crate::service_manager::{self, ServiceState, Watchdog};
use crate::signals::{self, Hangup};
use crate::text::{duration, grouped};
use crate::tui::widget::text;
use crate::{cli, tui};

use super::certificate::CertificateFiles;
use super::config_source::ConfigSource;
use super::listener::listen;
use super::output::{log_to, log_to_stderr};
use super::relay_control::{self, RelayControl};
use super::{problems, publish};

/// Maximum time at the end for sending clients the rest.
const DRAIN: Duration = Duration::from_secs(5);
/// Interval of the status lines in the log.
const STATUS_INTERVAL: Duration = Duration::from_secs(10);

pub(super) async fn run(args: cli::Relay, source: ConfigSource) -> Result<ExitCode> {
    let has_screen = stdin().is_terminal() && stdout().is_terminal() && !args.headless;
    let lines = tui::relay::LogLines::default();
    if has_screen {
        log_to(lines.clone());
    } else {
        log_to_stderr(args.log);
    }
    let mut loaded = source.load(&args.flags())?;
    problems::refuse(&loaded, Needs::NEITHER)?;
    args.screen.apply(&mut loaded.settings.screen);
    let own = &loaded.settings.relay;
    refuse_open_access(own)?;
    let listener = listen(own.listen).await?;
    let files = certificate_files(own);
    let tls = files.load().await?;
    let publisher = group(&loaded.settings).await?;
    let mut options = options(own, tls.clone())?;
    // With a log, events are published from there, so that senders needn't wait for the servers.
    let has_log = !own.retain.is_zero();
    options.publisher = publisher.clone().filter(|_| !has_log);
    // Registered before the relay answers: whoever sees it answer may send a signal.
    let signal = (!has_screen).then(signals::first);
    let log = {
        let own = own.clone();
        // Reads all stored messages.
        tokio::task::spawn_blocking(move || log(&own)).await??
    };
    let relay = Relay::start(listener, options, log)?;
    if let Some(publisher) = publisher.filter(|_| has_log) {
        publish_log(&relay, own, publisher)?;
    }
    let control = RelayControl::serve(&relay, &loaded.settings).await?;
    let asks = required_credentials(own);
    warn_of_plain_http(own);
    // Registered before the relay is announced.
    let reloading = reload_certificate(files, tls, signals::hangups());
    if let Some(signal) = signal {
        say!(
            "relay at {}, serving {}; {asks}  (press Ctrl-C to end)",
            relay.url(),
            relay.feed_url()
        );
        headless(&relay, &signal, reloading).await;
    } else {
        let opening = tui::relay::Opening {
            relay: relay.clone(),
            lines,
            asks,
            look: loaded.settings.screen.clone(),
        };
        tui::relay::run(opening, reloading).await?;
    }
    drain(&relay).await;
    control.end().await;
    Ok(report(&relay))
}

fn warn_of_plain_http(own: &config::Relay) {
    if !own.listen.ip().is_loopback() && own.tls_cert_file.is_empty() {
        tracing::warn!(
            "secret and token are sent over plain HTTP unless a proxy in front of this relay speaks TLS; to speak TLS here, set --tls-cert and --tls-key"
        );
    }
}

/// The group that the relay publishes to, if it is set up.
async fn group(settings: &config::Settings) -> Result<Option<Publisher>> {
    if settings.relay.to.is_empty() {
        return Ok(None);
    }
    let publisher = publish::publisher(&settings.nats, &settings.relay.to).await?;
    Ok(Some(publisher))
}

/// Publishes the messages of the log to a group in the background, in order.
fn publish_log(relay: &Relay, own: &config::Relay, publisher: Publisher) -> Result<()> {
    let feed = publish::own_feed(&relay.feed_url(), &own.token)?;
    let source = format!("{}-{}", jetstream::host_name(), own.listen);
    tokio::spawn(async move {
        let never = CancellationToken::new();
        if let Err(error) = bridge(feed, &publisher, Some(&source), never).await {
            tracing::error!(
                "events are no longer published to the group, and stay in the log: {error}"
            );
        }
    });
    Ok(())
}

/// Stops taking events, and waits until the clients have received the rest.
async fn drain(relay: &Relay) {
    service_manager::tell(ServiceState::Stopping);
    relay.end();
    let ending = async {
        while relay.counts().clients > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // A client that is slower gets the rest from another relay.
    let _ = tokio::time::timeout(DRAIN, ending).await;
    relay.log_suppressed();
}

/// Prints the counts. Returns 1 if messages in the log were lost, else 0.
fn report(relay: &Relay) -> ExitCode {
    let counts = relay.counts();
    say!(
        "{} events received, {} requests refused",
        grouped(counts.received),
        grouped(counts.refused)
    );
    match relay.status().log {
        Some(log) if log.damage.is_loss() => {
            say!("{}", log.damage.description.unwrap_or_default());
            ExitCode::from(1)
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Returns which credentials senders and readers need.
fn required_credentials(own: &config::Relay) -> &'static str {
    match (own.secret.expose_secret(), own.token.expose_secret()) {
        ("", "") => "senders need no secret, readers no token",
        (_, "") => "senders need the secret, readers nothing",
        ("", _) => "readers need the token, senders nothing",
        _ => "senders need the secret, readers the token",
    }
}

/// Refuses an address that others can reach without a secret and a token.
fn refuse_open_access(own: &config::Relay) -> Result<()> {
    let is_open = |secret: &SecretString| secret.expose_secret().is_empty();
    if !own.listen.ip().is_loopback() && (is_open(&own.secret) || is_open(&own.token)) {
        bail!(
            "other machines can reach {}: set relay.secret (SLUICEGATE_RELAY_SECRET) for those who send events and relay.token (SLUICEGATE_RELAY_TOKEN) for those who read the feed, or listen on 127.0.0.1",
            own.listen
        );
    }
    Ok(())
}

fn options(own: &config::Relay, tls: Option<RustlsConfig>) -> Result<Options> {
    let set = |secret: &SecretString| {
        let is_set = !secret.expose_secret().is_empty();
        is_set.then(|| secret.clone())
    };
    let passing = match own.pass_to.url() {
        Ok(url) => Some(PassThrough::to(url.as_str())?),
        // Empty: an invalid address was refused before.
        Err(_) => None,
    };
    Ok(Options {
        secret: set(&own.secret),
        token: set(&own.token),
        tls,
        webhook: WebhookMapping::new(&own.webhook)?,
        limits: RateLimits {
            all: own.events_per_second,
            each: own.device_events_per_second,
        },
        pass_to: passing,
        publisher: None,
        feed: server::Options {
            ring_bytes: own.ring_bytes,
            wait_for_client: false,
            wait_for_slow: false,
            patience: own.patience,
        },
    })
}

/// Opens the log if messages are kept on disk.
fn log(own: &config::Relay) -> Result<Option<Log>> {
    if own.retain.is_zero() {
        return Ok(None);
    }
    let Some(folder) = relay_control::folder(own) else {
        bail!("cannot find a home folder to keep messages in; name a folder with --folder");
    };
    let keep = Retention {
        age: own.retain,
        bytes: own.retain_bytes,
    };
    Ok(Some(Log::open(&folder, keep)?))
}

/// The files of its certificate.
fn certificate_files(own: &config::Relay) -> CertificateFiles {
    CertificateFiles {
        cert: own.tls_cert_file.clone(),
        key: own.tls_key_file.clone(),
    }
}

/// Reloads the certificate at each SIGHUP; open connections keep theirs. Returns when the terminal
/// was closed.
async fn reload_certificate(
    files: CertificateFiles,
    tls: Option<RustlsConfig>,
    hangups: mpsc::Receiver<Hangup>,
) {
    signals::reload_on_hangup(hangups, async || {
        let Some(tls) = &tls else {
            tracing::info!(
                "SIGHUP ignored: a relay reloads only its TLS certificate, and none is set; restart it to apply other settings"
            );
            return;
        };
        service_manager::tell(ServiceState::Reloading);
        match files.reload(tls).await {
            Ok(()) => tracing::info!("{} was read again", files.cert),
            Err(error) => tracing::error!("{}: {error}; the old one stays", files.unusable()),
        }
        service_manager::tell(ServiceState::Ready);
    })
    .await;
}

/// Logs the status until a signal, or until the terminal was closed.
async fn headless(relay: &Relay, signal: &CancellationToken, hung_up: impl Future<Output = ()>) {
    service_manager::tell(ServiceState::Ready);
    let mut watchdog = Watchdog::from_environment();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut every = tokio::time::interval(STATUS_INTERVAL);
    every.reset();
    let mut before = relay.status();
    tokio::pin!(hung_up);
    loop {
        tokio::select! {
            () = signal.cancelled() => return,
            () = &mut hung_up => return,
            _ = second.tick() => watchdog.works(Instant::now()),
            _ = every.tick() => {
                let now = relay.status();
                let line = status_line(&before, &now);
                service_manager::describe(&line);
                tracing::info!("{line}");
                before = now;
            }
        }
    }
}

/// Returns the state of the relay in one line, for the log.
fn status_line(before: &RelayStatus, now: &RelayStatus) -> String {
    let seconds = (now.at_ms - before.at_ms).max(1) as f64 / 1_000.0;
    let rate = text::rate((now.received - before.received) as f64 / seconds);
    let slowest = now.clients.iter().map(|client| client.lag_ms).max();
    let lag = slowest.map_or_else(String::new, |ms| {
        format!(", the last {} behind", duration(ms))
    });
    let size = |usage: Usage| text::bytes(usage.bytes as usize);
    let log = now.log.as_ref().map_or_else(String::new, |log| {
        let fault = log.fault.as_ref().map(|why| format!(" ({why})"));
        let lost = log.damage.summary().map(|lost| format!(" ({lost})"));
        let [fault, lost] = [fault, lost].map(Option::unwrap_or_default);
        format!("  log {}{fault}{lost}", size(log.usage))
    });
    format!(
        "received {} ({rate})  refused {}  clients {}{lag}  ring {}{log}",
        grouped(now.received),
        grouped(now.refused),
        now.clients.len(),
        size(now.ring),
    )
}
