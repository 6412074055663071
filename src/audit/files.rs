//! Reading the files of an export.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use super::collect::{Collected, Collector};
use super::error::AuditError;
use crate::amplitude::Event;
use crate::amplitude::archive::{self, ArchiveError, Piece};

/// Files with the events of an export.
#[derive(Debug, Clone)]
pub struct EventFiles {
    /// The files.
    pub paths: Arc<[PathBuf]>,
    /// Maximum size of an event in bytes; larger ones are left out.
    pub max_event_bytes: usize,
}

/// Takes the number of files that were read, and says whether to go on.
pub type Progress<'p> = dyn Fn(usize) -> ControlFlow<()> + Sync + 'p;

/// The faults in files.
#[derive(Default)]
struct Faults {
    /// Parts that are not events.
    malformed: u64,
    /// Why a file can't be read to its end.
    broken: Option<ArchiveError>,
}

impl EventFiles {
    /// Passes each event to `take` until it breaks, and calls `progress` after each file. Each worker has
    /// a thread, and takes one file after another. Returns the number of parts that are not events. An
    /// error is a file that can't be read to its end: an export that is not whole would hide what is
    /// missing.
    pub fn read<W: Send>(
        &self,
        workers: &mut [W],
        progress: &Progress<'_>,
        take: impl Fn(&mut W, &Event) -> ControlFlow<()> + Sync,
    ) -> Result<u64, AuditError> {
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let total = Mutex::new((Faults::default(), false));
        let work = |worker: &mut W| {
            while let Some(path) = self.paths.get(next.fetch_add(1, Relaxed)) {
                let mut faults = Faults::default();
                let read = self.read_one(path, &mut faults, |event| take(worker, event));
                let goes_on = progress(done.fetch_add(1, Relaxed) + 1);
                let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                total.0.malformed += faults.malformed;
                total.0.broken = total.0.broken.take().or(faults.broken);
                total.1 |= goes_on.is_break();
                if read.is_break() || total.0.broken.is_some() || total.1 {
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
        let (faults, is_stopped) = total.into_inner().unwrap_or_else(PoisonError::into_inner);
        match faults.broken {
            Some(error) => Err(error.into()),
            None if is_stopped => Err(AuditError::Stopped),
            None => Ok(faults.malformed),
        }
    }

    /// Collects the events, with a thread for each collector. Returns the number of parts that are not
    /// events, too.
    pub fn collect(
        &self,
        mut collectors: Vec<Collector>,
        progress: &Progress<'_>,
    ) -> Result<(Collected, u64), AuditError> {
        let add = |collector: &mut Collector, event: &Event| {
            if collector.add(event) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        let malformed = self.read(&mut collectors, progress, add)?;
        Ok((Collector::finish(collectors)?, malformed))
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
                    faults.broken.get_or_insert(error);
                }
                Piece::Skipped(_) => {}
            }
            ControlFlow::Continue(())
        })
    }
}
