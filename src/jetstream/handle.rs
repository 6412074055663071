//! What a pipeline knows and says of the group that it belongs to.

#[cfg(unix)]
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
#[cfg(unix)]
use std::time::Duration;

use tokio::sync::watch;

use super::connection::Connection;
use super::dead_letters::GroupDeadLetters;
use super::error::GroupError;
use super::records::{GroupState, MemberFigures, SharedFilters};
use super::shared_filters::{Applied, FilterChange};

/// Delay before connections of screens are taken again after a failure.
#[cfg(unix)]
const AGAIN: Duration = Duration::from_secs(1);

/// A handle of a member. Clones belong to the same member.
#[derive(Debug, Clone)]
pub struct GroupHandle {
    pub(super) connection: Connection,
    pub(super) me: String,
    pub(super) filters: watch::Receiver<Option<FilterChange>>,
    pub(super) figures: Arc<Mutex<MemberFigures>>,
    pub(super) applied: watch::Sender<Applied>,
    pub(super) view: watch::Receiver<GroupView>,
    pub(super) state: watch::Receiver<Arc<GroupState>>,
    pub(super) dead_letters: GroupDeadLetters,
    pub(super) ledger_key: String,
}

/// What a member sees of its group.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GroupView {
    /// The partitions that it holds.
    pub held: u16,
    /// All partitions.
    pub partitions: u16,
    /// The lowest rate that another member has learned from refusals, for the whole workspace, in
    /// requests a second.
    pub learned_rate: Option<f64>,
}

impl GroupHandle {
    /// The member's name.
    pub fn name(&self) -> &str {
        &self.me
    }

    /// The key of the hashes in the members' ledgers: 32 hexadecimal digits.
    pub fn ledger_key(&self) -> &str {
        &self.ledger_key
    }

    /// The connection to the group.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Connects screens that come through the group's servers with the control socket at `path`, until
    /// the task is aborted.
    #[cfg(unix)]
    pub async fn serve_screens(self, path: PathBuf) {
        loop {
            let taking = self.connection.take_tunnels(&self.me, |tunnel| {
                let path = path.clone();
                tokio::spawn(async move {
                    let connected = tokio::net::UnixStream::connect(path).await;
                    let carried = async { tunnel.carry(connected?).await }.await;
                    if let Err(error) = carried {
                        tracing::debug!("a screen's connection through NATS: {error}");
                    }
                });
            });
            match taking.await {
                Ok(()) => return,
                Err(error) => tracing::debug!("{error}; it is tried again"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// The group's dead letters.
    pub fn dead_letters(&self) -> &GroupDeadLetters {
        &self.dead_letters
    }

    /// The group with its members, as this member sees it.
    pub fn state(&self) -> watch::Receiver<Arc<GroupState>> {
        self.state.clone()
    }

    /// The newest filters of the group, as they change.
    pub fn filters(&self) -> watch::Receiver<Option<FilterChange>> {
        self.filters.clone()
    }

    /// Replaces the group's filters if they still have the revision that this member applies. It applies
    /// the new ones from now on.
    pub async fn set_filters(&self, new: &SharedFilters) -> Result<(), GroupError> {
        let base = self.applied_revision();
        let revision = self.connection.set_filters(base, new).await?;
        self.applies(revision, new.version);
        Ok(())
    }

    /// Takes note of the filters that the member applies.
    pub fn applies(&self, revision: u64, version: u64) {
        self.applied.send_replace(Applied {
            revision,
            version,
            error: None,
        });
    }

    /// Takes note of why the member does not apply the newest filters.
    pub fn does_not_apply(&self, why: String) {
        self.applied
            .send_modify(|applied| applied.error = Some(why));
    }

    /// The revision of the filters that the member applies.
    pub fn applied_revision(&self) -> u64 {
        self.applied.borrow().revision
    }

    /// Their version, without changes of the mode.
    pub fn applied_version(&self) -> u64 {
        self.applied.borrow().version
    }

    /// What the member sees of the group now.
    pub fn view(&self) -> GroupView {
        *self.view.borrow()
    }

    /// Shows the group the member's figures.
    pub fn report(&self, figures: MemberFigures) {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner) = figures;
    }
}
