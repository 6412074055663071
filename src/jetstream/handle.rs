//! What a pipeline knows and says of the group that it belongs to.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::connection::Connection;
use super::error::GroupError;
use super::records::{MemberFigures, SharedFilters};
use super::shared_filters::{Applied, FilterChange};

/// A handle of a member. Clones belong to the same member.
#[derive(Debug, Clone)]
pub struct GroupHandle {
    pub(super) connection: Connection,
    pub(super) me: String,
    pub(super) filters: watch::Receiver<Option<FilterChange>>,
    pub(super) figures: Arc<Mutex<MemberFigures>>,
    pub(super) applied: watch::Sender<Applied>,
    pub(super) view: watch::Receiver<GroupView>,
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

    /// The connection to the group.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The newest filters of the group, as they change.
    pub fn filters(&self) -> watch::Receiver<Option<FilterChange>> {
        self.filters.clone()
    }

    /// Replaces the group's filters if they still have the revision that this member applies. Returns
    /// the new revision, which the member applies from now on.
    pub async fn set_filters(&self, new: &SharedFilters) -> Result<u64, GroupError> {
        let base = self.applied.borrow().revision;
        let revision = self.connection.set_filters(base, new).await?;
        self.applies(revision, None);
        Ok(revision)
    }

    /// Takes note of the filters that the member applies, or why it can't.
    pub fn applies(&self, revision: u64, error: Option<String>) {
        self.applied.send_replace(Applied { revision, error });
    }

    /// The revision of the filters that the member applies.
    pub fn applied_revision(&self) -> u64 {
        self.applied.borrow().revision
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
