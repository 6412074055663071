//! Dead letters that leave an open spool: those that are marked for a retry return to it, and
//! those whose retention is over are removed.

use crate::amplitude::time::UnixMs;
use crate::delivery::Accepted;

use super::dead_letter::DeadLetterRow;
use super::dead_letter_table;
use super::spool::Spool;

impl Spool {
    /// Takes note of changes by other processes. Dead letters that they marked for a retry return
    /// to the spool with the next commit. Returns whether anything changed.
    pub fn check_outside_changes(&mut self) -> rusqlite::Result<bool> {
        let version = self.store.data_version()?;
        let is_busy = !self.changes.removed_dead_letters.is_empty();
        if is_busy || (version == self.data_version && !self.may_have_marked) {
            return Ok(false);
        }
        (self.status.dead_letters, self.status.dead_letter_bytes) =
            dead_letter_table::counts(self.store.db())?;
        let marked = dead_letter_table::marked(self.store.db())?;
        self.data_version = version;
        self.may_have_marked = !marked.is_empty();
        self.status.carried += marked.len() as u64;
        for letter in marked {
            let removed = (letter.number, letter.bytes());
            self.changes.removed_dead_letters.push(removed);
            self.append([Accepted {
                sequence: 0,
                ..letter.accepted
            }]);
        }
        Ok(true)
    }

    /// Removes dead letters from before `ms`, with the next commit. Returns how many; further
    /// ones are left for the next call.
    pub fn expire_dead_letters(&mut self, ms: UnixMs) -> rusqlite::Result<u64> {
        let old = dead_letter_table::older_than(self.store.db(), ms)?;
        let count = old.len() as u64;
        self.changes.removed_dead_letters.extend(old);
        Ok(count)
    }

    /// The dead letters by reason and type, the most frequent first, in up to `most` rows.
    pub fn dead_letter_rows(&self, most: u32) -> rusqlite::Result<Vec<DeadLetterRow>> {
        dead_letter_table::rows(self.store.db(), most)
    }
}
