//! The members of a group, as somebody sees them who is none of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::kv::{Entry, Operation};
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::connection::Connection;
use super::error::{GroupError, InGroup as _};
use super::names;
use super::records::{GroupState, MemberRecord};

/// Interval at which members that no longer show themselves are looked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Delay before the bucket is watched again after a failure.
const WATCH_DELAY: Duration = Duration::from_secs(1);
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
        loop {
            if let Err(error) = self.follow().await {
                tracing::debug!("{error}; it is tried again");
            }
            tokio::time::sleep(WATCH_DELAY).await;
        }
    }

    async fn follow(&mut self) -> Result<(), GroupError> {
        let bucket = &self.connection.bucket;
        let watch = bucket.watch_with_history(names::ALL_MEMBERS).await;
        let mut watch = watch.in_group("watch the group")?;
        let mut look = interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                entry = watch.next() => match entry {
                    Some(entry) => self.saw(&entry.in_group("watch the group")?),
                    None => return Ok(()),
                },
                _ = look.tick() => {
                    if self.look(Instant::now()) {
                        return Ok(());
                    }
                }
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
    /// can't be reached, nothing is known of them. Returns whether none is left: the watch may be dead.
    fn look(&mut self, now: Instant) -> bool {
        if self.connection.lost().is_some() {
            self.seen.values_mut().for_each(|(_, at)| *at = now);
            return false;
        }
        let before = self.seen.len();
        self.seen.retain(|_, (record, at)| {
            let term = Duration::from_millis(record.lease_ms).max(LEAST_TERM);
            now.duration_since(*at) < term
        });
        if self.seen.len() != before {
            self.publish();
        }
        before > 0 && self.seen.is_empty()
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
