//! Serves the control API of a forwarder.

use std::path::Path;
use std::sync::Arc;

use color_eyre::eyre::Result;

use super::certificate::CertificateFiles;
use super::reload::Reloader;
use crate::config::{self, Settings};
use crate::control::{About, Access, Api, Reload, Role, Server, Token};
use crate::pipeline::{Handle, Pipeline};

/// Serves the control API of a pipeline whose spool is in `folder`, as long as it runs. Without a
/// socket it still forwards; an address that can't be used is an error.
pub(super) async fn serve(
    pipeline: &mut Pipeline,
    settings: &Settings,
    folder: &Path,
    reloader: Reloader,
) -> Result<()> {
    let own = &settings.control;
    if !own.socket && own.listen.is_empty() {
        return Ok(());
    }
    let about = About::this(
        settings.workspace(),
        settings.destination_name(),
        settings.feed.url.to_string(),
    );
    let handle = pipeline.handle().clone();
    let reload = reload(reloader, handle.clone());
    let mut server = Server::new(Api::new(handle, access(own), about, Some(reload)));
    if own.socket
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
    pipeline.run_beside("the control API", server.run());
    Ok(())
}

fn access(own: &config::Control) -> Access {
    let operators = own.operators.iter().map(|it| (it, Role::Operator));
    let viewers = own.viewers.iter().map(|it| (it, Role::Viewer));
    let all = operators.chain(viewers);
    let tokens = all.map(|((name, secret), role)| Token {
        name: name.clone(),
        role,
        secret: secret.clone(),
    });
    Access::new(tokens.collect())
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
