//! The lease of a partition, as its holder keeps it.

use std::time::Duration;

use tokio::time::timeout;

use crate::delivery::fence::Clocks;
use crate::feed::Origin;

use super::connection::Connection;
use super::error::{GroupError, InGroup as _, in_time};
use super::names;
use super::records::LeaseRecord;
use super::shared::Shared;

/// A partition to take, with its lease as it was seen.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) partition: u16,
    pub(super) holding: u32,
    pub(super) revision: u64,
    pub(super) record: LeaseRecord,
}

/// A lease that this process holds.
#[derive(Debug)]
pub(super) struct Lease {
    partition: u16,
    holding: u32,
    revision: u64,
    pub(super) record: LeaseRecord,
}

/// Why a partition is not held.
#[derive(Debug, thiserror::Error)]
pub(super) enum LeaseError {
    /// Another member was faster.
    #[error("another member has it")]
    Taken,
    /// It could not be renewed in time.
    #[error("its lease could not be renewed in time")]
    RanOut,
    /// A request failed.
    #[error(transparent)]
    Group(#[from] GroupError),
}

impl Lease {
    /// Takes a partition over.
    pub(super) async fn take(shared: &Shared, claim: Claim) -> Result<Self, LeaseError> {
        let Claim {
            partition,
            holding,
            revision,
            record,
        } = claim;
        let mut lease = Self {
            partition,
            holding,
            revision,
            record: LeaseRecord {
                owner: Some(shared.me.clone()),
                ..record
            },
        };
        let since = Clocks::now();
        lease.write(shared).await?;
        shared.fence.begin(partition, holding, since, term(shared));
        Ok(lease)
    }

    /// Renews it, and notes how far everything is settled. Returns whether it was written: a failed
    /// renewal is tried again with the next one, as long as there is time.
    pub(super) async fn renew(&mut self, shared: &Shared, floor: u64) -> Result<bool, LeaseError> {
        self.record.floor = self.record.floor.max(floor);
        let since = Clocks::now();
        let is_written = match self.write(shared).await {
            Ok(()) => true,
            Err(LeaseError::Group(error)) => {
                tracing::warn!("partition {}: {error}; it is tried again", self.partition);
                self.reread(shared).await?;
                false
            }
            Err(error) => return Err(error),
        };
        let goes_on = if is_written {
            let (partition, holding) = (self.partition, self.holding);
            shared.fence.extend(partition, holding, since, term(shared))
        } else {
            self.is_current(shared)
        };
        goes_on.then_some(is_written).ok_or(LeaseError::RanOut)
    }

    /// Enters the consumer of a generation. Returns whether it was written.
    pub(super) async fn enter_consumer(
        &mut self,
        shared: &Shared,
        (generation, name): (u64, String),
        floor: u64,
    ) -> Result<bool, LeaseError> {
        self.record.generation = generation;
        self.record.consumer = Some(name);
        self.renew(shared, floor).await
    }

    /// Gives it up.
    pub(super) async fn hand_over(
        &mut self,
        shared: &Shared,
        floor: u64,
    ) -> Result<(), LeaseError> {
        self.record.floor = self.record.floor.max(floor);
        self.record.owner = None;
        // Nothing is sent any more, whether this arrives or not.
        shared.fence.revoke(self.partition);
        self.write(shared).await
    }

    fn is_current(&self, shared: &Shared) -> bool {
        shared.fence.is_current(Origin {
            partition: self.partition,
            holding: self.holding,
            sequence: 0,
        })
    }

    async fn write(&mut self, shared: &Shared) -> Result<(), LeaseError> {
        let writing = self.put(&shared.connection);
        in_time(shared.patience(), "renew a lease", writing).await
    }

    async fn put(&mut self, connection: &Connection) -> Result<(), LeaseError> {
        let key = names::lease(self.partition);
        self.revision = connection.put(&key, &self.record, self.revision).await?;
        Ok(())
    }

    /// Reads it again after a write without an answer, which may have arrived.
    async fn reread(&mut self, shared: &Shared) -> Result<(), LeaseError> {
        let key = names::lease(self.partition);
        let reading = shared.connection.bucket.entry(key);
        let reading = timeout(shared.patience(), reading).await;
        let Ok(Ok(Some(entry))) = reading else {
            return Ok(());
        };
        let found: Option<LeaseRecord> = serde_json::from_slice(&entry.value).ok();
        if found.is_some_and(|found| found.owner.as_ref() == Some(&shared.me)) {
            self.revision = entry.revision;
            Ok(())
        } else {
            Err(LeaseError::Taken)
        }
    }
}

/// The time for which a holder may send from the beginning of a renewal on. Others take its partition
/// a whole term after they saw the renewal.
fn term(shared: &Shared) -> Duration {
    shared.term * 5 / 6
}

impl Connection {
    /// Writes a record whose last revision is known; 0 where there is none yet.
    pub(super) async fn put(
        &self,
        key: &str,
        record: &impl serde::Serialize,
        revision: u64,
    ) -> Result<u64, LeaseError> {
        use async_nats::jetstream::kv::{CreateErrorKind, UpdateErrorKind};
        let what = "write a record";
        let text = serde_json::to_vec(record).in_group(what)?.into();
        if revision == 0 {
            let created = self.bucket.create(key, text).await;
            return created.map_err(|error| match error.kind() {
                CreateErrorKind::AlreadyExists => LeaseError::Taken,
                _ => GroupError::failed(what, error).into(),
            });
        }
        let updated = self.bucket.update(key, text, revision).await;
        updated.map_err(|error| match error.kind() {
            UpdateErrorKind::WrongLastRevision => LeaseError::Taken,
            _ => GroupError::failed(what, error).into(),
        })
    }
}
