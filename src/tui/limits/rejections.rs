//! The violations that reject events, by event type and limit.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::limits::{Code, Policy};
use crate::protocol::LimitRow;

/// Violations in the last ten minutes by event type and limit. Only those that reject the event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rejections {
    /// The limits, in the order of the pane.
    pub(crate) limits: Vec<Code>,
    /// The event types with their counts per limit, those with the most violations first.
    pub(crate) types: Vec<(Arc<str>, Vec<u64>)>,
}

impl Rejections {
    /// The table for these limits.
    pub(crate) fn of(rows: &[LimitRow]) -> Self {
        let rejects = |row: &&LimitRow| row.policy == Policy::Reject && !row.types.is_empty();
        let rows: Vec<&LimitRow> = rows.iter().filter(rejects).collect();
        let mut types: FxHashMap<&Arc<str>, Vec<u64>> = FxHashMap::default();
        for (column, row) in rows.iter().enumerate() {
            for (name, count) in &row.types {
                let counts = types.entry(name).or_insert_with(|| vec![0; rows.len()]);
                counts[column] += count;
            }
        }
        let of_type = |(name, counts): (&Arc<str>, Vec<u64>)| (name.clone(), counts);
        let mut types: Vec<(Arc<str>, Vec<u64>)> = types.into_iter().map(of_type).collect();
        types.sort_by(|a, b| {
            let sum = |counts: &[u64]| counts.iter().sum::<u64>();
            sum(&b.1).cmp(&sum(&a.1)).then_with(|| a.0.cmp(&b.0))
        });
        Self {
            limits: rows.iter().map(|row| row.code).collect(),
            types,
        }
    }

    /// The largest count.
    pub(crate) fn most(&self) -> u64 {
        let counts = self.types.iter().flat_map(|(_, counts)| counts);
        counts.copied().max().unwrap_or(0)
    }
}
