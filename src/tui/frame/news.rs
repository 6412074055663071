//! The comparison of two snapshots.

use std::sync::Arc;

use crate::protocol::Snapshot;

/// Whether anything but the clock differs between two snapshots.
pub(crate) fn has_news(old: &Snapshot, new: &Snapshot) -> bool {
    old.totals != new.totals
        || old.delivery.in_flight != new.delivery.in_flight
        || old.delivery.spool.items != new.delivery.spool.items
        || old.delivery.breaker != new.delivery.breaker
        || old.feed != new.feed
        || old.mode != new.mode
        || old.filters_version != new.filters_version
        || old.last_change != new.last_change
        || old.link != new.link
        || !Arc::ptr_eq(&old.series, &new.series)
}
