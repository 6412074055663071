//! Commits: everything since the last one becomes durable in one step.

use crate::amplitude::time::UnixMs;
use crate::delivery::{Accepted, History, Queued, SpoolPosition};

use super::chunk_files;
use super::commit_marker::CommitMarker;
use super::fault;
use super::progress::{MAX_CHUNKS, SettledItems};
use super::spool::Spool;
use super::spool_dir::SpoolDir;
use super::store;

/// The chunk that a commit made durable.
#[derive(Debug, Default)]
pub struct Committed {
    /// The chunk that was added; 0 where none was.
    pub chunk: u64,
    /// Its items.
    pub items: Vec<Queued>,
}

impl Spool {
    /// Makes everything since the last commit durable, in one step; `with_progress` writes what
    /// is settled of unfinished chunks too. Where it fails nothing is written and nothing is
    /// forgotten: it can be tried again.
    pub fn commit(&mut self, now_ms: UnixMs, with_progress: bool) -> rusqlite::Result<Committed> {
        let unsettled = std::mem::take(&mut self.unsettled);
        self.settle(unsettled);
        let chunk = self.metadata.chunk + 1;
        let adds = !self.changes.items.is_empty();
        self.changes.chunk = adds.then_some((chunk, now_ms));
        if adds || !self.changes.facts.is_empty() {
            self.changes.facts = vec![(store::METADATA, self.next_metadata(adds))];
        }
        // A dead letter and the progress that it makes are one step.
        let with_progress = with_progress || !self.changes.dead_letters.is_empty();
        if self.dir.as_ref().is_some_and(SpoolDir::is_moved) {
            return Err(fault::moved());
        }
        if self.changes.is_empty() && !(with_progress && self.progress.changed().next().is_some()) {
            return Ok(Committed::default());
        }
        match self.write(with_progress) {
            Err(error) if self.repair(&error) || self.make_room(&error) => {
                self.write(with_progress)?;
            }
            other => other?,
        }
        Ok(self.committed(with_progress))
    }

    /// The metadata after this commit, as JSON; `adds` is whether it adds a chunk.
    fn next_metadata(&self, adds: bool) -> String {
        let mut metadata = self.metadata.clone();
        if adds {
            metadata.chunk += 1;
            metadata.appended += self.changes.items.len() as u64;
        }
        serde_json::to_string(&metadata).unwrap_or_default()
    }

    fn write(&mut self, with_progress: bool) -> rusqlite::Result<()> {
        self.write_file()?;
        let progress = self
            .progress
            .changed()
            .filter(|_| with_progress)
            .map(|(number, settled)| (number, settled.bits()));
        self.store.write(&self.changes, progress)
    }

    /// Writes the contents of a large chunk into a file of its own.
    fn write_file(&mut self) -> rusqlite::Result<()> {
        let changes = &mut self.changes;
        let large = self.appended_bytes >= chunk_files::MIN_BYTES;
        changes.has_file = match (&mut self.dir, changes.chunk) {
            (Some(dir), Some((chunk, created_ms))) if large => {
                let written = dir.chunk_files.write(chunk, created_ms, &changes.items);
                written.map_err(|error| fault::of_file(&error))?;
                true
            }
            _ => false,
        };
        Ok(())
    }

    /// Updates the state in memory after a write.
    fn committed(&mut self, with_progress: bool) -> Committed {
        let changes = std::mem::take(&mut self.changes);
        self.appended_bytes = 0;
        for number in changes.finished {
            self.progress.forget(number);
            if let Some(dir) = &mut self.dir {
                dir.chunk_files.free(number);
            }
        }
        if let Some(dir) = &mut self.dir
            && dir.reserve.is_there()
        {
            dir.chunk_files.trim();
        }
        if with_progress {
            self.progress.written();
        }
        let status = &mut self.status;
        for (_, bytes) in changes.removed_dead_letters {
            status.dead_letters = status.dead_letters.saturating_sub(1);
            status.dead_letter_bytes = status.dead_letter_bytes.saturating_sub(bytes);
        }
        let committed = self.chunk_added(changes.chunk, changes.items);
        if let Some(dir) = &mut self.dir {
            dir.marker.write(CommitMarker {
                chunk: self.metadata.chunk,
                appended: self.metadata.appended,
                waiting: self.status.items,
            });
        }
        committed
    }

    fn chunk_added(&mut self, chunk: Option<(u64, UnixMs)>, items: Vec<Accepted>) -> Committed {
        let Some((chunk, _)) = chunk else {
            return Committed::default();
        };
        let bytes: u64 = items.iter().map(|a| a.item.body.len() as u64).sum();
        let count = items.len();
        self.metadata.chunk = chunk;
        self.metadata.appended += count as u64;
        self.status.items += count as u64;
        self.status.bytes += bytes;
        if self.progress.len() < MAX_CHUNKS {
            let settled = SettledItems::new(count as u32, None);
            self.progress.insert(chunk, bytes, settled);
        }
        let queued = |(item, accepted)| Queued {
            accepted,
            position: SpoolPosition {
                chunk,
                item: item as u32,
            },
            history: History::default(),
        };
        let items = items.into_iter().enumerate().map(queued).collect();
        Committed { chunk, items }
    }
}
