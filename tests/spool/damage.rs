//! A spool in a real folder whose files are damaged.

use std::path::Path;

use sluicegate::delivery::spool::Spool;
use sluicegate::delivery::{SpoolPosition, Undelivered};

use crate::model::{NOW, accepted, letter, read};

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

/// Opens a damaged spool. Returns the number of items, the number of lost ones, and the notices.
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
