//! Reading items back from a spool: whole chunks in their order, or single items.

use bytes::Bytes;

use crate::amplitude::time::UnixMs;
use crate::delivery::{History, Queued, SpoolPosition, Undelivered};

use super::chunk_table::{self, ChunkRow};
use super::contents::Contents;
use super::dead_letter::DeadLetter;
use super::entry::{self, Entry};
use super::progress::SettledItems;
use super::retry_table;
use super::spool::Spool;

/// Chunks that were read back.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Their items that are not settled, and when each may be tried again at the earliest.
    pub items: Vec<(Queued, Option<UnixMs>)>,
    /// The number of the last chunk that was read.
    pub last_chunk: u64,
}

impl Spool {
    /// Reads the chunks behind chunk `after`, until `most_bytes` are reached.
    pub fn load(
        &mut self,
        after: u64,
        most_bytes: u64,
        now_ms: UnixMs,
    ) -> rusqlite::Result<Loaded> {
        let mut loaded = Loaded {
            last_chunk: after,
            ..Loaded::default()
        };
        let mut bytes = 0;
        while bytes < most_bytes
            && let Some(row) = chunk_table::after(self.store.db(), loaded.last_chunk)?
        {
            loaded.last_chunk = row.number;
            bytes += row.bytes;
            let retries = retry_table::of_chunk(self.store.db(), row.number)?;
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
            // No chunk is left: the next one is the next commit's.
            loaded.last_chunk = self.newest();
        }
        Ok(loaded)
    }

    /// Reads items back, each with the given history. Damaged items are left out.
    pub fn fetch(
        &mut self,
        positions: &[(SpoolPosition, History)],
        now_ms: UnixMs,
    ) -> rusqlite::Result<Vec<Queued>> {
        let mut found = Vec::with_capacity(positions.len());
        for of_chunk in positions.chunk_by(|a, b| a.0.chunk == b.0.chunk) {
            let number = of_chunk[0].0.chunk;
            if chunk_table::at(self.store.db(), number)?.is_none() {
                // It was settled meanwhile.
                continue;
            }
            let contents = self.contents(number)?;
            let index = contents.index()?;
            let entries = entry::decode(&index).unwrap_or_default();
            let starts: Vec<usize> = entries
                .iter()
                .scan(0, |at, entry| {
                    Some(std::mem::replace(at, *at + entry.bytes as usize))
                })
                .collect();
            let mut bodies = Vec::with_capacity(of_chunk.len());
            for (position, history) in of_chunk {
                let item = position.item as usize;
                if let Some(entry) = entries.get(item) {
                    let body = contents.bodies(starts[item], entry.bytes as usize)?;
                    bodies.push((entry.clone(), Bytes::from(body), *position, *history));
                }
            }
            drop(contents);
            for (entry, body, position, history) in bodies {
                let queued = self.check(entry, body, position, now_ms);
                found.extend(queued.map(|queued| Queued { history, ..queued }));
            }
        }
        Ok(found)
    }

    /// The dedupe ids of the newest waiting items, at most `most`.
    pub fn recent_ids(&self, most: usize) -> rusqlite::Result<Vec<u128>> {
        let mut ids = Vec::new();
        let mut before = i64::MAX.cast_unsigned();
        while ids.len() < most
            && let Some(row) = chunk_table::before(self.store.db(), before)?
        {
            before = row.number;
            let index = self.contents(row.number)?.index()?;
            let entries = entry::decode(&index).unwrap_or_default();
            ids.extend(entries.iter().rev().map(Entry::id));
        }
        ids.truncate(most);
        ids.reverse();
        Ok(ids)
    }

    fn contents(&self, chunk: u64) -> rusqlite::Result<Contents<'_>> {
        let files = self.dir.as_ref().map(|dir| &dir.chunk_files);
        Contents::find(self.store.db(), files, chunk)
    }

    /// The items of a chunk that are not settled. Damaged ones become dead letters.
    fn items_of(&mut self, row: &ChunkRow, now_ms: UnixMs) -> rusqlite::Result<Vec<Queued>> {
        let settled = self.settled_of(row);
        let contents = self.contents(row.number)?;
        let index = contents.index()?;
        let all = Bytes::from(contents.bodies(0, row.bytes as usize)?);
        drop(contents);
        let Some(entries) = entry::decode(&index) else {
            self.lose_chunk(row, settled.left());
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
                items.extend(self.check(entry, body, position, now_ms));
            }
        }
        Ok(items)
    }

    /// Settles a chunk whose index is damaged: its `left` waiting items are lost.
    fn lose_chunk(&mut self, row: &ChunkRow, left: u32) {
        let lost = u64::from(left);
        self.damage.add(
            lost,
            format!("the index of a spooled chunk is damaged: {lost} accepted items are lost"),
        );
        self.status.lost += lost;
        self.settle((0..row.items).map(|item| SpoolPosition {
            chunk: row.number,
            item,
        }));
    }

    fn settled_of(&self, row: &ChunkRow) -> SettledItems {
        match self.progress.get(row.number) {
            Some(settled) => settled.clone(),
            None => SettledItems::new(row.items, row.settled.clone()),
        }
    }

    /// Returns the item if its bytes are those that were written, or makes it a dead letter.
    fn check(
        &mut self,
        mut entry: Entry<'_>,
        body: Bytes,
        position: SpoolPosition,
        now_ms: UnixMs,
    ) -> Option<Queued> {
        if position.chunk <= self.last_chunk_before {
            entry.sequence = 0;
        }
        let is_sound = entry.matches(&body);
        let accepted = entry.with(body);
        if is_sound {
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
