//! Making previews beside the screen: on a thread of their own, newest events first, from the
//! start again whenever what is proposed has changed.

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

/// So many events are taken out of the ring at once.
const CHUNK: u64 = 4_096;
/// What is found so far is shown this often.
const SHOWN: Duration = Duration::from_millis(50);
/// A preview that is whole is made anew after this time: events go on coming by.
const AGAIN: Duration = Duration::from_secs(2);

/// What a preview compares, and by what terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The filters in force.
    pub before: Filters,
    /// Those that are proposed.
    pub after: Filters,
    /// How events make up requests.
    pub batching: Batching,
    /// Whether updates of properties are sent.
    pub send_users: bool,
}

/// Makes previews on a ring.
#[derive(Debug)]
pub struct Previewer {
    ring: SharedRing,
    asked: Option<Question>,
    work: Option<Work>,
    /// When the last preview was whole.
    done: Option<Instant>,
}

#[derive(Debug)]
struct Work {
    told: mpsc::UnboundedReceiver<Preview>,
    stop: Arc<AtomicBool>,
}

impl Drop for Work {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
    }
}

impl Previewer {
    /// One that is asked nothing yet.
    pub fn new(ring: SharedRing) -> Self {
        Self {
            ring,
            asked: None,
            work: None,
            done: None,
        }
    }

    /// What is proposed now, if anything; where that is as before, nothing changes.
    pub fn ask(&mut self, question: Option<Question>) {
        let is_old = self.done.is_some_and(|at| at.elapsed() >= AGAIN);
        if question == self.asked && !(is_old && question.is_some()) {
            return;
        }
        self.done = None;
        self.work = question.as_ref().and_then(|question| self.start(question));
        self.asked = question;
    }

    /// None where the draft does not compile: its editor says so.
    fn start(&self, question: &Question) -> Option<Work> {
        let comparison = Comparison::new(&question.before, &question.after).ok()?;
        let (tell, told) = mpsc::unbounded_channel();
        let stop = Arc::new(AtomicBool::new(false));
        let (ring, stopped) = (self.ring.clone(), stop.clone());
        let (batching, send_users) = (question.batching, question.send_users);
        tokio::task::spawn_blocking(move || {
            let of = ring.lock().row().events;
            let mut previewing = PreviewBuilder::new(comparison, batching, send_users, of);
            make(&ring, &mut previewing, &stopped, |preview| {
                tell.send(preview).is_ok()
            });
        });
        Some(Work { told, stop })
    }

    /// The next that is known of the preview.
    pub async fn next(&mut self) -> Preview {
        loop {
            let Some(work) = &mut self.work else {
                return std::future::pending().await;
            };
            match work.told.recv().await {
                Some(preview) => return preview,
                None => {
                    self.work = None;
                    self.done = Some(Instant::now());
                }
            }
        }
    }
}

/// Shows the ring's events to `previewing`, newest first, and what it shows to `tell`.
pub fn make(
    ring: &SharedRing,
    previewing: &mut PreviewBuilder,
    stop: &AtomicBool,
    mut tell: impl FnMut(Preview) -> bool,
) {
    let mut before = ring.lock().end();
    let mut shown = Instant::now();
    loop {
        let (from, mut chunk) = {
            let ring = ring.lock();
            let from = before.saturating_sub(CHUNK).max(ring.first());
            let count = before.saturating_sub(from) as usize;
            let chunk: Vec<PreviewEvent> = ring.from(from).take(count).filter_map(seen).collect();
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
            if !tell(previewing.preview()) {
                return;
            }
        }
    }
    previewing.finish();
    tell(previewing.preview());
}

/// What a preview needs of a record; nothing where it is no event.
pub(crate) fn seen(record: &Record) -> Option<PreviewEvent> {
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
