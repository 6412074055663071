//! The forwarder that a screen works on.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::sync::Arc;

use tokio::sync::watch;

use crate::control::client::ClientError;
use crate::control::remote::Remote;
use crate::customerio::Mapping;
use crate::customerio::app::{Look, Question};
use crate::delivery::spool::dead_letters::{DeadLetter, DeadLetterSelection};
use crate::filter::preview::Batching;
use crate::pipeline::{Handle, SteerError};
use crate::protocol::{Author, Command, Snapshot, VersionedFilters};
use crate::telemetry::ring::SharedRing;
use crate::tui::action::{Action, CommandFailure, CommandKind};
use crate::tui::session::QuerySettings;

/// The forwarder that a screen works on.
#[derive(Debug, Clone)]
pub enum Forwarder {
    /// The pipeline of this process.
    Here(Handle),
    /// One in another process.
    Remote(Remote),
}

impl Forwarder {
    /// The recent events.
    pub(crate) fn ring(&self) -> &SharedRing {
        match self {
            Self::Here(handle) => handle.ring(),
            Self::Remote(remote) => remote.ring(),
        }
    }

    /// The state, as it changes.
    pub(crate) fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        match self {
            Self::Here(handle) => handle.snapshots(),
            Self::Remote(remote) => remote.snapshots(),
        }
    }

    /// Waits until the pipeline of this process has failed. Another one is waited for.
    pub(crate) async fn failed(self) {
        match self {
            Self::Here(handle) => handle.failed().await,
            Self::Remote(_) => std::future::pending().await,
        }
    }

    /// The filters in force with their version.
    pub(crate) fn versioned_filters(&self) -> VersionedFilters {
        match self {
            Self::Here(handle) => handle.versioned_filters(),
            Self::Remote(remote) => remote.versioned_filters(),
        }
    }

    /// The mapping of events to requests.
    pub(crate) fn mapping(&self) -> Mapping {
        match self {
            Self::Here(handle) => handle.judge_rules().mapping.clone(),
            Self::Remote(remote) => remote.settings().mapping,
        }
    }

    /// The settings of queries, as the forwarder has them now.
    pub(crate) fn query_settings(&self) -> QuerySettings {
        let batching = match self {
            Self::Here(handle) => {
                let settings = handle.settings();
                Batching {
                    age: settings.delivery.batch_age,
                    bytes: settings.delivery.batch_bytes,
                }
            }
            Self::Remote(remote) => remote.settings().batching,
        };
        QuerySettings {
            mapping: self.mapping(),
            batching,
        }
    }

    /// Carries out a command in the name of whoever is at the screen. Returns its result.
    pub(crate) async fn carry_out(&self, command: Command) -> Action {
        let kind = CommandKind::of(&command);
        let applied = match self {
            Self::Here(handle) => {
                let author = Author::here(Author::SCREEN);
                let steered = handle.steer(author, command).await;
                steered.map_err(|error| match error {
                    SteerError::Conflict(conflict) => CommandFailure::Conflict(conflict),
                    other => CommandFailure::Other(other.to_string()),
                })
            }
            Self::Remote(remote) => {
                let applied = remote.apply(command).await;
                applied.map_err(|error| match error {
                    ClientError::Conflict(conflict) => CommandFailure::Conflict(conflict),
                    other => CommandFailure::Other(other.to_string()),
                })
            }
        };
        Action::Applied(kind, applied)
    }

    /// Asks Customer.io. The forwarder has the key.
    pub(crate) async fn ask_customerio(&self, question: &Question) -> Result<Look, String> {
        match self {
            Self::Here(handle) => {
                let look = handle.ask_customerio(question).await;
                look.map_err(|error| error.to_string())
            }
            Self::Remote(remote) => {
                let look = remote.ask_customerio(question).await;
                look.map_err(|error| error.to_string())
            }
        }
    }

    /// The newest of the selected dead letters.
    pub(crate) async fn dead_letters(
        &self,
        which: DeadLetterSelection,
        most: u64,
    ) -> Result<Vec<DeadLetter>, String> {
        match self {
            Self::Here(handle) => {
                let found = handle.dead_letters(which, most).await;
                found.map_err(|error| error.to_string())
            }
            Self::Remote(remote) => {
                let found = remote.dead_letters(&which, most).await;
                found.map_err(|error| error.to_string())
            }
        }
    }

    /// Writes the selected dead letters to `file`, a line each. Returns their number.
    pub(crate) async fn export_dead_letters(
        &self,
        which: DeadLetterSelection,
        file: File,
    ) -> Result<u64, String> {
        let mut file = BufWriter::new(file);
        match self {
            Self::Here(handle) => {
                let exported = handle.export_dead_letters(which, file).await;
                let (count, _) = exported.map_err(|error| error.to_string())?;
                Ok(count)
            }
            Self::Remote(remote) => {
                let count = remote.export(&which, &mut file).await?;
                file.flush().map_err(|error| error.to_string())?;
                Ok(count)
            }
        }
    }
}
