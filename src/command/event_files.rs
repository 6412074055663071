//! Reading the files of an export for an audit.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use color_eyre::eyre::{Result, bail};

use crate::amplitude::Event;
use crate::amplitude::archive::{self, Piece};

use super::progress::ProgressBar;

/// Files with the events of an export.
#[derive(Debug, Clone)]
pub(super) struct EventFiles {
    pub(super) paths: Arc<[PathBuf]>,
    /// Maximum size of an event in bytes; larger ones are left out.
    pub(super) max_event_bytes: usize,
}

/// The result of a thread.
#[derive(Default)]
struct Faults {
    /// Parts that are not events.
    malformed: u64,
    /// Why a file can't be read to its end.
    broken: Option<String>,
}

impl EventFiles {
    /// Passes each event to `take` until it breaks, with a progress bar labelled `what`. Each worker has
    /// a thread, and takes one file after another. Returns the number of parts that are not events. An
    /// error is a file that can't be read to its end.
    pub(super) fn read<W: Send>(
        &self,
        what: &str,
        workers: &mut [W],
        take: impl Fn(&mut W, &Event) -> ControlFlow<()> + Sync,
    ) -> Result<u64> {
        let (bar, next, done) = (ProgressBar::new(), AtomicUsize::new(0), AtomicUsize::new(0));
        let total = Mutex::new(Faults::default());
        let work = |worker: &mut W| {
            while let Some(path) = self.paths.get(next.fetch_add(1, Relaxed)) {
                let mut faults = Faults::default();
                let read = self.read_one(path, &mut faults, |event| take(worker, event));
                bar.draw(done.fetch_add(1, Relaxed) + 1, self.paths.len(), what);
                let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                total.malformed += faults.malformed;
                total.broken = total.broken.take().or(faults.broken);
                if read.is_break() || total.broken.is_some() {
                    // The others stop after their files.
                    next.store(self.paths.len(), Relaxed);
                }
            }
        };
        let work = &work;
        std::thread::scope(|scope| {
            for worker in workers {
                scope.spawn(move || work(worker));
            }
        });
        bar.end();
        let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
        match total.broken {
            // An export that is not whole would hide what is missing.
            Some(why) => bail!("{why}"),
            None => Ok(total.malformed),
        }
    }

    fn read_one(
        &self,
        path: &Path,
        faults: &mut Faults,
        mut take: impl FnMut(&Event) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let options = archive::Options {
            max_event_bytes: self.max_event_bytes,
            received_ms: 0,
        };
        archive::each(path, options, &mut |piece| {
            match piece {
                Piece::Event(event, _) => return take(&event),
                Piece::Malformed(found, _, _) => faults.malformed += found.parts,
                Piece::Broken(error) => {
                    faults.broken.get_or_insert_with(|| error.to_string());
                }
                Piece::Skipped(_) => {}
            }
            ControlFlow::Continue(())
        })
    }
}
