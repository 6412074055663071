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

/// Follows the members, and publishes who is there.
struct Members {
    connection: Connection,
    seen: Seen,
    state: watch::Sender<Arc<GroupState>>,
}

/// The members that have shown themselves.
#[derive(Default)]
struct Seen(BTreeMap<String, SeenMember>);

struct SeenMember {
    record: MemberRecord,
    /// When it was seen.
    at: Instant,
    /// Whether that is less than the term of its leases ago.
    is_there: bool,
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
            seen: Seen::default(),
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
            Some(record) => self.seen.saw(name, record, Instant::now()),
            None => self.seen.left(name),
        }
        self.publish();
    }

    fn look(&mut self, now: Instant) {
        // While the servers can't be reached, nothing is known of the members.
        if self.connection.lost().is_some() {
            self.seen.wait(now);
        } else if self.seen.forget_silent(now) {
            self.publish();
        }
    }

    fn publish(&self) {
        self.state.send_replace(Arc::new(GroupState {
            place: self.connection.shown().to_owned(),
            me: None,
            partitions: self.connection.partitions,
            members: self.seen.there().cloned().collect(),
        }));
    }
}

impl Seen {
    /// Takes note of what a member has written. A watch that begins anew tells again what is known, of
    /// members that have gone, too.
    fn saw(&mut self, name: &str, record: MemberRecord, now: Instant) {
        if self.0.get(name).is_none_or(|known| known.record != record) {
            let seen = SeenMember {
                record,
                at: now,
                is_there: true,
            };
            self.0.insert(name.to_owned(), seen);
        }
    }

    fn left(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Gives all that are there another term.
    fn wait(&mut self, now: Instant) {
        self.0.values_mut().for_each(|member| member.at = now);
    }

    /// Forgets members that have not shown themselves for the term of their leases. Returns whether there
    /// were any.
    fn forget_silent(&mut self, now: Instant) -> bool {
        let mut any = false;
        for member in self.0.values_mut().filter(|member| member.is_there) {
            let term = Duration::from_millis(member.record.lease_ms).max(LEAST_TERM);
            member.is_there = now.duration_since(member.at) < term;
            any |= !member.is_there;
        }
        any
    }

    /// Those that are there, by name.
    fn there(&self) -> impl Iterator<Item = &MemberRecord> {
        let there = self.0.values().filter(|member| member.is_there);
        there.map(|member| &member.record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_was_killed_stays_gone_when_its_last_word_is_told_again() {
        let (mut seen, start) = (Seen::default(), Instant::now());
        let word = |at_ms| MemberRecord {
            at_ms,
            ..MemberRecord::default()
        };
        seen.saw("a", word(1), start);
        assert!(!seen.forget_silent(start + LEAST_TERM / 2));
        assert_eq!(seen.there().count(), 1);
        assert!(seen.forget_silent(start + LEAST_TERM));
        seen.saw("a", word(1), start + LEAST_TERM);
        seen.wait(start + LEAST_TERM);
        assert_eq!(seen.there().count(), 0);
        assert!(!seen.forget_silent(start + LEAST_TERM));
        seen.saw("a", word(2), start + LEAST_TERM);
        assert_eq!(seen.there().count(), 1);
        seen.left("a");
        assert_eq!(seen.there().count(), 0);
    }
}
