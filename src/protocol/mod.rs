//! The messages between a pipeline and a screen, whether they share a process or not.
//!
//! A screen sees [`Snapshot`]s and [`Record`]s, and acts only through [`Command`]s.

mod author;
mod buckets;
mod command;
mod conflict;
mod merge;
mod record;
pub mod series;
mod snapshot;
mod verification;

pub use author::{Author, ChangeRecord};
pub use buckets::{BUCKET_BOUNDS_MS, DurationBuckets};
pub use command::Command;
pub use conflict::{Applied, FiltersConflict, VersionedFilters};
#[cfg(test)]
pub(crate) use record::tests_support;
pub use record::{Content, Outcome, Record, Story};
pub use series::{Line, Series};
pub use snapshot::{
    FilteredBy, LATENCY_BANDS_MS, LatencyBands, LatencyRow, LimitRow, LinkStatus, Notice,
    RATE_SECONDS, Rates, RingRow, Snapshot, TYPE_RATE_SECONDS, Totals, TypeRow,
};
pub use verification::{UnverifiedEvent, VerificationCounts, VerificationStatus};
