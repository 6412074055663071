//! `attach`: opens the screen on a forwarder that runs already.

use std::io::{IsTerminal as _, stdin, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use color_eyre::eyre::{Result, bail};

use crate::cli::Attach;
use crate::config::Settings;
use crate::control::client::{Client, Place};
use crate::control::group::GroupMirror;
use crate::control::mirror::{Mirror, Transfer};
use crate::control::remote::Remote;
use crate::control::{AboutAnswer, Role, socket};
use crate::jetstream::{Connection, Location};
use crate::network::Address;
use crate::tui::action::ReloadOutcome;
use crate::tui::input::keymap::Keymap;
use crate::tui::{self, Labels, Opening, memory};

use super::config_source::ConfigSource;
use super::control_place::client;
use super::nats;
use super::spool_location::spool_folder;
use super::ssh_bridge::{self, SshBridge};
use super::working_folder::working_folder;

/// Maximum bytes a second from another machine: below 40 kB/s with what HTTP and TLS add.
const BYTES_PER_SECOND: u32 = 37_000;
/// Maximum time until a member of a group answers.
const FIRST_MEMBER: Duration = Duration::from_secs(10);

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
        let address = Address::new(&address);
        if Location::is_meant(&address) {
            return group(args, &address, source).await;
        }
        args.place.at = Some(url(address.expose().to_owned()));
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
    attach_to(client, &settings, transfer).await
}

/// Opens the screen on all members of a group.
async fn group(args: Attach, address: &Address, source: ConfigSource) -> Result<ExitCode> {
    if args.lite {
        bail!(
            "a screen over a group shows whole events: leave --lite out, or attach to one member"
        );
    }
    let location = nats::location_at(address)?;
    let mut settings = source.load(&[])?.settings;
    args.screen.apply(&mut settings.screen);
    let connection = Connection::open(&settings.nats, &location).await?;
    let place = connection.shown().to_owned();
    let (state, following_members) = connection.follow_members();
    let (mirror, ends, members) = GroupMirror::new(connection, state, settings.screen.ring_bytes);
    let following = tokio::spawn(async {
        tokio::join!(following_members, mirror.run());
    });
    let started = Instant::now();
    let remote = loop {
        match Remote::connect_group(members.clone(), ends.clone()).await {
            Ok(remote) => break remote,
            Err(_) if started.elapsed() < FIRST_MEMBER => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => return Err(error.into()),
        }
    };
    let about = remote.about().await?;
    let feed = format!("all members of {place}");
    show(remote, about, feed, &settings).await?;
    following.abort();
    Ok(ExitCode::SUCCESS)
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
pub(super) async fn attach_to(
    client: Client,
    settings: &Settings,
    transfer: Transfer,
) -> Result<ExitCode> {
    client.versions().await?.check_screen(&client.place())?;
    let (mirror, ends) = Mirror::new(client.clone(), settings.screen.ring_bytes, transfer);
    let remote = Remote::connect(client.clone(), ends).await?;
    let following = tokio::spawn(mirror.run());
    let about = remote.about().await?;
    let (place, feed) = (client.place(), &about.forwarder.feed);
    let feed = match about.role {
        Role::Operator => format!("{feed} (attached to {place})"),
        Role::Viewer => format!("viewer at {place}: {feed}"),
    };
    show(remote, about, feed, settings).await?;
    following.abort();
    Ok(ExitCode::SUCCESS)
}

/// Shows the screen until it is left. `feed` is what it says of the feed.
async fn show(remote: Remote, about: AboutAnswer, feed: String, settings: &Settings) -> Result<()> {
    let forwarder = about.forwarder;
    let labels = Labels {
        workspace: forwarder.workspace.clone(),
        destination: forwarder.destination,
        feed,
        save_to: None,
        folder: working_folder(),
        tour: None,
        server: String::new(),
    };
    let opening = Opening {
        labels,
        look: settings.screen.clone(),
        keymap: Keymap::with(&settings.keys).unwrap_or_default(),
        presets: settings.presets.clone(),
        drain: Duration::ZERO,
        reload: Some(reload(remote.clone(), settings.clone())),
        memory: memory::path_for(&forwarder.workspace),
    };
    tui::attach(remote, opening).await?;
    Ok(())
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
