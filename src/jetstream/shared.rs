//! What all sessions of a member share.

use std::sync::Arc;
use std::time::Duration;

use crate::delivery::fence::Fence;
use crate::delivery::spool::writer::SpoolHandle;
use crate::feed::FeedChannel;

use super::connection::Connection;

/// What all sessions of a member share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) connection: Connection,
    pub(super) channel: Arc<FeedChannel>,
    pub(super) fence: Fence,
    /// The items of the partitions.
    pub(super) items: SpoolHandle,
    pub(super) me: String,
    pub(super) term: Duration,
}

impl Shared {
    /// Maximum time for an answer: several of them fit into the term of a lease.
    pub(super) fn patience(&self) -> Duration {
        self.term / 3
    }
}
