//! Serves the control API of a relay.

use std::path::{Path, PathBuf};

use color_eyre::eyre::Result;
use tokio::task::JoinHandle;

use crate::config::{self, Settings, state_folder};
use crate::control::{RelayApi, Server};
use crate::relay::Relay;

use super::control::{access, listen};

/// The listeners of a relay's control API.
pub(super) struct RelayControl(Option<JoinHandle<()>>);

impl RelayControl {
    /// Serves the control API of a relay until [`Self::end`]. Without a socket the relay still works; an
    /// address that can't be used is an error.
    pub(super) async fn serve(relay: &Relay, settings: &Settings) -> Result<Self> {
        let own = &settings.control;
        let folder = folder(&settings.relay);
        let api = RelayApi::new(relay.clone(), access(own));
        let server = Server::new(api.doors());
        let server = listen(server, own, folder.as_deref()).await?;
        Ok(Self(server.map(|server| tokio::spawn(server.run()))))
    }

    /// Ends it, and removes its socket.
    pub(super) async fn end(self) {
        if let Some(serving) = self.0 {
            serving.abort();
            // It was aborted.
            let _ = serving.await;
        }
    }
}

/// The folder of a relay: that of its log and its socket. None without a home folder.
pub(super) fn folder(own: &config::Relay) -> Option<PathBuf> {
    match own.folder.as_str() {
        "" => Some(state_folder()?.join("relay")),
        named => Some(Path::new(named).to_owned()),
    }
}
