//! Which partitions to take, and which to hand over: decided from the leases and members that the
//! bucket has, and from a clock of one's own.
//!
//! Every member computes the same fair share, so nobody leads. A member only takes free partitions up
//! to its share, and hands over only what it has beyond it: few partitions move.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::records::LeaseRecord;
use super::seen_lease::SeenLease;

/// The leases and members of a group, as one member has seen them.
#[derive(Debug)]
pub(super) struct LeaseTable {
    me: String,
    /// Time after which an unrenewed lease is free.
    term: Duration,
    leases: Vec<SeenLease>,
    /// The other members.
    others: BTreeMap<String, SeenMember>,
    /// Partitions for which this process has a session.
    sessions: BTreeSet<u16>,
    /// Those of them that are being handed over.
    closing: BTreeSet<u16>,
    /// Partitions that could not be taken, and until when they are left alone.
    resting: BTreeMap<u16, Instant>,
}

/// Another member, as it has shown itself last.
#[derive(Debug, Clone, Copy)]
struct SeenMember {
    at: Instant,
    /// The rate that it has learned for the whole workspace, in requests a second.
    learned_rate: Option<f64>,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Take this partition, if its lease has this revision still.
    Claim {
        partition: u16,
        revision: u64,
        record: LeaseRecord,
    },
    /// Hand this partition over.
    Release { partition: u16 },
}

impl LeaseTable {
    pub(super) fn new(me: &str, partitions: u16, term: Duration) -> Self {
        Self {
            me: me.to_owned(),
            term,
            leases: vec![SeenLease::default(); usize::from(partitions)],
            others: BTreeMap::new(),
            sessions: BTreeSet::new(),
            closing: BTreeSet::new(),
            resting: BTreeMap::new(),
        }
    }

    /// The lease of a partition, to take note of what the bucket has. None if there is no such partition.
    pub(super) fn lease(&mut self, partition: u16) -> Option<&mut SeenLease> {
        self.leases.get_mut(usize::from(partition))
    }

    /// Takes note of a member that has just shown itself, and of the rate that it has learned for the
    /// whole workspace.
    pub(super) fn saw_member(&mut self, name: &str, learned_rate: Option<f64>, now: Instant) {
        if name != self.me {
            let at = now;
            self.others
                .insert(name.to_owned(), SeenMember { at, learned_rate });
        }
    }

    /// Whether another member has shown itself within a term, as of the last [`Self::steps`].
    pub(super) fn is_there(&self, name: &str) -> bool {
        self.others.contains_key(name)
    }

    /// Takes note of a member that has left.
    pub(super) fn member_left(&mut self, name: &str) {
        self.others.remove(name);
    }

    /// Takes note that a session has begun.
    pub(super) fn began(&mut self, partition: u16) {
        self.sessions.insert(partition);
    }

    /// Takes note that a session is handing its partition over.
    pub(super) fn closes(&mut self, partition: u16) {
        self.closing.insert(partition);
    }

    /// Takes note that a session has ended.
    pub(super) fn ended(&mut self, partition: u16) {
        self.sessions.remove(&partition);
        self.closing.remove(&partition);
    }

    /// Leaves a partition alone for a while, as the servers failed to do something with it.
    pub(super) fn rest(&mut self, partition: u16, now: Instant) {
        self.resting.insert(partition, now + self.term / 3);
    }

    /// The partitions for which this process has a session.
    pub(super) fn sessions(&self) -> &BTreeSet<u16> {
        &self.sessions
    }

    /// The lowest rate that another member has learned.
    pub(super) fn learned_rate(&self) -> Option<f64> {
        let learned = self.others.values().filter_map(|other| other.learned_rate);
        learned.reduce(f64::min)
    }

    /// What to do now. Members that have not shown themselves for a term are forgotten.
    pub(super) fn steps(&mut self, now: Instant) -> Vec<Step> {
        let term = self.term;
        self.others
            .retain(|_, other| now.duration_since(other.at) < term);
        self.resting.retain(|_, until| *until > now);
        let (share, first) = self.share();
        let staying = self.sessions.difference(&self.closing).count();
        if staying > share {
            let staying = self.sessions.difference(&self.closing).skip(share);
            let release = |partition: &u16| Step::Release {
                partition: *partition,
            };
            return staying.map(release).collect();
        }
        let partitions = self.leases.len();
        // Members that begin at different partitions rarely compete for one.
        let order = (0..partitions).map(|index| (first + index) % partitions);
        order
            .filter(|index| !self.sessions.contains(&(*index as u16)))
            .filter(|index| !self.resting.contains_key(&(*index as u16)))
            .filter_map(|index| self.claim(index, now))
            .take(share - staying)
            .collect()
    }

    fn claim(&self, index: usize, now: Instant) -> Option<Step> {
        let lease = &self.leases[index];
        lease
            .is_free(&self.me, self.term, now)
            .then(|| Step::Claim {
                partition: index as u16,
                revision: lease.revision,
                record: lease.record.clone(),
            })
    }

    /// The number of partitions that this member should hold, and the first one that it looks at.
    fn share(&self) -> (usize, usize) {
        let partitions = self.leases.len();
        let members = self.others.len() + 1;
        let place = self.others.range(..self.me.clone()).count();
        let share = partitions / members + usize::from(place < partitions % members);
        (share, place * partitions / members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERM: Duration = Duration::from_secs(6);

    fn record(owner: Option<&str>) -> LeaseRecord {
        LeaseRecord {
            owner: owner.map(str::to_owned),
            ..LeaseRecord::default()
        }
    }

    fn claims(steps: &[Step]) -> Vec<u16> {
        let claimed = steps.iter().filter_map(|step| match step {
            Step::Claim { partition, .. } => Some(*partition),
            Step::Release { .. } => None,
        });
        claimed.collect()
    }

    /// A whole group: each member sees what the others do.
    struct Group {
        now: Instant,
        revision: u64,
        owners: Vec<Option<String>>,
        members: BTreeMap<String, LeaseTable>,
        moves: usize,
    }

    impl Group {
        fn new(partitions: u16) -> Self {
            Self {
                now: Instant::now(),
                revision: 0,
                owners: vec![None; usize::from(partitions)],
                members: BTreeMap::new(),
                moves: 0,
            }
        }

        fn join(&mut self, name: &str) {
            let mut table = LeaseTable::new(name, self.owners.len() as u16, TERM);
            for (partition, owner) in self.owners.iter().enumerate() {
                self.revision += 1;
                let record = record(owner.as_deref());
                table
                    .lease(partition as u16)
                    .unwrap()
                    .saw(self.revision, record, self.now);
            }
            self.members.insert(name.to_owned(), table);
        }

        fn set(&mut self, partition: u16, owner: Option<&str>) {
            self.revision += 1;
            self.owners[usize::from(partition)] = owner.map(str::to_owned);
            for table in self.members.values_mut() {
                table
                    .lease(partition)
                    .unwrap()
                    .saw(self.revision, record(owner), self.now);
            }
        }

        /// All members renew, and do what is to be done, for as long as something is.
        fn settle(&mut self) {
            for _ in 0..20 {
                self.now += TERM / 3;
                let names: Vec<String> = self.members.keys().cloned().collect();
                for name in &names {
                    for (partition, owner) in self.owners.clone().into_iter().enumerate() {
                        if owner.as_ref() == Some(name) {
                            self.set(partition as u16, Some(name));
                        }
                    }
                    for table in self.members.values_mut() {
                        table.saw_member(name, None, self.now);
                    }
                }
                for name in &names {
                    let steps = self.members.get_mut(name).unwrap().steps(self.now);
                    for step in steps {
                        self.moves += 1;
                        match step {
                            Step::Claim { partition, .. } => {
                                self.members.get_mut(name).unwrap().began(partition);
                                self.set(partition, Some(name));
                            }
                            Step::Release { partition } => {
                                self.members.get_mut(name).unwrap().ended(partition);
                                self.set(partition, None);
                            }
                        }
                    }
                }
            }
        }

        fn shares(&self) -> Vec<usize> {
            let owned = |name: &String| {
                let owners = self.owners.iter().flatten();
                owners.filter(|owner| *owner == name).count()
            };
            let mut shares: Vec<usize> = self.members.keys().map(owned).collect();
            shares.sort_unstable();
            shares
        }
    }

    #[test]
    fn members_that_come_and_go_end_with_fair_shares_and_few_moves() {
        let mut group = Group::new(64);
        group.join("b");
        group.settle();
        assert_eq!(group.shares(), [64]);
        group.join("a");
        group.settle();
        assert_eq!(group.shares(), [32, 32]);
        group.moves = 0;
        group.join("c");
        group.settle();
        assert_eq!(group.shares(), [21, 21, 22]);
        assert_eq!(group.moves, 2 * 21, "only what c gets has moved");
        // A member dies: its leases run out.
        group.members.remove("b");
        group.moves = 0;
        group.settle();
        assert_eq!(group.shares(), [32, 32]);
        assert!(
            group.moves <= 22,
            "only what b had has moved: {}",
            group.moves
        );
        for n in 0..70 {
            group.join(&format!("m{n:02}"));
        }
        group.settle();
        let shares = group.shares();
        assert_eq!((shares.iter().sum::<usize>(), shares[71]), (64, 1));
    }

    #[test]
    fn a_lease_is_free_only_a_term_after_its_last_renewal_was_seen() {
        let start = Instant::now();
        let mut table = LeaseTable::new("a", 1, TERM);
        table.lease(0).unwrap().saw(1, record(Some("b")), start);
        assert_eq!(claims(&table.steps(start + TERM * 9 / 10)), [0; 0]);
        table
            .lease(0)
            .unwrap()
            .saw(2, record(Some("b")), start + TERM * 9 / 10);
        assert_eq!(claims(&table.steps(start + TERM)), [0; 0], "it was renewed");
        // An old revision that comes late renews nothing.
        table
            .lease(0)
            .unwrap()
            .saw(1, record(Some("b")), start + TERM * 18 / 10);
        assert_eq!(claims(&table.steps(start + TERM * 19 / 10)), [0]);
    }

    #[test]
    fn what_is_handed_over_is_not_claimed_again_at_once() {
        let start = Instant::now();
        let mut table = LeaseTable::new("a", 2, TERM);
        for partition in 0..2 {
            table.began(partition);
        }
        table.saw_member("b", None, start);
        assert_eq!(table.steps(start), [Step::Release { partition: 1 }]);
        table.closes(1);
        assert_eq!(table.steps(start), []);
        table.ended(1);
        table.lease(1).unwrap().saw(9, record(None), start);
        assert_eq!(table.steps(start), [], "it is b's share");
    }

    #[test]
    fn the_rate_that_a_member_learned_is_forgotten_with_the_member() {
        let start = Instant::now();
        let mut table = LeaseTable::new("a", 1, TERM);
        table.saw_member("a", Some(1.0), start);
        table.saw_member("b", Some(30.0), start);
        table.saw_member("c", Some(20.0), start);
        assert_eq!(table.learned_rate(), Some(20.0), "its own is no other's");
        table.saw_member("b", Some(30.0), start + TERM / 2);
        table.steps(start + TERM);
        assert_eq!(table.learned_rate(), Some(30.0), "c is gone");
        table.saw_member("b", None, start + TERM);
        assert_eq!(table.learned_rate(), None);
    }
}
