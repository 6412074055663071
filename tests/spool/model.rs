//! A plain model of the spool, and a bench that does the same to both.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proptest::prelude::*;
use sluicegate::customerio::Item;
use sluicegate::customerio::Route;
use sluicegate::delivery::spool::Spool;
use sluicegate::delivery::spool::dead_letters::DeadLetter;
use sluicegate::delivery::{Accepted, History, Part, SpoolPosition, Undelivered};
use ulid::Ulid;

use crate::disk::Disk;

pub const NOW: i64 = 1_800_000_000_000;

/// Something that is done to a spool.
#[derive(Debug, Clone)]
pub enum Step {
    /// Items of these people and sizes are appended.
    Append(Vec<(u64, usize)>),
    /// Some of those that wait are settled: every n-th from a first one on.
    Settle { first: usize, every: usize },
    /// One of those that wait has failed.
    Reschedule { which: usize },
    /// One of those that wait becomes a dead letter.
    DeadLetter { which: usize },
    /// Everything so far is made durable.
    Commit { progress: bool },
    /// A commit during whose n-th write the power fails.
    CrashIn { writes: u64, progress: bool },
    /// A commit on a disk that is full for a while.
    CommitOnFullDisk { writes: u64 },
    /// The process ends and another one begins.
    Restart,
}

pub fn step() -> impl Strategy<Value = Step> {
    let items = proptest::collection::vec((0_u64..5, 1_usize..6_000), 1..30);
    prop_oneof![
        4 => items.prop_map(Step::Append),
        3 => (0_usize..60, 1_usize..4).prop_map(|(first, every)| Step::Settle { first, every }),
        1 => (0_usize..60).prop_map(|which| Step::Reschedule { which }),
        1 => (0_usize..60).prop_map(|which| Step::DeadLetter { which }),
        4 => any::<bool>().prop_map(|progress| Step::Commit { progress }),
        3 => (1_u64..40, any::<bool>()).prop_map(|(writes, progress)| Step::CrashIn { writes, progress }),
        1 => (1_u64..12).prop_map(|writes| Step::CommitOnFullDisk { writes }),
        1 => Just(Step::Restart),
    ]
}

/// The items of a spool: text and failures by position.
pub type Held = BTreeMap<SpoolPosition, (String, u32)>;

/// A spool as it should be.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The durable items.
    pub held: Held,
    pub letters: u64,
    /// The number of the newest chunk.
    pub chunk: u64,
    // What the next commit makes durable:
    pub appended: Vec<String>,
    pub settled: BTreeSet<SpoolPosition>,
    pub failed: BTreeMap<SpoolPosition, u32>,
    pub new_letters: u64,
}

impl Model {
    /// Items that may be settled: durable, and not settled since.
    pub fn waiting(&self) -> Vec<SpoolPosition> {
        let positions = self.held.keys().copied();
        positions
            .filter(|position| !self.settled.contains(position))
            .collect()
    }

    /// The model after a commit.
    pub fn committed(&self, progress: bool) -> Self {
        let mut after = self.clone();
        let with_progress = progress || self.new_letters > 0;
        for (position, failures) in std::mem::take(&mut after.failed) {
            if let Some(held) = after.held.get_mut(&position) {
                held.1 = failures;
            }
        }
        for position in self.settled.iter().copied() {
            let chunk = self.held.keys().filter(|p| p.chunk == position.chunk);
            let whole = chunk.clone().all(|p| self.settled.contains(p));
            if with_progress || whole {
                after.held.remove(&position);
                after.settled.remove(&position);
            }
        }
        if !self.appended.is_empty() {
            after.chunk += 1;
            for (item, text) in std::mem::take(&mut after.appended).into_iter().enumerate() {
                let position = SpoolPosition {
                    chunk: after.chunk,
                    item: item as u32,
                };
                after.held.insert(position, (text, 0));
            }
        }
        after.letters += std::mem::take(&mut after.new_letters);
        after
    }

    /// The model after a crash: changes that were not durable are gone.
    pub fn crashed(&self) -> Self {
        Self {
            held: self.held.clone(),
            letters: self.letters,
            chunk: self.chunk,
            ..Self::default()
        }
    }
}

pub fn accepted(number: u64, person: u64, bytes: usize) -> Accepted {
    let text = format!("{person}:{number}:{}", "x".repeat(bytes));
    let item = Item {
        id: Ulid::from_parts(number, 0),
        person,
        route: Route::Batch,
        body: Bytes::from(text),
    };
    Accepted {
        item,
        sequence: number,
        part: Part::Event,
        event_type: "Step".into(),
        happened_ms: NOW,
        received_ms: NOW,
        origin: None,
    }
}

pub fn letter(accepted: Accepted) -> DeadLetter {
    DeadLetter {
        number: 0,
        at_ms: NOW,
        why: Undelivered::Discarded,
        reason: "invalid".to_owned(),
        field: String::new(),
        answer: "400".to_owned(),
        message: String::new(),
        history: History::default(),
        again: false,
        accepted,
    }
}

/// Everything that a spool holds, in its order.
pub fn read(spool: &mut Spool) -> Held {
    let (mut held, mut after, mut last) = (Held::new(), 0, SpoolPosition::default());
    loop {
        let loaded = spool.load(after, 10_000, NOW).unwrap();
        let ended = loaded.items.is_empty() && loaded.last_chunk == spool.newest();
        for (queued, _) in loaded.items {
            assert!(
                queued.position > last,
                "out of order: {:?}",
                queued.position
            );
            last = queued.position;
            let text = String::from_utf8(queued.accepted.item.body.to_vec()).unwrap();
            held.insert(queued.position, (text, queued.history.failures));
        }
        if ended || loaded.last_chunk == after {
            return held;
        }
        after = loaded.last_chunk;
    }
}

/// The spool, its disk, and what they should hold.
pub struct Bench {
    pub disk: Disk,
    pub spool: Option<Spool>,
    pub model: Model,
    pub number: u64,
}

impl Bench {
    pub fn new(seed: u64) -> Self {
        let disk = Disk::new(seed);
        Self {
            spool: Some(Spool::on(disk.open().unwrap()).unwrap()),
            disk,
            model: Model::default(),
            number: 0,
        }
    }

    pub fn spool(&mut self) -> &mut Spool {
        self.spool.as_mut().unwrap()
    }

    pub fn take(&mut self, step: Step) {
        match step {
            Step::Append(items) => {
                for (person, bytes) in items {
                    self.number += 1;
                    let item = accepted(self.number, person, bytes);
                    let text = String::from_utf8(item.item.body.to_vec()).unwrap();
                    self.model.appended.push(text);
                    self.spool().append([item]);
                }
            }
            Step::Settle { first, every } => {
                let positions: Vec<SpoolPosition> = self
                    .model
                    .waiting()
                    .into_iter()
                    .skip(first)
                    .step_by(every)
                    .collect();
                self.model.settled.extend(&positions);
                self.spool().settle(positions);
            }
            Step::Reschedule { which } => {
                if let Some(position) = self.model.waiting().get(which).copied() {
                    let known = self.model.failed.get(&position).copied();
                    let failures = known.unwrap_or(self.model.held[&position].1) + 1;
                    self.model.failed.insert(position, failures);
                    let history = History {
                        failures,
                        ..History::default()
                    };
                    self.spool().reschedule([(position, history)], NOW);
                }
            }
            Step::DeadLetter { which } => {
                if let Some(position) = self.model.waiting().get(which).copied() {
                    self.model.settled.insert(position);
                    self.model.new_letters += 1;
                    self.spool()
                        .dead_letter(position, letter(accepted(0, 0, 1)));
                }
            }
            Step::Commit { progress } => {
                self.spool().commit(NOW, progress).unwrap();
                self.model = self.model.committed(progress);
            }
            Step::CrashIn { writes, progress } => self.crash(writes, progress),
            Step::CommitOnFullDisk { writes } => self.commit_on_full_disk(writes),
            Step::Restart => {
                // Closing cleanly makes nothing durable that no commit did.
                self.spool = None;
                self.reopen();
                self.model = self.model.crashed();
            }
        }
    }

    /// Commits until the disk has room again.
    fn commit_on_full_disk(&mut self, writes: u64) {
        self.disk.fill_for(writes);
        let mut tries = 0;
        while self.spool().commit(NOW, true).is_err() {
            tries += 1;
            assert!(tries < 50, "it never comes to itself");
        }
        self.disk.fill_for(0);
        self.model = self.model.committed(true);
    }

    /// A commit in which the power goes: it has happened whole, or not at all.
    pub fn crash(&mut self, writes: u64, progress: bool) {
        self.disk.crash_after(writes);
        let committed = self.spool().commit(NOW, progress);
        let after = self.model.committed(progress).crashed();
        let before = self.model.crashed();
        self.spool = None;
        self.disk.restart();
        self.reopen();
        let held = read(self.spool());
        let letters = self.spool().status().dead_letters;
        let is = |model: &Model| held == model.held && letters == model.letters;
        if committed.is_ok() {
            assert!(is(&after), "what was committed is not there");
        }
        self.model = if is(&after) {
            after
        } else {
            assert!(
                is(&before),
                "it is neither as it was before nor as after\n{held:?}"
            );
            before
        };
    }

    pub fn reopen(&mut self) {
        self.spool = Some(Spool::on(self.disk.open().unwrap()).unwrap());
    }

    pub fn check(&mut self) {
        let mut expected = self.model.held.clone();
        // What is settled and not written down is settled as long as the process lives.
        expected.retain(|position, _| !self.model.settled.contains(position));
        let waiting = expected.len() as u64;
        let held = read(self.spool());
        let texts = |held: &Held| {
            held.values()
                .map(|(text, _)| text.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(held, expected);
        let some: Vec<(SpoolPosition, History)> = held
            .iter()
            .step_by(3)
            .map(|(position, (_, failures))| {
                (
                    *position,
                    History {
                        failures: *failures,
                        ..History::default()
                    },
                )
            })
            .collect();
        let fetched = self.spool().fetch(&some, NOW).unwrap();
        assert_eq!(fetched.len(), some.len());
        for (queued, (position, history)) in fetched.iter().zip(&some) {
            assert_eq!((queued.position, queued.history), (*position, *history));
            assert_eq!(queued.accepted.item.body, held[position].0.as_bytes());
        }
        let status = self.spool().status();
        assert_eq!(status.items, waiting);
        assert_eq!(
            status.dead_letters,
            self.model.letters + self.model.new_letters
        );
        let mut orders: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for text in texts(&held) {
            let mut parts = text.split(':');
            let person = parts.next().unwrap().to_owned();
            let number = parts.next().unwrap().parse().unwrap();
            orders.entry(person).or_default().push(number);
        }
        assert!(orders.values().all(|order| order.is_sorted()), "{orders:?}");
    }
}
