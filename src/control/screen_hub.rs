//! The source of all attached screens: it follows the ring once, whatever their number.
//!
//! As long as a screen is attached, a [`Tick`] is made five times a second and given to all of them. The
//! forwarder keeps no more than the last few: a screen that is slower misses some, and is told how much
//! that was.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, MissedTickBehavior};

use crate::filter::Mode;
use crate::privacy::ViewerMask;
use crate::protocol::{Record, Snapshot};
use crate::telemetry::ring::{Ring, SharedRing};
use crate::telemetry::story_changes::Follower;

use super::access::Role;
use super::screen_tick::{ChangedStory, Tick};
use super::skipped::Skipped;

/// Interval of ticks.
const EVERY: Duration = Duration::from_millis(200);
/// Maximum interval of snapshots of which nothing but the time has changed.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(1);
/// Maximum events of a tick: 1,000 a second are more than anyone reads.
const MAX_RECORDS: u64 = 200;
/// Maximum story changes that a tick looks at; the next one goes on with the rest.
const MAX_CHANGES: usize = 16_384;
/// Ticks that are kept for a screen that is slow.
const KEPT_TICKS: usize = 8;

/// The source of all attached screens.
#[derive(Debug)]
pub(super) struct ScreenHub {
    ring: SharedRing,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    /// The mask of people for these screens.
    mask: Option<ViewerMask>,
    /// None as long as no screen is attached.
    driver: Mutex<Option<Driver>>,
    viewers: AtomicU64,
    operators: AtomicU64,
}

/// What the next tick begins with.
#[derive(Debug)]
struct Driver {
    sender: broadcast::Sender<Arc<Tick>>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    follower: Follower,
    /// The sequence number of the next event.
    next: u64,
    skipped: Skipped,
    /// When the last snapshot was sent, and what it said of filters and mode: a change is sent at once.
    sent: Instant,
    shown: (u64, Option<Mode>),
    last: Arc<Tick>,
}

/// The ticks for one screen.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) ticks: broadcast::Receiver<Arc<Tick>>,
    /// The first event that comes by a tick; the screen has to get the earlier ones otherwise.
    pub(super) next: u64,
    _counted: Counted,
}

/// A screen that is counted until this is dropped.
#[derive(Debug)]
struct Counted(Arc<ScreenHub>, Role);

impl ScreenHub {
    /// The source of the screens on this ring and these snapshots. With a mask they see no people.
    pub(super) fn new(
        ring: SharedRing,
        snapshots: watch::Receiver<Arc<Snapshot>>,
        mask: Option<ViewerMask>,
    ) -> Arc<Self> {
        Arc::new(Self {
            ring,
            snapshots,
            mask,
            driver: Mutex::new(None),
            viewers: AtomicU64::new(0),
            operators: AtomicU64::new(0),
        })
    }

    pub(super) fn ring(&self) -> &SharedRing {
        &self.ring
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.masked_snapshot(self.snapshots.borrow().clone())
    }

    /// Whether people are masked.
    pub(super) fn masks_people(&self) -> bool {
        self.mask.is_some()
    }

    /// Records of the ring, as these screens may see them.
    pub(super) fn masked_records(&self, records: Vec<Record>) -> Vec<Record> {
        match &self.mask {
            Some(mask) => records.iter().map(|record| mask.record(record)).collect(),
            None => records,
        }
    }

    /// Stories of the ring, as these screens may see them.
    pub(super) fn masked_stories(&self, mut stories: Vec<ChangedStory>) -> Vec<ChangedStory> {
        if let Some(mask) = &self.mask {
            for (_, story) in &mut stories {
                *story = mask.story(story);
            }
        }
        stories
    }

    fn masked_snapshot(&self, snapshot: Arc<Snapshot>) -> Arc<Snapshot> {
        match &self.mask {
            Some(mask) => Arc::new(mask.snapshot(&snapshot)),
            None => snapshot,
        }
    }

    /// Number of attached screens.
    pub(super) fn count(&self, role: Role) -> u64 {
        self.counter(role).load(Relaxed)
    }

    /// The ticks from now on, for a screen of somebody in this role.
    pub(super) fn join(self: &Arc<Self>, role: Role) -> Joined {
        let mut driver = self.driver();
        let running = match &mut *driver {
            Some(running) => running,
            stopped => {
                tokio::spawn(drive(self.clone()));
                stopped.insert(Driver::new(&self.ring, self.snapshots.clone()))
            }
        };
        // This screen may have got from the ring what the ticks left out.
        running.skipped.clear();
        self.counter(role).fetch_add(1, Relaxed);
        Joined {
            ticks: running.sender.subscribe(),
            next: running.next,
            _counted: Counted(self.clone(), role),
        }
    }

    /// Sends the next tick. Returns false once it is not needed any more.
    fn advance(&self) -> bool {
        let mut driver = self.driver();
        let Some(running) = &mut *driver else {
            return false;
        };
        let has_ended = running.snapshots.has_changed().is_err();
        if has_ended || running.sender.receiver_count() == 0 {
            *driver = None;
            return false;
        }
        let mut tick = running.tick(&self.ring);
        tick.records = self.masked_records(tick.records);
        tick.stories = self.masked_stories(tick.stories);
        tick.snapshot = tick.snapshot.map(|snapshot| self.masked_snapshot(snapshot));
        if !tick.is_empty() {
            tick.prepare(&running.last);
            running.last = Arc::new(tick);
            // The last screen may leave just now.
            let _ = running.sender.send(running.last.clone());
        }
        true
    }

    fn driver(&self) -> MutexGuard<'_, Option<Driver>> {
        self.driver.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counter(&self, role: Role) -> &AtomicU64 {
        match role {
            Role::Viewer => &self.viewers,
            Role::Operator => &self.operators,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.counter(self.1).fetch_sub(1, Relaxed);
    }
}

/// Sends ticks as long as a screen is attached and the pipeline runs.
async fn drive(hub: Arc<ScreenHub>) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if !hub.advance() {
            return;
        }
    }
}

impl Driver {
    fn new(ring: &SharedRing, snapshots: watch::Receiver<Arc<Snapshot>>) -> Self {
        let mut ring = ring.lock();
        Self {
            sender: broadcast::channel(KEPT_TICKS).0,
            snapshots,
            follower: ring.story_changes().follow(),
            next: ring.end(),
            skipped: Skipped::default(),
            sent: Instant::now(),
            shown: (0, None),
            last: Arc::default(),
        }
    }

    fn tick(&mut self, ring: &SharedRing) -> Tick {
        let mut ring = ring.lock();
        let mut tick = Tick {
            from: self.next,
            ..Tick::default()
        };
        let end = ring.end().max(self.next);
        let first = self
            .next
            .max(end.saturating_sub(MAX_RECORDS))
            .max(ring.first());
        // Shared texts: the copies are small.
        tick.records = ring.from(first).cloned().collect();
        tick.end = end;
        tick.stories = self.changed_stories(&mut ring);
        self.skipped.add(self.next..first.min(end));
        self.next = end;
        drop(ring);
        (tick.snapshot, tick.is_change) = self.snapshot_if_due();
        tick
    }

    /// The stories that changed, of earlier events that were not left out. New ones come with theirs.
    fn changed_stories(&mut self, ring: &mut Ring) -> Vec<ChangedStory> {
        let mut numbers = ring.story_changes().next(&mut self.follower, MAX_CHANGES);
        numbers.retain(|number| *number < self.next && !self.skipped.contains(*number));
        // Of several changes the story tells the last.
        numbers.sort_unstable();
        numbers.dedup();
        let found = numbers.into_iter().filter_map(|number| ring.get(number));
        found
            .map(|record| (record.sequence, record.story.clone()))
            .collect()
    }

    /// The state if it is due, and whether filters or mode have changed in it.
    fn snapshot_if_due(&mut self) -> (Option<Arc<Snapshot>>, bool) {
        let now = {
            let snapshot = self.snapshots.borrow();
            (snapshot.filters_version, snapshot.mode)
        };
        let is_change = now != self.shown;
        let is_due = self.sent.elapsed() >= SNAPSHOT_EVERY || is_change;
        if !is_due || !self.snapshots.has_changed().unwrap_or_default() {
            return (None, false);
        }
        self.sent = Instant::now();
        self.shown = now;
        let snapshot = self.snapshots.borrow_and_update().clone();
        (Some(snapshot), is_change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Decision;
    use crate::protocol::tests_support::record;
    use crate::protocol::{Outcome, Record, Story};

    fn records(numbers: std::ops::Range<u64>) -> impl Iterator<Item = Record> {
        let text = r#"{"event_type":"A","user_id":"u"}"#;
        numbers.map(move |n| record(n, text, Decision::Accepted, Outcome::OnItsWay))
    }

    #[tokio::test]
    async fn all_screens_get_the_same_tick_and_stories_only_of_what_they_got() {
        let ring = SharedRing::new(1 << 24);
        ring.lock().extend(records(1..11));
        let (_sender, snapshots) = watch::channel(Arc::default());
        let hub = ScreenHub::new(ring.clone(), snapshots, None);
        let mut screens: Vec<Joined> = [Role::Viewer, Role::Operator, Role::Operator]
            .map(|role| hub.join(role))
            .into();
        assert_eq!((hub.count(Role::Viewer), hub.count(Role::Operator)), (1, 2));
        ring.lock().extend(records(11..1_011));
        let change = |number| {
            let change = |story: &mut Story| story.outcome = Outcome::DryRun;
            ring.lock().update(number, change);
        };
        [5, 20, 1_000].into_iter().for_each(change);
        let mut ticks = Vec::new();
        for screen in &mut screens {
            assert_eq!(screen.next, 11);
            ticks.push(screen.ticks.recv().await.unwrap());
        }
        assert!(Arc::ptr_eq(&ticks[0], &ticks[1]) && Arc::ptr_eq(&ticks[1], &ticks[2]));
        let tick = &ticks[0];
        assert_eq!((tick.from, tick.records[0].sequence), (11, 811));
        assert_eq!(tick.records.len(), 200);
        let numbers: Vec<u64> = tick.stories.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [5], "the others are new");
        assert_eq!(tick.records[189].story.outcome, Outcome::DryRun);
        [20, 999].into_iter().for_each(change);
        let later = screens[0].ticks.recv().await.unwrap();
        let numbers: Vec<u64> = later.stories.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [999], "20 was left out");
        drop(screens);
        assert_eq!((hub.count(Role::Viewer), hub.count(Role::Operator)), (0, 0));
        tokio::time::sleep(EVERY * 2).await;
        assert!(hub.driver().is_none(), "nothing is done for nobody");
    }

    #[tokio::test]
    async fn the_ticks_end_with_the_pipeline() {
        let (sender, snapshots) = watch::channel(Arc::default());
        let hub = ScreenHub::new(SharedRing::new(1 << 20), snapshots, None);
        let mut screen = hub.join(Role::Operator);
        drop(sender);
        assert!(screen.ticks.recv().await.is_err());
    }
}
