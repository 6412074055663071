//! Splitting the items of a request by people.

use rustc_hash::FxHashMap;

use crate::delivery::Queued;

/// Parts of a request that failed as a whole.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Parts {
    /// The parts, each with other people.
    pub(super) parts: Vec<Vec<Queued>>,
    /// Items of the same single person, behind the first part.
    pub(super) behind: Vec<Queued>,
}

/// Splits by people, in the order in which they first come. Items of a single person are cut
/// after the first part.
pub(super) fn split(mut items: Vec<Queued>, parts: usize) -> Parts {
    let mut people: FxHashMap<u64, usize> = FxHashMap::default();
    for queued in &items {
        let next = people.len();
        people.entry(queued.person()).or_insert(next);
    }
    if people.len() == 1 {
        let behind = items.split_off(items.len().div_ceil(parts));
        return Parts {
            parts: vec![items],
            behind,
        };
    }
    let people_per_part = people.len().div_ceil(parts);
    let mut split = Parts::default();
    split
        .parts
        .resize_with(people.len().div_ceil(people_per_part), Vec::new);
    for queued in items {
        let part = people[&queued.person()] / people_per_part;
        split.parts[part].push(queued);
    }
    split
}
