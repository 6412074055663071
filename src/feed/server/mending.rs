//! Mending a log while it is served: its writer and its reader have to give up the damaged file
//! together.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::feed::log::{Log, LogError, Reader};

use super::logged::locked;

/// A read that meets damage is attempted this many times: each damage that shows is mended once.
pub(super) const ATTEMPTS: u32 = 3;
/// After a file could not be mended, because the disk is full say, it is left alone for this long.
const PAUSE: Duration = Duration::from_secs(10);

/// The reader of a log that may have to be mended, and when that failed.
#[derive(Debug)]
pub(super) struct Mending {
    reader: Arc<Mutex<Reader>>,
    failed: Option<Instant>,
}

impl Mending {
    pub(super) fn new(reader: Arc<Mutex<Reader>>) -> Self {
        Self {
            reader,
            failed: None,
        }
    }

    /// Mends the log where a write says that its file is damaged; an error where it says something
    /// else, or the file can't be mended.
    pub(super) fn mend(&mut self, log: &mut Log, error: &LogError) -> Result<(), LogError> {
        if !error.is_damage() {
            return Err(LogError::Unwritten(error.to_string()));
        }
        self.replace(log, &error.to_string())
    }

    /// Mends the log whose file a reader found damaged, unless another file is in its place already.
    pub(super) fn mend_found(
        &mut self,
        log: &mut Log,
        why: &str,
        generation: u64,
    ) -> Result<(), LogError> {
        if generation < log.generation() {
            return Ok(());
        }
        self.replace(log, why)
    }

    fn replace(&mut self, log: &mut Log, why: &str) -> Result<(), LogError> {
        if self.failed.is_some_and(|failed| failed.elapsed() < PAUSE) {
            return Err(LogError::Unwritten(why.to_owned()));
        }
        // Who reads waits until the new file is there.
        let mut reader = locked(&self.reader);
        reader.close();
        let mended = log.mend(why);
        if let Err(error) = &mended {
            tracing::error!("the log of messages can't be mended: {error}");
        }
        self.failed = mended.is_err().then(Instant::now);
        *reader = log.reader()?;
        mended
    }
}
