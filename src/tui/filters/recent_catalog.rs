//! The catalog that completes conditions.

use crate::amplitude::Event;
use crate::filter::catalog::Catalog;
use crate::telemetry::ring::SharedRing;

/// Number of the newest events that the catalog is made from.
const EVENTS: u64 = 5_000;

/// The catalog of event types and properties of the newest events in the ring.
pub fn recent_catalog(ring: &SharedRing) -> Catalog {
    // The ring is free while the events are read.
    let events: Vec<Event> = {
        let ring = ring.lock();
        let records = ring.from(ring.end().saturating_sub(EVENTS));
        records.filter_map(|r| r.event().cloned()).collect()
    };
    let mut catalog = Catalog::default();
    events.iter().for_each(|event| catalog.add(event));
    catalog
}
