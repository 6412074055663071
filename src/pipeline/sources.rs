//! What the observer reads for each snapshot.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::delivery::spool::dead_letters::DeadLetterRow;
use crate::delivery::{DeliveryStatus, spool};
use crate::feed::FeedStatus;
use crate::filter::SharedGate;
use crate::jetstream::GroupState;
use crate::telemetry::ring::SharedRing;

use super::change_log::ChangeLog;
use super::ledger_feed::LedgerFeed;
use super::verification::sampler::Sampler;

/// State that the observer reads for each snapshot.
#[derive(Debug)]
pub struct Sources {
    /// The applied gate.
    pub gate: SharedGate,
    /// The changes that people made.
    pub(super) change_log: ChangeLog,
    /// The state of delivery.
    pub delivery: watch::Receiver<DeliveryStatus>,
    /// The state of the feed.
    pub feed: watch::Receiver<FeedStatus>,
    /// The ring of recent events, which the observer fills.
    pub ring: SharedRing,
    /// The state of the spool.
    pub spool: watch::Receiver<spool::writer::Published>,
    /// Chooses delivered events to be looked up at Customer.io; none without a key.
    pub(super) sampler: Option<Sampler>,
    /// Notices of the stages for the operator.
    pub notices: mpsc::UnboundedReceiver<String>,
    /// The numbers of events that were dropped with their partition of a shared stream.
    pub(super) handed_over: mpsc::UnboundedReceiver<Vec<u64>>,
    /// What the ledger is told.
    pub(super) ledger: LedgerFeed,
    /// The group that the forwarder belongs to.
    pub(super) group: Option<watch::Receiver<Arc<GroupState>>>,
    /// The dead letters of the group.
    pub(super) group_dead_letters: Option<watch::Receiver<Arc<Vec<DeadLetterRow>>>>,
}

impl Sources {
    /// The state of the spool, with the dead letters of the group, if the forwarder belongs to one.
    pub(super) fn published_spool(&self) -> spool::writer::Published {
        let mut published = self.spool.borrow().clone();
        if let Some(rows) = &self.group_dead_letters {
            published.dead_letters = rows.borrow().clone();
            let counts = published.dead_letters.iter().map(|row| row.count);
            published.status.dead_letters = counts.sum();
        }
        published
    }

    pub(super) fn group(&self) -> Option<Arc<GroupState>> {
        self.group.as_ref().map(|group| group.borrow().clone())
    }
}
