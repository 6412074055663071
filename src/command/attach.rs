//! `attach`: opens the screen on a forwarder that runs already.

use std::io::{IsTerminal as _, stdin, stdout};
use std::process::ExitCode;
use std::time::Duration;

use color_eyre::eyre::{Result, bail};

use crate::cli::Attach;
use crate::config::Settings;
use crate::control::client::{Client, Place};
use crate::control::mirror::{Mirror, Transfer};
use crate::control::remote::Remote;
use crate::control::{AboutAnswer, Role, socket};
use crate::tui::action::ReloadOutcome;
use crate::tui::input::keymap::Keymap;
use crate::tui::{self, Labels, Opening, memory};

use super::config_source::ConfigSource;
use super::control_place::client;
use super::spool_location::spool_folder;
use super::ssh_bridge::{self, SshBridge};
use super::working_folder::working_folder;

/// Maximum bytes a second from another machine: below 40 kB/s with what HTTP and TLS add.
const BYTES_PER_SECOND: u32 = 37_000;

pub(super) async fn run(mut args: Attach, source: ConfigSource) -> Result<ExitCode> {
    if args.pipe {
        let folder = spool_folder(args.place.spool, source)?;
        ssh_bridge::pipe(&socket::path(&folder)).await?;
        return Ok(ExitCode::SUCCESS);
    }
    if !(stdin().is_terminal() && stdout().is_terminal()) {
        bail!(
            "attach needs a terminal, and standard input or output is not one; `sluicegate ctl` is for scripts"
        );
    }
    if let Some(address) = args.forwarder.take() {
        args.place.at = Some(url(address));
    }
    let is_far = args.place.at.is_some() || args.ssh.is_some();
    let transfer = Transfer {
        summaries: args.lite,
        bytes_per_second: is_far.then_some(BYTES_PER_SECOND),
    };
    let mut settings = source.clone().load(&[])?.settings;
    args.screen.apply(&mut settings.screen);
    // It lives as long as the screen.
    let bridge = match &args.ssh {
        Some(host) => Some(SshBridge::open(host, args.place.spool.folder.as_deref())?),
        None => None,
    };
    let client = match &bridge {
        Some(bridge) => Client::new(Place::Socket(bridge.socket()), None)?,
        None => client(args.place, source)?,
    };
    show(client, &settings, transfer).await
}

/// The URL of an address, which is one by itself or `host:port`.
fn url(address: String) -> String {
    if address.contains("://") {
        address
    } else {
        format!("https://{address}")
    }
}

/// Opens the screen on the forwarder of `client`, with the look, keys and presets of these settings.
pub(super) async fn show(
    client: Client,
    settings: &Settings,
    transfer: Transfer,
) -> Result<ExitCode> {
    client.versions().await?.check_screen(&client.place())?;
    let about: AboutAnswer = client.get("/v1/about").await?;
    let (mirror, ends) = Mirror::new(client.clone(), settings.screen.ring_bytes, transfer);
    let remote = Remote::connect(client.clone(), ends).await?;
    let following = tokio::spawn(mirror.run());
    let forwarder = about.forwarder;
    let (place, feed) = (client.place(), &forwarder.feed);
    let feed = match about.role {
        Role::Operator => format!("{feed} (attached to {place})"),
        Role::Viewer => format!("viewer at {place}: {feed}"),
    };
    let labels = Labels {
        workspace: forwarder.workspace.clone(),
        destination: forwarder.destination,
        feed,
        save_to: None,
        folder: working_folder(),
        tour: None,
        server: String::new(),
    };
    let presets = settings.presets.clone();
    let reload = reload(remote.clone(), settings.clone());
    let opening = Opening {
        labels,
        look: settings.screen.clone(),
        keymap: Keymap::with(&settings.keys).unwrap_or_default(),
        presets,
        drain: Duration::ZERO,
        reload: Some(reload),
        memory: memory::path_for(&forwarder.workspace),
    };
    let closed = tui::attach(remote, opening).await;
    following.abort();
    closed?;
    Ok(ExitCode::SUCCESS)
}

/// Reloads the configuration of the forwarder. The presets stay those of this machine.
fn reload(remote: Remote, settings: Settings) -> tui::Reload {
    Box::new(move || {
        let (remote, presets) = (remote.clone(), settings.presets.clone());
        Box::pin(async move {
            let notice = remote.reload().await.map_err(|error| error.to_string())?;
            Ok(ReloadOutcome { notice, presets })
        })
    })
}
