//! The lease of a partition, as another member sees it.

use std::time::Duration;

use tokio::time::Instant;

use super::records::LeaseRecord;

/// The lease of a partition, as it was seen last.
#[derive(Debug, Clone, Default)]
pub(super) struct SeenLease {
    pub(super) record: LeaseRecord,
    /// The revision; 0 where there is no lease yet.
    pub(super) revision: u64,
    /// When this revision was seen.
    at: Option<Instant>,
    /// Whether a later revision was seen before, which a server has lost: somebody may hold by it.
    went_back: bool,
}

impl SeenLease {
    /// Takes note of a revision that the bucket's watch tells of.
    pub(super) fn saw(&mut self, revision: u64, record: LeaseRecord, now: Instant) {
        if revision > self.revision {
            self.replace(revision, record, now);
        }
    }

    /// Takes note of the revision that was read because it is not the one that was seen. An older one is
    /// true as well: a server that is killed may lose what was written last.
    pub(super) fn read(&mut self, revision: u64, record: LeaseRecord, now: Instant) {
        if revision != self.revision {
            let went_back = revision < self.revision;
            self.replace(revision, record, now);
            self.went_back = went_back;
        }
    }

    fn replace(&mut self, revision: u64, record: LeaseRecord, now: Instant) {
        *self = Self {
            record,
            revision,
            at: Some(now),
            went_back: false,
        };
    }

    /// Whether the member `me` may take the partition. A lease that is not renewed is free after `term`.
    pub(super) fn is_free(&self, me: &str, term: Duration, now: Instant) -> bool {
        let owner = self.record.owner.as_deref();
        let is_others = owner.is_some_and(|owner| owner != me);
        let is_expired = self.at.is_some_and(|at| now.duration_since(at) >= term);
        is_expired || !(is_others || self.went_back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERM: Duration = Duration::from_secs(6);

    fn owned(owner: &str) -> LeaseRecord {
        LeaseRecord {
            owner: Some(owner.to_owned()),
            ..LeaseRecord::default()
        }
    }

    #[test]
    fn a_lease_is_free_without_an_owner_for_its_owner_and_after_a_term() {
        let start = Instant::now();
        let mut lease = SeenLease::default();
        assert!(lease.is_free("a", TERM, start));
        lease.saw(3, owned("b"), start);
        assert!(lease.is_free("b", TERM, start));
        assert!(!lease.is_free("a", TERM, start + TERM / 2));
        assert!(lease.is_free("a", TERM, start + TERM));
        // It is late, and tells nothing new.
        lease.saw(2, LeaseRecord::default(), start);
        assert!(!lease.is_free("a", TERM, start));
    }

    #[test]
    fn a_lease_whose_last_revision_was_lost_is_free_a_term_after_it_was_read() {
        let start = Instant::now();
        let mut lease = SeenLease::default();
        lease.saw(9, owned("b"), start);
        lease.read(9, owned("b"), start + TERM / 2);
        assert!(lease.is_free("a", TERM, start + TERM));
        // Whoever has written revision 9 may hold it still.
        lease.read(5, owned("a"), start + TERM / 2);
        assert!(!lease.is_free("a", TERM, start + TERM));
        assert!(lease.is_free("a", TERM, start + TERM * 3 / 2));
        assert_eq!(lease.revision, 5);
        lease.saw(10, LeaseRecord::default(), start + TERM);
        assert!(lease.is_free("a", TERM, start + TERM));
    }
}
