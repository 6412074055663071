//! Finds the forwarder that a command is about.

use std::path::Path;

use color_eyre::eyre::{Result, WrapErr as _, bail};
use secrecy::SecretString;

use crate::cli::CtlPlace;
use crate::control::client::{Client, Place};
use crate::control::socket;

use super::config_source::ConfigSource;
use super::relay_control;
use super::spool_location::spool_folder;

/// The variable with the token for `--at`.
const TOKEN_VARIABLE: &str = "SLUICEGATE_CONTROL_TOKEN";

/// A client of the forwarder that the flags name.
pub(super) fn client(place: CtlPlace, source: ConfigSource) -> Result<Client> {
    let CtlPlace {
        spool,
        at,
        token_file,
        ca_file,
    } = place;
    let place = match at {
        Some(url) => Place::Network {
            url,
            token: token(token_file.as_deref())?,
        },
        None => Place::Socket(socket::path(&spool_folder(spool, source)?)),
    };
    Ok(Client::new(place, ca_file.as_deref())?)
}

/// A client of the relay of this machine.
pub(super) fn relay_client(source: ConfigSource) -> Result<Client> {
    let settings = source.load(&[])?.settings;
    let Some(folder) = relay_control::folder(&settings.relay) else {
        bail!("cannot find a home folder, where a relay has its socket; set relay.folder");
    };
    let path = socket::path(&folder);
    if !path.exists() {
        bail!(
            "no relay listens on {}; start one, or name its folder in relay.folder",
            path.display()
        );
    }
    Ok(Client::new(Place::Socket(path), None)?)
}

/// The token in the file, or in the environment.
fn token(file: Option<&Path>) -> Result<Option<SecretString>> {
    let text = match file {
        Some(file) => std::fs::read_to_string(file)
            .wrap_err_with(|| format!("cannot read the token in {}", file.display()))?,
        None => std::env::var(TOKEN_VARIABLE).unwrap_or_default(),
    };
    let token = text.trim();
    Ok((!token.is_empty()).then(|| SecretString::from(token)))
}
