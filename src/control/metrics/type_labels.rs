//! The event types that have a time series of their own.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::protocol::TypeRow;

/// Maximum event types with series of their own: a product that puts ids into its event names must not
/// fill the monitoring system.
pub(super) const MAX_TYPES: usize = 200;

/// The label of all other event types.
const OTHERS: &str = "(other types)";

/// The event types that have series of their own. A type keeps its place, so that no counter falls.
#[derive(Debug, Default)]
pub(super) struct TypeLabels(FxHashSet<Arc<str>>);

/// The counts of an event type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeCounts {
    pub(super) name: Arc<str>,
    pub(super) accepted: u64,
    pub(super) not_accepted: u64,
}

impl TypeLabels {
    /// The counts of each type that has a series, and of all others together. New types get the free
    /// places, the most frequent first.
    pub(super) fn counts(&mut self, rows: &[TypeRow]) -> Vec<TypeCounts> {
        for row in rows {
            if self.0.len() >= MAX_TYPES {
                break;
            }
            self.0.insert(row.name.clone());
        }
        let mut others = TypeCounts {
            name: OTHERS.into(),
            accepted: 0,
            not_accepted: 0,
        };
        let mut counts = Vec::with_capacity(self.0.len() + 1);
        for row in rows {
            let not_accepted = row.count.saturating_sub(row.accepted);
            if self.0.contains(&row.name) && *row.name != *OTHERS {
                counts.push(TypeCounts {
                    name: row.name.clone(),
                    accepted: row.accepted,
                    not_accepted,
                });
            } else {
                others.accepted += row.accepted;
                others.not_accepted += not_accepted;
            }
        }
        counts.sort_by(|a, b| a.name.cmp(&b.name));
        counts.push(others);
        counts
    }
}
