//! Reading back what is in a spool: whole chunks in their order, or single items.

use bytes::Bytes;

use crate::amplitude::time::UnixMs;
use crate::delivery::{History, Queued, SpoolPosition, Undelivered};

use super::Spool;
use super::dead_letters::DeadLetter;
use super::entry::{self, Entry};
use super::progress::Settled;
use super::store::ChunkRow;

/// Chunks that were read back.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Their items that are not settled, and when each may be tried again at the earliest.
    pub items: Vec<(Queued, Option<UnixMs>)>,
    /// The number of the last chunk that was read.
    pub upto: u64,
}

impl Spool {
    /// Reads chunks back, from behind chunk `after` on, until `most_bytes` are reached.
    pub fn load(
        &mut self,
        after: u64,
        most_bytes: u64,
        now_ms: UnixMs,
    ) -> rusqlite::Result<Loaded> {
        let mut loaded = Loaded {
            upto: after,
            ..Loaded::default()
        };
        let mut bytes = 0;
        while bytes < most_bytes
            && let Some(row) = self.store.chunk_after(loaded.upto)?
        {
            loaded.upto = row.number;
            bytes += row.bytes;
            let retries = self.store.retries(row.number)?;
            for queued in self.items_of(&row, now_ms)? {
                let retry = retries.iter().find(|r| r.position == queued.position);
                let history = retry.map_or(queued.history, |r| r.history);
                let not_before = retry.map(|r| r.next_ms);
                loaded
                    .items
                    .push((Queued { history, ..queued }, not_before));
            }
        }
        if bytes == 0 {
            // Nothing is behind it: what comes next is what is committed next.
            loaded.upto = self.newest();
        }
        Ok(loaded)
    }

    /// Reads items back, each with the history that it comes with. What is damaged is left out.
    pub fn fetch(
        &mut self,
        positions: &[(SpoolPosition, History)],
        now_ms: UnixMs,
    ) -> rusqlite::Result<Vec<Queued>> {
        let mut found = Vec::with_capacity(positions.len());
        for of_chunk in positions.chunk_by(|a, b| a.0.chunk == b.0.chunk) {
            let mut bodies = Vec::with_capacity(of_chunk.len());
            let number = of_chunk[0].0.chunk;
            if self.store.chunk_at(number)?.is_none() {
                // It is settled by now.
                continue;
            }
            let contents = self.store.contents(number)?;
            let index = contents.index()?;
            let entries = entry::decode(&index).unwrap_or_default();
            let starts: Vec<usize> = entries
                .iter()
                .scan(0, |at, entry| {
                    Some(std::mem::replace(at, *at + entry.bytes as usize))
                })
                .collect();
            for (position, history) in of_chunk {
                let item = position.item as usize;
                if let Some(entry) = entries.get(item) {
                    let body = contents.bodies(starts[item], entry.bytes as usize)?;
                    bodies.push((entry.clone(), Bytes::from(body), *position, *history));
                }
            }
            drop(contents);
            for (entry, body, position, history) in bodies {
                let queued = self.sound(entry, body, position, now_ms);
                found.extend(queued.map(|queued| Queued { history, ..queued }));
            }
        }
        Ok(found)
    }

    /// The dedupe ids of the newest items that wait, up to `most` of them.
    pub fn recent_ids(&self, most: usize) -> rusqlite::Result<Vec<u128>> {
        let mut ids = Vec::new();
        let mut before = i64::MAX.cast_unsigned();
        while ids.len() < most
            && let Some(row) = self.store.chunk_before(before)?
        {
            before = row.number;
            let index = self.store.contents(row.number)?.index()?;
            let entries = entry::decode(&index).unwrap_or_default();
            ids.extend(entries.iter().rev().map(Entry::id));
        }
        ids.truncate(most);
        ids.reverse();
        Ok(ids)
    }

    /// The items of a chunk that are not settled. What is damaged becomes dead letters.
    fn items_of(&mut self, row: &ChunkRow, now_ms: UnixMs) -> rusqlite::Result<Vec<Queued>> {
        let settled = self.settled_of(row);
        let contents = self.store.contents(row.number)?;
        let index = contents.index()?;
        let all = Bytes::from(contents.bodies(0, row.bytes as usize)?);
        drop(contents);
        let Some(entries) = entry::decode(&index) else {
            let lost = u64::from(settled.left());
            self.damage.add(
                lost,
                format!("the index of a spooled chunk is damaged: {lost} accepted items are lost"),
            );
            self.row.lost += lost;
            self.settle((0..row.items).map(|item| SpoolPosition {
                chunk: row.number,
                item,
            }));
            return Ok(Vec::new());
        };
        let (mut at, mut items) = (0, Vec::with_capacity(entries.len()));
        for (index, entry) in entries.into_iter().enumerate() {
            let end = (at + entry.bytes as usize).min(all.len());
            let body = all.slice(at.min(end)..end);
            at = end;
            let position = SpoolPosition {
                chunk: row.number,
                item: index as u32,
            };
            if !settled.has(position.item) {
                items.extend(self.sound(entry, body, position, now_ms));
            }
        }
        Ok(items)
    }

    fn settled_of(&self, row: &ChunkRow) -> Settled {
        match self.progress.get(row.number) {
            Some(settled) => settled.clone(),
            None => Settled::new(row.items, row.settled.clone()),
        }
    }

    /// The item, where its bytes are those that were written.
    fn sound(
        &mut self,
        mut entry: Entry<'_>,
        body: Bytes,
        position: SpoolPosition,
        now_ms: UnixMs,
    ) -> Option<Queued> {
        if position.chunk <= self.before {
            entry.sequence = 0;
        }
        let sound = entry.holds_for(&body);
        let accepted = entry.with(body);
        if sound {
            return Some(Queued {
                accepted,
                position,
                history: History::default(),
            });
        }
        let letter = DeadLetter {
            number: 0,
            at_ms: now_ms,
            why: Undelivered::Damaged,
            reason: "the disk gave back other bytes than were written".to_owned(),
            field: String::new(),
            answer: String::new(),
            message: String::new(),
            history: History::default(),
            again: false,
            accepted,
        };
        self.dead_letter(position, letter);
        None
    }
}
