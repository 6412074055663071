//! The members of a group, as somebody sees them who is none of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::kv::{Entry, Operation};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::bucket_watch::BucketWatch;
use super::connection::Connection;
use super::names;
use super::records::{GroupState, MemberRecord};

/// Interval at which members that no longer show themselves are looked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Maximum time without a word of a member, if there is one.
const SILENCE: Duration = Duration::from_secs(10);
/// Minimum time after which a silent member counts as gone.
const LEAST_TERM: Duration = Duration::from_secs(3);

/// The members that have shown themselves, and when that was.
struct Members {
    connection: Connection,
    seen: BTreeMap<String, (MemberRecord, Instant)>,
    state: watch::Sender<Arc<GroupState>>,
}

impl Connection {
    /// Follows the members of the group until the task of the future is aborted. The state is that of a
    /// screen over all.
    pub fn follow_members(
        &self,
    ) -> (
        watch::Receiver<Arc<GroupState>>,
        impl Future<Output = ()> + use<>,
    ) {
        let (state, received) = watch::channel(Arc::default());
        let members = Members {
            connection: self.clone(),
            seen: BTreeMap::new(),
            state,
        };
        members.publish();
        (received, members.run())
    }
}

impl Members {
    async fn run(mut self) {
        let mut watch = BucketWatch::new(&self.connection, names::ALL_MEMBERS, SILENCE);
        let mut look = interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                entry = watch.next() => self.saw(&entry),
                _ = look.tick() => self.look(Instant::now()),
            }
        }
    }

    fn saw(&mut self, entry: &Entry) {
        let Some(name) = names::member_of(&entry.key) else {
            return;
        };
        let record = serde_json::from_slice(&entry.value).ok();
        match record.filter(|_| entry.operation == Operation::Put) {
            Some(record) => {
                let seen = (record, Instant::now());
                self.seen.insert(name.to_owned(), seen);
            }
            None => {
                self.seen.remove(name);
            }
        }
        self.publish();
    }

    /// Forgets members that have not shown themselves for the term of their leases. While the servers
    /// can't be reached, nothing is known of them.
    fn look(&mut self, now: Instant) {
        if self.connection.lost().is_some() {
            self.seen.values_mut().for_each(|(_, at)| *at = now);
            return;
        }
        let before = self.seen.len();
        self.seen.retain(|_, (record, at)| {
            let term = Duration::from_millis(record.lease_ms).max(LEAST_TERM);
            now.duration_since(*at) < term
        });
        if self.seen.len() != before {
            self.publish();
        }
    }

    fn publish(&self) {
        let members = self.seen.values().map(|(record, _)| record.clone());
        self.state.send_replace(Arc::new(GroupState {
            place: self.connection.shown().to_owned(),
            me: None,
            partitions: self.connection.partitions,
            members: members.collect(),
        }));
    }
}
