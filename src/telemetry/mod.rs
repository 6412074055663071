//! Counters, latencies, the ring of recent events, and a watch on the clock: what the observer
//! collects for snapshots. Conditions that are counted on the events in the ring.

pub mod clock;
pub mod counters;
pub mod filtered_rates;
pub mod latency;
pub mod ring;
pub mod story_changes;
pub mod watches;
