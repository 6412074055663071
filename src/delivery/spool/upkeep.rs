//! Regular upkeep of the spool's thread: changes by other processes, the reserve, retention,
//! damage, and the published state.

use std::time::{Duration, Instant};

use crate::amplitude::time;

use super::fault;
use super::status::SpoolStatus;
use super::writer_thread::WriterThread;

/// Interval at which a missing reserve is made again.
const RESERVE_INTERVAL: Duration = Duration::from_secs(10);
/// Interval at which dead letters past their retention are removed.
const RETENTION_INTERVAL: Duration = Duration::from_secs(60);

impl WriterThread {
    /// Does what is due, and publishes the state.
    pub(super) fn keep_up(&mut self, now: Instant) {
        self.upkeep = now;
        match self.spool.check_outside_changes() {
            Ok(false) => {}
            Ok(true) => {
                self.link.publisher.dead_letters_changed();
                if self.spool.appended_bytes() > 0 {
                    self.oldest.get_or_insert(now);
                }
            }
            Err(error) => self.warn(&error),
        }
        if now - self.reserve >= RESERVE_INTERVAL {
            self.reserve = now;
            self.spool.restore_reserve();
        }
        if now - self.retention >= RETENTION_INTERVAL && self.keep_dead_letters_ms() > 0 {
            self.retention = now;
            self.expire_dead_letters(now);
        }
        for notice in self.spool.take_damage().notices {
            tracing::error!("{notice}");
            self.link.publisher.notify(notice);
        }
        self.publish(now);
    }

    fn expire_dead_letters(&mut self, now: Instant) {
        let before_ms = time::now() - self.keep_dead_letters_ms();
        match self.spool.expire_dead_letters(before_ms) {
            Ok(0) => {}
            Ok(count) => {
                self.unwritten.get_or_insert(now);
                self.link.publisher.dead_letters_changed();
                let letters = if count == 1 { "letter" } else { "letters" };
                self.link.publisher.notify(format!(
                    "removed {count} dead {letters} older than spool.keep_dead_letters"
                ));
            }
            Err(error) => self.warn(&error),
        }
    }

    fn warn(&self, error: &rusqlite::Error) {
        tracing::warn!("{}", fault::describe(error, &self.spool.folder()));
    }

    /// Retention of dead letters, in milliseconds; 0 keeps them.
    fn keep_dead_letters_ms(&self) -> i64 {
        i64::try_from(self.settings.keep_dead_letters.as_millis()).unwrap_or(0)
    }

    /// The reason why the disk takes no more items, if it doesn't.
    fn disk_fault(&self) -> Option<String> {
        match &self.fault {
            Some((fault, _)) => Some(fault.clone()),
            None if self.is_cramped => Some(fault::disk_full(&self.spool.folder())),
            None => None,
        }
    }

    pub(super) fn publish(&mut self, now: Instant) {
        let status = SpoolStatus {
            quota_bytes: self.settings.quota_bytes,
            keep_dead_letters_ms: self.keep_dead_letters_ms(),
            fault: self.disk_fault(),
            full: self.is_full,
            ..self.spool.status()
        };
        self.link.publisher.publish(status, &self.spool, now);
    }
}
