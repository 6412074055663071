//! An index of a group's dead letters: their numbers in the stream by reason, type and person.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::amplitude::time::UnixMs;
use crate::delivery::spool::dead_letters::{
    DeadLetterGroup, DeadLetterKey, DeadLetterRow, DeadLetterSelection,
};

/// What is known of a dead letter.
#[derive(Debug)]
struct Indexed {
    group: Arc<DeadLetterGroup>,
    person: Box<str>,
    at_ms: UnixMs,
}

/// The dead letters by their numbers in the stream.
#[derive(Debug)]
pub(super) struct DeadLetterIndex {
    letters: BTreeMap<u64, Indexed>,
    groups: BTreeMap<Arc<DeadLetterGroup>, u64>,
    /// Maximum dead letters; the oldest are left out.
    max: usize,
}

impl DeadLetterIndex {
    pub(super) fn new(max: usize) -> Self {
        Self {
            letters: BTreeMap::new(),
            groups: BTreeMap::new(),
            max,
        }
    }

    /// Adds a dead letter, and forgets the oldest where there are too many.
    pub(super) fn add(&mut self, number: u64, key: DeadLetterKey) {
        let group = Arc::new(key.group);
        let known = self.groups.get_key_value(&group);
        let group = known.map_or(group, |(known, _)| known.clone());
        self.remove(number);
        *self.groups.entry(group.clone()).or_default() += 1;
        let letter = Indexed {
            group,
            person: key.person.into(),
            at_ms: key.at_ms,
        };
        self.letters.insert(number, letter);
        while self.letters.len() > self.max
            && let Some(oldest) = self.letters.keys().next().copied()
        {
            self.remove(oldest);
        }
    }

    /// Forgets a dead letter.
    pub(super) fn remove(&mut self, number: u64) {
        let Some(letter) = self.letters.remove(&number) else {
            return;
        };
        if let Some(count) = self.groups.get_mut(&letter.group) {
            *count -= 1;
            if *count == 0 {
                self.groups.remove(&letter.group);
            }
        }
    }

    /// Forgets those before `first`, and those that were removed from the stream.
    pub(super) fn keep_existing(&mut self, first: u64, removed: &BTreeSet<u64>) {
        let is_gone = |number: &u64| *number < first || removed.contains(number);
        let gone: Vec<u64> = self.letters.keys().copied().filter(is_gone).collect();
        for number in gone {
            self.remove(number);
        }
    }

    /// Their numbers by reason and type, the most frequent first.
    pub(super) fn rows(&self) -> Vec<DeadLetterRow> {
        let mut rows: BTreeMap<&Arc<DeadLetterGroup>, (u64, UnixMs)> = BTreeMap::new();
        for letter in self.letters.values() {
            let (count, newest_ms) = rows.entry(&letter.group).or_default();
            *count += 1;
            *newest_ms = letter.at_ms.max(*newest_ms);
        }
        let row = |(group, (count, newest_ms)): (&Arc<DeadLetterGroup>, _)| DeadLetterRow {
            group: DeadLetterGroup::clone(group),
            count,
            again: 0,
            newest_ms,
        };
        let mut rows: Vec<DeadLetterRow> = rows.into_iter().map(row).collect();
        rows.sort_by_key(|row| Reverse(row.count));
        rows
    }

    /// The numbers of the selected dead letters, the oldest first.
    pub(super) fn numbers(&self, which: &DeadLetterSelection) -> Vec<u64> {
        let is_selected = |(number, letter): &(&u64, &Indexed)| match which {
            DeadLetterSelection::All => true,
            DeadLetterSelection::One(one) => u64::try_from(*one) == Ok(**number),
            DeadLetterSelection::Several(several) => {
                i64::try_from(**number).is_ok_and(|number| several.contains(&number))
            }
            DeadLetterSelection::Reason(reason) => letter.group.reason == *reason,
            DeadLetterSelection::Group(group) => *letter.group == *group,
            DeadLetterSelection::Person(person) => *letter.person == **person,
        };
        let selected = self.letters.iter().filter(is_selected);
        selected.map(|(number, _)| *number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Undelivered;

    fn key(reason: &str, person: &str, at_ms: UnixMs) -> DeadLetterKey {
        DeadLetterKey {
            group: DeadLetterGroup {
                why: Undelivered::Discarded,
                reason: reason.to_owned(),
                field: String::new(),
                event_type: "A".to_owned(),
            },
            at_ms,
            person: person.to_owned(),
        }
    }

    #[test]
    fn each_selection_finds_its_dead_letters_and_rows_count_them() {
        let mut index = DeadLetterIndex::new(4);
        for (number, reason, person) in [
            (1, "r", "u-1"),
            (2, "r", "u-2"),
            (4, "s", "u-1"),
            (6, "r", "u-3"),
            (9, "s", "u-1"),
        ] {
            index.add(number, key(reason, person, number as UnixMs));
        }
        let numbers = |which| index.numbers(&which);
        assert_eq!(numbers(DeadLetterSelection::All), [2, 4, 6, 9]);
        assert_eq!(numbers(DeadLetterSelection::One(4)), [4]);
        assert!(numbers(DeadLetterSelection::One(-4)).is_empty());
        let several = DeadLetterSelection::Several(vec![9, 1, 2]);
        assert_eq!(numbers(several), [2, 9]);
        let reason = DeadLetterSelection::Reason("r".to_owned());
        assert_eq!(numbers(reason), [2, 6]);
        let group = DeadLetterSelection::Group(key("s", "", 0).group);
        assert_eq!(numbers(group), [4, 9]);
        let person = DeadLetterSelection::Person("u-1".to_owned());
        assert_eq!(numbers(person), [4, 9]);
        index.keep_existing(4, &BTreeSet::from([6]));
        let rows = index.rows();
        assert_eq!((rows.len(), rows[0].count, rows[0].newest_ms), (1, 2, 9));
        assert_eq!((index.letters.len(), index.groups.len()), (2, 1));
    }
}
