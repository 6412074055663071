//! What a group keeps in its bucket, as JSON.

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::filter::{Filters, Mode};

/// The layout that this version reads and writes.
pub(super) const LAYOUT_VERSION: u32 = 1;

/// The layout of a group, which never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LayoutRecord {
    pub(super) layout: u32,
    pub(super) partitions: u16,
}

/// The lease of a partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LeaseRecord {
    /// The member that holds it.
    pub(super) owner: Option<String>,
    /// The consumer that delivers its events.
    pub(super) consumer: Option<String>,
    /// The number of the newest consumer; each gets its own.
    pub(super) generation: u64,
    /// Everything up to this message of the stream is settled.
    pub(super) floor: u64,
}

/// The group, as somebody sees it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupState {
    /// Its address, without secrets.
    pub place: String,
    /// The member that sees it; none for a screen over all.
    pub me: Option<String>,
    /// Number of partitions.
    pub partitions: u16,
    /// The members that are there, by name.
    pub members: Vec<MemberRecord>,
}

/// A member, as it describes itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MemberRecord {
    /// Its name.
    pub name: String,
    /// Its version of this program.
    pub version: String,
    /// When it started.
    pub started_ms: UnixMs,
    /// When it wrote this.
    pub at_ms: UnixMs,
    /// The partitions that it holds.
    pub partitions: Vec<u16>,
    /// The term of its leases, in milliseconds: who has not written this again by then is gone.
    #[serde(default)]
    pub lease_ms: u64,
    /// Its own figures.
    pub figures: MemberFigures,
    /// The revision of the filters that it applies.
    pub filters_revision: u64,
    /// Why it does not apply the newest filters, if it doesn't.
    pub filters_error: Option<String>,
}

/// The figures of a member, from its pipeline.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MemberFigures {
    /// Events received a second.
    pub received_per_second: f64,
    /// Events delivered a second.
    pub delivered_per_second: f64,
    /// Items that are accepted and not settled.
    pub queued: u64,
    /// When the oldest of them was received.
    #[serde(default)]
    pub oldest_ms: Option<UnixMs>,
    /// Time from receipt to answer, 95th percentile, in milliseconds.
    pub latency_p95_ms: u64,
    /// Why delivery does not go on, if it doesn't.
    pub trouble: Option<String>,
    /// The requests a second that the rate limiter has learned; none while it is unlimited.
    pub learned_rate: Option<f64>,
}

/// The filters and the mode that all members apply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharedFilters {
    /// The mode of the gate.
    pub mode: Mode,
    /// The filters.
    pub filters: Filters,
    /// The version of the filters alone, from 1. A change of the mode leaves it.
    #[serde(default)]
    pub version: u64,
    /// Who made the last change.
    pub author: String,
    /// Where it was made.
    pub from: String,
    /// When it was made.
    pub at_ms: UnixMs,
}
