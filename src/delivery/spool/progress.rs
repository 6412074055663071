//! The record of settled items, chunk by chunk.

use std::collections::BTreeMap;

use crate::delivery::SpoolPosition;

/// Maximum chunks whose progress is loaded ahead. That of others is read when one of their items
/// is settled.
pub(super) const MAX_CHUNKS: usize = 1_024;

/// The settled items of one chunk: a bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SettledItems {
    items: u32,
    left: u32,
    bits: Vec<u8>,
}

impl SettledItems {
    /// Creates it for `items` items, with the stored bits if there are any.
    pub(super) fn new(items: u32, stored: Option<Vec<u8>>) -> Self {
        let mut bits = stored.unwrap_or_default();
        bits.resize(items.div_ceil(8) as usize, 0);
        let mut settled = Self {
            items,
            left: 0,
            bits,
        };
        settled.left = (0..items).filter(|item| !settled.has(*item)).count() as u32;
        settled
    }

    pub(super) fn has(&self, item: u32) -> bool {
        self.bits
            .get(item as usize / 8)
            .is_some_and(|byte| byte & (1 << (item % 8)) != 0)
    }

    /// Settles an item. Returns whether it was not settled before.
    pub(super) fn settle(&mut self, item: u32) -> bool {
        if item >= self.items || self.has(item) {
            return false;
        }
        self.bits[item as usize / 8] |= 1 << (item % 8);
        self.left -= 1;
        true
    }

    /// Number of items that are not settled.
    pub(super) fn left(&self) -> u32 {
        self.left
    }

    pub(super) fn bits(&self) -> &[u8] {
        &self.bits
    }
}

/// The effect of settling an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// None: it was settled before, or doesn't exist.
    Nothing,
    /// It is settled, and others of its chunk are not.
    One,
    /// It was the last of its chunk.
    Last {
        /// Size of the chunk.
        bytes: u64,
    },
}

/// The settled items of the chunks that are being delivered.
#[derive(Debug, Default)]
pub(super) struct Progress {
    chunks: BTreeMap<u64, Chunk>,
}

#[derive(Debug)]
struct Chunk {
    settled: SettledItems,
    bytes: u64,
    /// Whether items were settled since the last write.
    changed: bool,
}

impl Progress {
    pub(super) fn knows(&self, chunk: u64) -> bool {
        self.chunks.contains_key(&chunk)
    }

    pub(super) fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Adds a chunk of `bytes` bytes, with its settled items.
    pub(super) fn insert(&mut self, chunk: u64, bytes: u64, settled: SettledItems) {
        let kept = Chunk {
            settled,
            bytes,
            changed: false,
        };
        self.chunks.insert(chunk, kept);
    }

    pub(super) fn get(&self, chunk: u64) -> Option<&SettledItems> {
        self.chunks.get(&chunk).map(|c| &c.settled)
    }

    /// Settles an item of a known chunk.
    pub(super) fn settle(&mut self, position: SpoolPosition) -> Step {
        let Some(chunk) = self.chunks.get_mut(&position.chunk) else {
            return Step::Nothing;
        };
        if !chunk.settled.settle(position.item) {
            return Step::Nothing;
        }
        chunk.changed = true;
        match chunk.settled.left() {
            0 => Step::Last { bytes: chunk.bytes },
            _ => Step::One,
        }
    }

    /// The unfinished chunks with items that were settled since the last write.
    pub(super) fn changed(&self) -> impl Iterator<Item = (u64, &SettledItems)> {
        let changed = self
            .chunks
            .iter()
            .filter(|(_, c)| c.changed && c.settled.left() > 0);
        changed.map(|(number, c)| (*number, &c.settled))
    }

    /// Takes note that they were written.
    pub(super) fn written(&mut self) {
        self.chunks.values_mut().for_each(|c| c.changed = false);
    }

    pub(super) fn forget(&mut self, chunk: u64) {
        self.chunks.remove(&chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_settled_once_and_the_last_one_ends_its_chunk() {
        let mut progress = Progress::default();
        progress.insert(3, 70, SettledItems::new(9, Some(vec![0b1111_1110])));
        let at = |item| SpoolPosition { chunk: 3, item };
        assert_eq!(progress.settle(at(1)), Step::Nothing, "it was stored");
        assert_eq!(progress.settle(at(0)), Step::One);
        assert_eq!(progress.changed().count(), 1);
        progress.written();
        assert_eq!(progress.changed().count(), 0);
        assert_eq!(progress.settle(at(8)), Step::Last { bytes: 70 });
        assert_eq!(progress.settle(at(8)), Step::Nothing);
        assert_eq!(progress.settle(at(9)), Step::Nothing, "there is none");
        assert_eq!(
            progress.settle(SpoolPosition { chunk: 4, item: 0 }),
            Step::Nothing
        );
        let read = SettledItems::new(9, Some(progress.get(3).unwrap().bits().to_vec()));
        assert_eq!(read.left(), 0);
    }
}
