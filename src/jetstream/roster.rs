//! The members that have shown themselves, for the pipeline of one of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::lease_table::LeaseTable;
use super::names;
use super::records::{GroupState, MemberRecord};
use super::shared::Shared;

/// What the members have written last, this one too, with the revision.
pub(super) struct Roster {
    members: BTreeMap<String, (MemberRecord, u64)>,
    state: watch::Sender<Arc<GroupState>>,
}

impl Roster {
    pub(super) fn new(state: watch::Sender<Arc<GroupState>>) -> Self {
        Self {
            members: BTreeMap::new(),
            state,
        }
    }

    /// Takes note of what a member has written.
    pub(super) fn saw(&mut self, name: &str, record: MemberRecord, revision: u64) {
        self.members.insert(name.to_owned(), (record, revision));
    }

    /// Takes note of a member that has left.
    pub(super) fn left(&mut self, name: &str) {
        self.members.remove(name);
    }

    /// Shows the pipeline which members are there, and removes the entries of those that have gone
    /// without a word.
    pub(super) fn show(&mut self, table: &LeaseTable, shared: &Shared) {
        let (me, bucket) = (&shared.me, &shared.connection.bucket);
        self.members.retain(|name, (_, revision)| {
            let is_there = name == me || table.is_there(name);
            if !is_there {
                // Others try the same, and one that works again has written a newer revision.
                let (bucket, key, revision) = (bucket.clone(), names::member(name), *revision);
                tokio::spawn(async move {
                    let removed = bucket.delete_expect_revision(key, Some(revision)).await;
                    if let Err(error) = removed {
                        tracing::debug!("NATS: a member's entry stays: {error}");
                    }
                });
            }
            is_there
        });
        let state = GroupState {
            place: shared.connection.shown().to_owned(),
            me: Some(me.clone()),
            partitions: shared.connection.partitions,
            members: self.members.values().map(|(it, _)| it.clone()).collect(),
        };
        self.state.send_if_modified(|known| {
            let is_new = **known != state;
            if is_new {
                *known = Arc::new(state);
            }
            is_new
        });
    }
}
