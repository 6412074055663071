//! Previews, computed on a thread of their own, the newest events first. A change of the proposed
//! filters restarts the computation.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::filter::Filters;
use crate::filter::preview::{Batching, Comparison, Preview, PreviewBuilder, PreviewEvent};
use crate::limits::Policy;
use crate::protocol::{Content, Record};
use crate::telemetry::ring::SharedRing;

/// Events read from the ring at once.
const CHUNK: u64 = 4_096;
/// Interval of intermediate results.
const SHOWN: Duration = Duration::from_millis(50);
/// Age after which a complete preview is computed again, with the new events.
const AGAIN: Duration = Duration::from_secs(2);

/// The input of a preview.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The active filters.
    pub before: Filters,
    /// The proposed filters.
    pub after: Filters,
    /// The limits of a batch.
    pub batching: Batching,
    /// Whether property updates are sent (`mapping.send_users`).
    pub send_users: bool,
}

/// Computes previews of the events in a ring.
#[derive(Debug)]
pub struct Previewer {
    ring: SharedRing,
    asked: Option<Question>,
    work: Option<Work>,
    /// The time at which the last preview was complete.
    done: Option<Instant>,
}

#[derive(Debug)]
struct Work {
    results: mpsc::UnboundedReceiver<Preview>,
    stop: Arc<AtomicBool>,
}

impl Drop for Work {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
    }
}

impl Previewer {
    /// A previewer without a question.
    pub fn new(ring: SharedRing) -> Self {
        Self {
            ring,
            asked: None,
            work: None,
            done: None,
        }
    }

    /// Sets the question. The same question again changes nothing, unless the preview is old.
    pub fn ask(&mut self, question: Option<Question>) {
        let is_old = self.done.is_some_and(|at| at.elapsed() >= AGAIN);
        if question == self.asked && !(is_old && question.is_some()) {
            return;
        }
        self.done = None;
        self.work = question.as_ref().and_then(|question| self.start(question));
        self.asked = question;
    }

    /// None if the draft does not compile; the editor shows the error.
    fn start(&self, question: &Question) -> Option<Work> {
        let comparison = Comparison::new(&question.before, &question.after).ok()?;
        let (sender, results) = mpsc::unbounded_channel();
        let stop = Arc::new(AtomicBool::new(false));
        let (ring, stopped) = (self.ring.clone(), stop.clone());
        let (batching, send_users) = (question.batching, question.send_users);
        tokio::task::spawn_blocking(move || {
            let of = ring.lock().row().events;
            let mut previewing = PreviewBuilder::new(comparison, batching, send_users, of);
            make(&ring, &mut previewing, &stopped, |preview| {
                sender.send(preview).is_ok()
            });
        });
        Some(Work { results, stop })
    }

    /// Waits for the next result.
    pub async fn next(&mut self) -> Preview {
        loop {
            let Some(work) = &mut self.work else {
                return std::future::pending().await;
            };
            match work.results.recv().await {
                Some(preview) => return preview,
                None => {
                    self.work = None;
                    self.done = Some(Instant::now());
                }
            }
        }
    }
}

/// Feeds the events of the ring to `previewing`, the newest first, and sends its results.
pub fn make(
    ring: &SharedRing,
    previewing: &mut PreviewBuilder,
    stop: &AtomicBool,
    mut send: impl FnMut(Preview) -> bool,
) {
    let mut before = ring.lock().end();
    let mut shown = Instant::now();
    loop {
        let (from, mut chunk) = {
            let ring = ring.lock();
            let from = before.saturating_sub(CHUNK).max(ring.first());
            let count = before.saturating_sub(from) as usize;
            let chunk: Vec<PreviewEvent> = ring
                .from(from)
                .take(count)
                .filter_map(preview_input)
                .collect();
            (from, chunk)
        };
        if from >= before {
            break;
        }
        before = from;
        chunk.reverse();
        previewing.add(&chunk);
        if stop.load(Relaxed) {
            return;
        }
        if shown.elapsed() >= SHOWN {
            shown = Instant::now();
            if !send(previewing.preview()) {
                return;
            }
        }
    }
    previewing.finish();
    send(previewing.preview());
}

/// The part of a record that a preview needs. None if it holds no event.
pub(crate) fn preview_input(record: &Record) -> Option<PreviewEvent> {
    let Content::Event { event, event_type } = &record.content else {
        return None;
    };
    let mut violations = record.story.violations.iter();
    Some(PreviewEvent {
        sequence: record.sequence,
        event: event.clone(),
        event_type: event_type.clone(),
        is_rejected: violations.any(|v| v.policy == Policy::Reject),
    })
}
