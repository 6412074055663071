//! Serves the control API of a forwarder, and listens for that of a relay.

use std::path::Path;
use std::sync::Arc;

use color_eyre::eyre::Result;

use super::certificate::CertificateFiles;
use super::reload::Reloader;
use crate::config::{self, Settings};
#[cfg(unix)]
use crate::control::socket;
use crate::control::{About, Access, Api, Reload, Role, Server, Token};
use crate::pipeline::{Handle, Pipeline};

/// Serves the control API of a pipeline whose spool is in `folder`, as long as it runs. Without a socket it
/// still forwards.
pub(super) async fn serve(
    pipeline: &mut Pipeline,
    settings: &Settings,
    folder: &Path,
    reloader: Reloader,
) -> Result<()> {
    let own = &settings.control;
    let about = About::this(
        settings.workspace(),
        settings.destination_name(),
        settings.feed.url.to_string(),
    );
    let handle = pipeline.handle().clone();
    let reload = reload(reloader, handle.clone());
    let api = Api::new(handle, access(own), about, Some(reload));
    let server = listen(Server::new(api.doors()), own, Some(folder)).await?;
    if let Some(server) = server {
        pipeline.run_beside("the control API", server.run());
    }
    #[cfg(unix)]
    if own.socket
        && let Some(group) = pipeline.handle().group().cloned()
    {
        let serving = group.serve_screens(socket::path(folder));
        pipeline.run_beside("the group's screens", serving);
    }
    Ok(())
}

/// Listens where the settings say: on the socket of `folder`, and on the network. None if that is
/// nowhere. A socket that can't be made is logged; an address that can't be used is an error.
pub(super) async fn listen(
    mut server: Server,
    own: &config::Control,
    folder: Option<&Path>,
) -> Result<Option<Server>> {
    if !own.socket && own.listen.is_empty() {
        return Ok(None);
    }
    if own.socket
        && let Some(folder) = folder
        && let Err(error) = server.listen_on_socket(folder)
    {
        tracing::warn!("{error}");
    }
    // An invalid address was refused before.
    if let Ok(address) = own.listen.parse() {
        let files = CertificateFiles {
            cert: own.tls_cert_file.clone(),
            key: own.tls_key_file.clone(),
        };
        let tls = files.load().await?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let bound = server.listen_on_network(address, tls).await?;
        tracing::info!("the control API is at {scheme}://{bound}");
    }
    Ok(Some(server))
}

/// The tokens of the settings.
pub(super) fn access(own: &config::Control) -> Access {
    let operators = own.operators.iter().map(|it| (it, Role::Operator));
    let viewers = own.viewers.iter().map(|it| (it, Role::Viewer));
    let all = operators.chain(viewers);
    let tokens = all.map(|((name, secret), role)| Token {
        name: name.clone(),
        role,
        secret: secret.clone(),
    });
    let access = Access::new(tokens.collect());
    if own.privacy {
        access.masking_people()
    } else {
        access
    }
}

fn reload(reloader: Reloader, handle: Handle) -> Reload {
    let parts = Arc::new((reloader, handle));
    Box::new(move || {
        let parts = parts.clone();
        Box::pin(async move {
            let (reloader, handle) = &*parts;
            let (report, _) = reloader.reload(handle).await?;
            Ok(report.to_string())
        })
    })
}
