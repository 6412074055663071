//! The spool against a plain model of it, on a disk that forgets: whatever is appended, read
//! and settled, and with whichever write a crash comes, it keeps what it promises.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "common/disk.rs"]
mod disk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bytes::Bytes;
use disk::Disk;
use proptest::prelude::*;
use sluicegate::customerio::Item;
use sluicegate::customerio::mapping::Route;
use sluicegate::delivery::spool::Spool;
use sluicegate::delivery::spool::dead_letters::{DeadLetter, DeadLetterSelection, DeadLetters};
use sluicegate::delivery::{Accepted, History, Part, SpoolPosition, Undelivered};
use ulid::Ulid;

const NOW: i64 = 1_800_000_000_000;

/// Something that is done to a spool.
#[derive(Debug, Clone)]
enum Step {
    /// Items of these people and sizes are appended.
    Append(Vec<(u64, usize)>),
    /// Some of those that wait are settled: every n-th from a first one on.
    Settle { first: usize, every: usize },
    /// One of those that wait has failed.
    PutOff { which: usize },
    /// One of those that wait becomes a dead letter.
    Bury { which: usize },
    /// Everything so far is made durable.
    Commit { progress: bool },
    /// The same, and the power goes with the n-th write of it.
    CrashIn { writes: u64, progress: bool },
    /// The same on a disk that is full for a while.
    CommitOnFullDisk { writes: u64 },
    /// The process ends and another one begins.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let items = proptest::collection::vec((0_u64..5, 1_usize..6_000), 1..30);
    prop_oneof![
        4 => items.prop_map(Step::Append),
        3 => (0_usize..60, 1_usize..4).prop_map(|(first, every)| Step::Settle { first, every }),
        1 => (0_usize..60).prop_map(|which| Step::PutOff { which }),
        1 => (0_usize..60).prop_map(|which| Step::Bury { which }),
        4 => any::<bool>().prop_map(|progress| Step::Commit { progress }),
        3 => (1_u64..40, any::<bool>()).prop_map(|(writes, progress)| Step::CrashIn { writes, progress }),
        1 => (1_u64..12).prop_map(|writes| Step::CommitOnFullDisk { writes }),
        1 => Just(Step::Restart),
    ]
}

/// What a spool holds: by position, an item's text and its failures.
type Held = BTreeMap<SpoolPosition, (String, u32)>;

/// A spool as it should be.
#[derive(Debug, Clone, Default)]
struct Model {
    /// What is durable.
    held: Held,
    letters: u64,
    /// The number of the newest chunk.
    chunk: u64,
    // What the next commit makes durable:
    appended: Vec<String>,
    settled: BTreeSet<SpoolPosition>,
    failed: BTreeMap<SpoolPosition, u32>,
    buried: u64,
}

impl Model {
    /// What may be settled: it is durable, and not settled since.
    fn waiting(&self) -> Vec<SpoolPosition> {
        let positions = self.held.keys().copied();
        positions
            .filter(|position| !self.settled.contains(position))
            .collect()
    }

    /// How it is once a commit is done.
    fn committed(&self, progress: bool) -> Self {
        let mut after = self.clone();
        let with_progress = progress || self.buried > 0;
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
        after.letters += std::mem::take(&mut after.buried);
        after
    }

    /// How it is after a crash: what was not made durable did not happen.
    fn crashed(&self) -> Self {
        Self {
            held: self.held.clone(),
            letters: self.letters,
            chunk: self.chunk,
            ..Self::default()
        }
    }
}

fn accepted(number: u64, person: u64, bytes: usize) -> Accepted {
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
    }
}

fn letter(accepted: Accepted) -> DeadLetter {
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
fn read(spool: &mut Spool) -> Held {
    let (mut held, mut after, mut last) = (Held::new(), 0, SpoolPosition::default());
    loop {
        let loaded = spool.load(after, 10_000, NOW).unwrap();
        let ended = loaded.items.is_empty() && loaded.upto == spool.newest();
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
        if ended || loaded.upto == after {
            return held;
        }
        after = loaded.upto;
    }
}

/// The spool, its disk, and what they should hold.
struct Bench {
    disk: Disk,
    spool: Option<Spool>,
    model: Model,
    number: u64,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let disk = Disk::new(seed);
        Self {
            spool: Some(Spool::on(disk.open().unwrap()).unwrap()),
            disk,
            model: Model::default(),
            number: 0,
        }
    }

    fn spool(&mut self) -> &mut Spool {
        self.spool.as_mut().unwrap()
    }

    fn take(&mut self, step: Step) {
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
            Step::PutOff { which } => {
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
            Step::Bury { which } => {
                if let Some(position) = self.model.waiting().get(which).copied() {
                    self.model.settled.insert(position);
                    self.model.buried += 1;
                    self.spool()
                        .dead_letter(position, letter(accepted(0, 0, 1)));
                }
            }
            Step::Commit { progress } => {
                self.spool().commit(NOW, progress).unwrap();
                self.model = self.model.committed(progress);
            }
            Step::CrashIn { writes, progress } => self.crash(writes, progress),
            Step::CommitOnFullDisk { writes } => {
                self.disk.fill_for(writes);
                let mut tries = 0;
                while self.spool().commit(NOW, true).is_err() {
                    tries += 1;
                    assert!(tries < 50, "it never comes to itself");
                }
                self.disk.fill_for(0);
                self.model = self.model.committed(true);
            }
            Step::Restart => {
                // Closing cleanly makes nothing durable that no commit did.
                self.spool = None;
                self.reopen();
                self.model = self.model.crashed();
            }
        }
    }

    /// A commit in which the power goes: it has happened whole, or not at all.
    fn crash(&mut self, writes: u64, progress: bool) {
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

    fn reopen(&mut self) {
        self.spool = Some(Spool::on(self.disk.open().unwrap()).unwrap());
    }

    fn check(&mut self) {
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
        assert_eq!(status.dead_letters, self.model.letters + self.model.buried);
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_nothing_comes_back_and_each_persons_order_is_kept(
        steps in proptest::collection::vec(step(), 1..40),
        seed in any::<u64>(),
    ) {
        let mut bench = Bench::new(seed);
        for step in steps {
            bench.take(step);
            bench.check();
        }
        // And after all of it, in another process.
        bench.take(Step::Commit { progress: true });
        bench.take(Step::Restart);
        bench.check();
    }
}

/// Every write of one commit, one after the other: none of them is a bad moment.
#[test]
fn a_crash_with_any_write_of_a_commit_leaves_all_of_it_or_nothing() {
    let mut crashes = 0;
    for writes in 1.. {
        let mut bench = Bench::new(writes);
        bench.take(Step::Append((0..40).map(|n| (n % 3, 3_000)).collect()));
        bench.take(Step::Commit { progress: true });
        bench.take(Step::Settle { first: 0, every: 2 });
        bench.take(Step::Bury { which: 1 });
        bench.take(Step::Append((0..40).map(|n| (n % 3, 3_000)).collect()));
        bench.crash(writes, true);
        let through = bench.model.chunk == 2 && bench.disk.steps() > 0;
        crashes += 1;
        bench.check();
        if through && crashes > 10 {
            break;
        }
        assert!(writes < 200, "the commit never comes through");
    }
}

#[test]
fn a_flipped_bit_costs_one_item_which_becomes_a_dead_letter() {
    let disk = Disk::new(1);
    let mut spool = Spool::on(disk.open().unwrap()).unwrap();
    spool.append((0..200).map(|n| accepted(n, n % 7, 2_000)));
    spool.commit(NOW, true).unwrap();
    drop(spool);
    assert!(disk.damage(b"3:150:xxxx"));
    for _ in 0..2 {
        let mut spool = Spool::on(disk.open().unwrap()).unwrap();
        assert_eq!(read(&mut spool).len(), 199);
        spool.commit(NOW, true).unwrap();
        assert_eq!(
            (spool.status().items, spool.status().dead_letters),
            (199, 1)
        );
    }
}

#[test]
fn dead_letters_leave_when_their_time_is_over_unless_someone_wants_them_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(dir.path()).unwrap();
    spool.append((0..3).map(|n| accepted(n, 1, 10)));
    spool.commit(NOW, true).unwrap();
    for (item, at_ms) in [(0, NOW - 2_000), (1, NOW - 1_000), (2, NOW)] {
        let old = DeadLetter {
            at_ms,
            ..letter(accepted(u64::from(item), 1, 10))
        };
        spool.dead_letter(SpoolPosition { chunk: 1, item }, old);
    }
    spool.commit(NOW, true).unwrap();
    let letters = DeadLetters::open(dir.path()).unwrap().unwrap();
    letters.retry(&DeadLetterSelection::One(1)).unwrap();
    assert_eq!(spool.expire_dead_letters(NOW).unwrap(), 1, "the second one");
    spool.commit(NOW, true).unwrap();
    assert_eq!(letters.count(&DeadLetterSelection::All).unwrap(), 2);
    assert!(spool.check_outside_changes().unwrap());
    spool.commit(NOW, true).unwrap();
    assert_eq!(
        letters.page(&DeadLetterSelection::All, 0, 9).unwrap()[0].at_ms,
        NOW
    );
    assert_eq!(
        (spool.status().dead_letters, spool.status().items),
        (1, 1),
        "the first is back"
    );
}

/// A spool of 20 chunks of 50 items in a real folder.
fn in_folder(folder: &Path) {
    let mut spool = Spool::open(folder).unwrap();
    for chunk in 0..20 {
        spool.append((0..50).map(|n| accepted(chunk * 50 + n, n % 7, 1_500)));
        spool.note_message("ws://feed", &format!("m{chunk}"));
        spool.commit(NOW, true).unwrap();
    }
    spool.dead_letter(
        SpoolPosition { chunk: 1, item: 0 },
        letter(accepted(0, 0, 1_500)),
    );
    spool.commit(NOW, true).unwrap();
}

/// What a damaged spool is when it is opened: how many items are there, how many are lost, and
/// what is told.
fn opened(folder: &Path) -> (usize, u64, String) {
    let mut spool = Spool::open(folder).unwrap();
    let damage = spool.take_damage();
    (
        read(&mut spool).len(),
        damage.items,
        damage.notices.join("; "),
    )
}

/// Opens a spool of which these bytes were overwritten, and reads it; how many items are
/// there, how many lost, how many dead letters for being damaged, and what is told.
fn overwritten(from: f64, bytes: usize) -> (u64, u64, u64, String) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("spool");
    in_folder(&folder);
    let path = folder.join("spool.db");
    let mut all = std::fs::read(&path).unwrap();
    let from = (all.len() as f64 * from) as usize;
    all[from..from + bytes].fill(0xAA);
    std::fs::write(&path, &all).unwrap();
    let mut spool = Spool::open(&folder).unwrap();
    // Wherever the damage shows, at the start or when a chunk is read, it is mended.
    let held = loop {
        match spool.load(0, u64::MAX, NOW) {
            Ok(loaded) => break loaded.items.len() as u64,
            Err(error) => assert!(spool.repair(&error), "{error}"),
        }
    };
    spool.commit(NOW, true).unwrap();
    let damage = spool.take_damage();
    if !damage.notices.is_empty() {
        let kept = std::fs::read_dir(&folder).unwrap().flatten();
        let kept = kept.filter(|e| {
            e.file_name()
                .to_string_lossy()
                .starts_with("spool.damaged-")
        });
        assert_eq!(kept.count(), 1, "the damaged file is kept");
    }
    let rows = spool.dead_letter_rows(9).unwrap();
    let damaged = rows
        .iter()
        .filter(|row| row.group.why == Undelivered::Damaged);
    let letters = damaged.map(|row| row.count).sum();
    spool.append([accepted(9_999, 1, 10)]);
    spool.commit(NOW, true).unwrap();
    drop(spool);
    let again = opened(&folder);
    assert_eq!(
        (again.0 as u64, again.1),
        (held + 1, 0),
        "it is sound again"
    );
    (held, damage.items, letters, damage.notices.join("; "))
}

#[test]
fn a_file_with_damaged_pages_is_salvaged_and_what_is_lost_is_counted() {
    let mut whole = 0;
    for at in [0.1, 0.2, 0.4, 0.6, 0.8] {
        let (held, lost, letters, told) = overwritten(at, 200_000);
        assert_eq!(
            held + lost + letters,
            999,
            "{at}: {held} {lost} {letters} {told}"
        );
        assert!(held >= 400, "{at}: {held} {told}");
        assert!(
            lost == 0 || told.contains(&format!("{lost} items are lost")),
            "{told}"
        );
        whole += u64::from(lost == 0);
    }
    assert!(whole < 5, "the damage was never to more than single items");
    let (held, lost, _, told) = overwritten(0.0, 100);
    assert_eq!(
        (held, lost),
        (0, 999),
        "without its first page it is no database: {told}"
    );
}

#[test]
fn a_file_that_is_no_database_any_more_is_put_aside_and_told_of() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("spool");
    in_folder(&folder);
    std::fs::write(folder.join("spool.db"), vec![7; 100_000]).unwrap();
    let (held, lost, told) = opened(&folder);
    assert_eq!(held, 0);
    // How many there were is known from what was noted beside it.
    assert_eq!(lost, 999, "{told}");
    assert!(told.contains("spool.damaged-"), "{told}");
}

#[test]
fn a_salvage_that_a_crash_broke_off_is_finished_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("spool");
    in_folder(&folder);
    let database = folder.join("spool.db");
    let saved = folder.join("spool.db.saved");
    std::fs::copy(&database, &saved).unwrap();
    // Before the damaged file was put aside, and after.
    std::fs::write(&database, vec![7; 100_000]).unwrap();
    assert_eq!(opened(&folder), (999, 0, String::new()));
    assert!(!saved.exists());
    std::fs::rename(&database, &saved).unwrap();
    assert_eq!(opened(&folder), (999, 0, String::new()));
    // Before the new file was whole: the damaged one is salvaged again.
    std::fs::write(folder.join("spool.db.new"), "half of a file").unwrap();
    std::fs::write(&database, vec![7; 100_000]).unwrap();
    let (held, lost, told) = opened(&folder);
    assert_eq!((held, lost), (0, 999), "{told}");
}

#[test]
fn a_damaged_log_loses_its_end_which_is_counted_and_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("spool");
    let copy = dir.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    let mut spool = Spool::open(&folder).unwrap();
    for chunk in 0..20 {
        spool.append((0..50).map(|n| accepted(chunk * 50 + n, n % 7, 1_500)));
        spool.note_message("ws://feed", &format!("m{chunk}"));
        spool.commit(NOW, true).unwrap();
    }
    // As a kill leaves it: with its log.
    for name in ["spool.db", "spool.db-wal", "spool.tail"] {
        std::fs::copy(folder.join(name), copy.join(name)).unwrap();
    }
    let log = copy.join("spool.db-wal");
    let mut bytes = std::fs::read(&log).unwrap();
    let end = bytes.len() * 9 / 10;
    bytes[end] ^= 1;
    std::fs::write(&log, &bytes).unwrap();
    let mut spool = Spool::open(&copy).unwrap();
    let damage = spool.take_damage();
    let held = read(&mut spool).len() as u64;
    assert!(
        (700..1_000).contains(&held) && held.is_multiple_of(50),
        "{held}"
    );
    assert_eq!(damage.items, 1_000 - held);
    assert!(
        damage.notices[0].contains("end of the spool's log"),
        "{damage:?}"
    );
    let last = held / 50 - 1;
    assert_eq!(
        spool.last_message("ws://feed"),
        Some(format!("m{last}").as_str())
    );
    assert_eq!(spool.last_message("ws://another"), None);
    spool.note_message("ws://bob:pw@feed/?token=a", "whole");
    let masked = spool.last_message("ws://…@feed/?token=…");
    assert_eq!(masked, Some("whole"), "as earlier versions wrote it");
    spool.append([accepted(9_999, 1, 10)]);
    assert_eq!(
        spool.commit(NOW, true).unwrap().chunk,
        21,
        "numbers are not used twice"
    );
    drop(spool);
    assert_eq!(opened(&copy).1, 0, "it is told once");
}

#[test]
fn a_spool_is_for_one_destination_and_for_this_version() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let mut spool = Spool::open(folder).unwrap();
    spool.belong_to("site a").unwrap();
    spool.belong_to("site b").unwrap();
    spool.append([accepted(1, 1, 10)]);
    spool.commit(NOW, true).unwrap();
    let refused = spool.belong_to("site a").unwrap_err().to_string();
    assert!(refused.contains("holds 1 items for site b"), "{refused}");
    drop(spool);
    let db = rusqlite::Connection::open(folder.join("spool.db")).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let refused = Spool::open(folder).unwrap_err().to_string();
    assert!(refused.contains("no spool of this version"), "{refused}");
}

#[test]
fn a_spool_of_an_earlier_version_keeps_the_failures_of_its_items() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let mut spool = Spool::open(folder).unwrap();
    spool.append([accepted(1, 1, 10), accepted(2, 2, 10)]);
    spool.commit(NOW, true).unwrap();
    drop(spool);
    let db = rusqlite::Connection::open(folder.join("spool.db")).unwrap();
    db.execute_batch(
        "alter table retries drop column tried_ms;
         insert into retries values (1, 1, 3, 2, 1799999999000, 1800000005000);
         pragma user_version = 1;",
    )
    .unwrap();
    drop(db);
    let histories = |spool: &mut Spool| {
        let loaded = spool.load(0, 10_000, NOW).unwrap();
        let items = loaded.items.into_iter();
        items.map(|(queued, _)| queued.history).collect::<Vec<_>>()
    };
    let mut spool = Spool::open(folder).unwrap();
    let mut failed = History {
        requests: 3,
        failures: 2,
        first_ms: Some(1_799_999_999_000),
        tried_ms: 0,
    };
    assert_eq!(histories(&mut spool), [History::default(), failed]);
    failed.tried_ms = 70_000;
    spool.reschedule([(SpoolPosition { chunk: 1, item: 1 }, failed)], NOW);
    spool.commit(NOW, true).unwrap();
    drop(spool);
    let mut spool = Spool::open(folder).unwrap();
    assert_eq!(histories(&mut spool), [History::default(), failed]);
}
