//! Repairing a log in operation: its writer and its reader must close the damaged file together.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::feed::log::{Log, LogError, LogReader};

use super::lock::lock;

/// Time without new attempts after a repair failed, on a full disk for example.
const PAUSE: Duration = Duration::from_secs(10);

/// Repairs a log that is open for reading too.
#[derive(Debug)]
pub(super) struct Repair {
    reader: Arc<Mutex<LogReader>>,
    /// When the last repair failed, if it did.
    failed: Option<Instant>,
}

impl Repair {
    pub(super) fn new(reader: Arc<Mutex<LogReader>>) -> Self {
        Self {
            reader,
            failed: None,
        }
    }

    /// Repairs the log after a failed write. Fails if the error is not damage, or if the file can't
    /// be repaired.
    pub(super) fn after_error(&mut self, log: &mut Log, error: &LogError) -> Result<(), LogError> {
        if !error.is_damage() {
            return Err(LogError::Unwritten(error.to_string()));
        }
        self.run(log, &error.to_string())
    }

    /// Repairs the file of this generation, in which a reader found damage. Does nothing if it was
    /// replaced in the meantime.
    pub(super) fn generation(
        &mut self,
        log: &mut Log,
        why: &str,
        generation: u64,
    ) -> Result<(), LogError> {
        if generation < log.generation() {
            return Ok(());
        }
        self.run(log, why)
    }

    fn run(&mut self, log: &mut Log, why: &str) -> Result<(), LogError> {
        if self.failed.is_some_and(|failed| failed.elapsed() < PAUSE) {
            return Err(LogError::Unwritten(why.to_owned()));
        }
        // Reads wait for this lock until the new file is open.
        let mut reader = lock(&self.reader);
        reader.close();
        let repaired = log.repair(why);
        if let Err(error) = &repaired {
            tracing::error!("the log of messages can't be repaired: {error}");
        }
        self.failed = repaired.is_err().then(Instant::now);
        *reader = log.reader()?;
        repaired
    }
}
