//! What the stages tell of what they did: counts, courses, latencies, and the ring of recent
//! events. One task, [`observer`], takes it all in and publishes snapshots; the stages wait
//! for no screen.

pub mod clock;
pub mod counters;
pub mod latency;
pub mod observer;
pub mod ring;
