//! The spool against a plain model of it, on a disk that loses unsynced writes: whatever is
//! appended, read and settled, and with whichever write a crash comes, it keeps its promises.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "spool/chunk_files.rs"]
mod chunk_files;
#[path = "spool/damage.rs"]
mod damage;
#[path = "common/disk.rs"]
mod disk;
#[path = "spool/model.rs"]
mod model;

use disk::Disk;
use model::{Bench, NOW, Step, accepted, letter, read, step};
use proptest::prelude::*;
use sluicegate::delivery::spool::Spool;
use sluicegate::delivery::spool::dead_letters::{DeadLetter, DeadLetterSelection, DeadLetters};
use sluicegate::delivery::{History, SpoolPosition};

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
        bench.take(Step::DeadLetter { which: 1 });
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
    assert!(refused.contains("not a spool of this version"), "{refused}");
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

#[test]
fn a_spool_with_the_large_pages_of_an_earlier_version_keeps_its_log_short() {
    let dir = tempfile::tempdir().unwrap();
    let db = rusqlite::Connection::open(dir.path().join("spool.db")).unwrap();
    db.execute_batch("pragma page_size = 65536; create table other (a); drop table other;")
        .unwrap();
    drop(db);
    let mut spool = Spool::open(dir.path()).unwrap();
    for chunk in 0..200 {
        spool.append([accepted(chunk, 1, 100_000)]);
        spool.commit(NOW, true).unwrap();
    }
    let log = std::fs::metadata(dir.path().join("spool.db-wal")).unwrap();
    assert!(log.len() < 12 << 20, "{} bytes", log.len());
    assert_eq!(read(&mut spool).len(), 200);
}
