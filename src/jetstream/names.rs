//! The names of a group's streams, subjects, bucket and consumers.

/// The names of what belongs to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }

    /// The stream of events.
    pub(super) fn events_stream(&self) -> String {
        format!("{}-events", self.prefix)
    }

    /// The subjects of the stream of events.
    pub(super) fn all_events(&self) -> String {
        format!("{}.events.*", self.prefix)
    }

    /// The subject of a partition's events.
    pub(super) fn events(&self, partition: u16) -> String {
        format!("{}.events.{partition}", self.prefix)
    }

    /// The partition of such a subject.
    pub(super) fn partition_of(&self, subject: &str) -> Option<u16> {
        let rest = subject.strip_prefix(&self.prefix)?;
        rest.strip_prefix(".events.")?.parse().ok()
    }

    /// The stream of dead letters.
    pub(super) fn dead_stream(&self) -> String {
        format!("{}-dead", self.prefix)
    }

    /// The subjects of the stream of dead letters.
    pub(super) fn all_dead(&self) -> String {
        format!("{}.dead.*", self.prefix)
    }

    /// The subject of a partition's dead letters.
    pub(super) fn dead(&self, partition: u16) -> String {
        format!("{}.dead.{partition}", self.prefix)
    }

    /// The subject on which a member takes connections to its control API.
    pub(super) fn control(&self, member: &str) -> String {
        format!("{}.control.{member}", self.prefix)
    }

    /// The bucket of leases, members and shared settings.
    pub(super) fn bucket(&self) -> String {
        format!("{}-group", self.prefix)
    }
}

/// The key of the group's layout.
pub(super) const LAYOUT: &str = "layout";
/// The key of the hashes in the members' ledgers.
pub(super) const LEDGER_KEY: &str = "ledger-key";
/// The key of the filters and the mode.
pub(super) const FILTERS: &str = "filters";
const LEASE: &str = "lease.";
const MEMBER: &str = "member.";
/// All keys.
pub(super) const ALL: &str = ">";
/// The keys of all members.
pub(super) const ALL_MEMBERS: &str = "member.>";

/// The key of a partition's lease.
pub(super) fn lease(partition: u16) -> String {
    format!("{LEASE}{partition}")
}

/// The partition of a lease's key.
pub(super) fn leased(key: &str) -> Option<u16> {
    key.strip_prefix(LEASE)?.parse().ok()
}

/// The key of a member.
pub(super) fn member(name: &str) -> String {
    format!("{MEMBER}{name}")
}

/// The member of a key.
pub(super) fn member_of(key: &str) -> Option<&str> {
    key.strip_prefix(MEMBER)
}

/// The consumer of a partition in this generation.
pub(super) fn consumer(partition: u16, generation: u64) -> String {
    format!("p{partition}-{generation}")
}

/// The key of how far a relay was published.
pub(super) fn source(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("source.{}", name.chars().map(plain).collect::<String>())
}
