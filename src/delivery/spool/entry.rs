//! The index of a chunk: the data of each item besides its bytes.
//!
//! It consists of a CRC-32 and the entries, encoded by `postcard`. Each entry also holds the CRC-32
//! of its item's bytes: where a disk returns other bytes than were written, only that one item is
//! lost.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::customerio::Item;
use crate::customerio::Route;
use crate::delivery::{Accepted, Part};

/// Size of the CRC-32 in front.
const SUM_BYTES: usize = size_of::<u32>();

/// The entry of one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry<'a> {
    id: u128,
    person: u64,
    event_type: Cow<'a, str>,
    happened_ms: UnixMs,
    received_ms: UnixMs,
    /// The number of its event in the run that accepted it.
    pub(super) sequence: u64,
    part: Part,
    route: Cow<'a, Route>,
    /// Size of the item's bytes.
    pub(super) bytes: u32,
    sum: u32,
}

impl<'a> Entry<'a> {
    pub(super) fn of(accepted: &'a Accepted) -> Self {
        Self {
            id: accepted.item.id.into(),
            person: accepted.item.person,
            event_type: Cow::Borrowed(&accepted.event_type),
            happened_ms: accepted.happened_ms,
            received_ms: accepted.received_ms,
            sequence: accepted.sequence,
            part: accepted.part,
            route: Cow::Borrowed(&accepted.item.route),
            bytes: accepted.item.body.len() as u32,
            sum: crc32fast::hash(&accepted.item.body),
        }
    }

    /// The dedupe id.
    pub(super) fn id(&self) -> u128 {
        self.id
    }

    /// Whether these are the bytes that were written, by size and checksum.
    pub(super) fn matches(&self, body: &[u8]) -> bool {
        body.len() == self.bytes as usize && crc32fast::hash(body) == self.sum
    }

    /// The item, with its bytes.
    pub(super) fn with(self, body: Bytes) -> Accepted {
        let item = Item {
            id: self.id.into(),
            person: self.person,
            route: self.route.into_owned(),
            body,
        };
        Accepted {
            item,
            sequence: self.sequence,
            part: self.part,
            event_type: Arc::from(self.event_type),
            happened_ms: self.happened_ms,
            received_ms: self.received_ms,
            // What is in a spool is kept by no stream.
            origin: None,
        }
    }
}

/// The index of `items`.
pub(super) fn encode<'a>(items: impl Iterator<Item = &'a Accepted>) -> Vec<u8> {
    let mut out = vec![0; SUM_BYTES];
    for item in items {
        out = postcard::to_extend(&Entry::of(item), out)
            .expect("every field can be serialized into memory");
    }
    let sum = crc32fast::hash(&out[SUM_BYTES..]);
    out[..SUM_BYTES].copy_from_slice(&sum.to_le_bytes());
    out
}

/// The entries of an index; none where it is damaged.
pub(super) fn decode(index: &[u8]) -> Option<Vec<Entry<'_>>> {
    let (sum, mut rest) = index.split_first_chunk::<SUM_BYTES>()?;
    if crc32fast::hash(rest) != u32::from_le_bytes(*sum) {
        return None;
    }
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (entry, left) = postcard::take_from_bytes(rest).ok()?;
        entries.push(entry);
        rest = left;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tests_support::accepted;

    #[test]
    fn an_index_reads_as_it_was_written_and_any_flipped_bit_shows() {
        let mut items = vec![accepted(1, 7, "one"), accepted(2, 8, "two")];
        items[1].item.route = Route::V1 {
            put: true,
            path: "/api/v1/customers/ü".to_owned(),
        };
        let index = encode(items.iter());
        let read: Vec<Accepted> = decode(&index)
            .unwrap()
            .into_iter()
            .zip(&items)
            .map(|(entry, item)| {
                assert!(entry.matches(&item.item.body));
                assert!(!entry.matches(b"other bytes"));
                entry.with(item.item.body.clone())
            })
            .collect();
        assert_eq!(read, items);
        for bit in 0..index.len() * 8 {
            let mut flipped = index.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&flipped), None, "bit {bit}");
        }
        assert_eq!(decode(b"abc"), None);
    }
}
