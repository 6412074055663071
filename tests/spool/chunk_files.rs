//! A spool whose chunks are large enough for files of their own.

use std::fs;
use std::path::{Path, PathBuf};

use sluicegate::delivery::spool::Spool;
use sluicegate::delivery::{SpoolPosition, Undelivered};

use crate::model::{NOW, accepted, read};

/// Items of a chunk that gets a file, and their size.
const ITEMS: u64 = 200;
const BYTES: usize = 2_000;

/// Appends so many chunks, of which the first item is settled.
fn append(spool: &mut Spool, chunks: std::ops::Range<u64>) {
    for chunk in chunks {
        spool.append((0..ITEMS).map(|n| accepted(chunk * ITEMS + n, n % 7, BYTES)));
        spool.note_message("ws://feed", &format!("m{chunk}"));
        let committed = spool.commit(NOW + chunk as i64, true).unwrap();
        let first = SpoolPosition {
            chunk: committed.chunk,
            item: 0,
        };
        spool.settle([first]);
    }
    spool.commit(NOW, true).unwrap();
}

fn settle_all(spool: &mut Spool, chunk: u64) {
    spool.settle((0..ITEMS as u32).map(|item| SpoolPosition { chunk, item }));
    spool.commit(NOW, true).unwrap();
}

/// The files of chunks, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(folder.join("chunks")).unwrap().flatten();
    let mut files: Vec<PathBuf> = found.map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn texts(spool: &mut Spool) -> Vec<String> {
    let mut texts: Vec<String> = read(spool).into_values().map(|held| held.0).collect();
    texts.sort();
    texts
}

/// The folder as a power cut would leave it: a copy, as the process goes on.
fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("chunks")).unwrap();
    for name in ["spool.db", "spool.db-wal", "spool.tail"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
    for file in files(from) {
        fs::copy(&file, to.join("chunks").join(file.file_name().unwrap())).unwrap();
    }
}

#[test]
fn large_chunks_have_files_which_later_chunks_use_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(dir.path()).unwrap();
    append(&mut spool, 0..3);
    assert_eq!(files(dir.path()).len(), 3);
    let database = fs::metadata(dir.path().join("spool.db")).unwrap().len();
    let log = fs::metadata(dir.path().join("spool.db-wal")).unwrap().len();
    assert!(
        database + log < 2 * ITEMS * BYTES as u64,
        "{database} {log}"
    );
    let before = texts(&mut spool);
    assert_eq!(before.len() as u64, 3 * (ITEMS - 1));
    drop(spool);
    let mut spool = Spool::open(dir.path()).unwrap();
    assert_eq!(texts(&mut spool), before);
    settle_all(&mut spool, 1);
    append(&mut spool, 3..4);
    assert_eq!(files(dir.path()).len(), 3, "the first file is used again");
    drop(spool);
    let mut spool = Spool::open(dir.path()).unwrap();
    assert_eq!(texts(&mut spool).len() as u64, 3 * (ITEMS - 1));
    (2..=4).for_each(|chunk| settle_all(&mut spool, chunk));
    drop(spool);
    let spool = Spool::open(dir.path()).unwrap();
    assert!(spool.is_empty() && files(dir.path()).is_empty());
}

#[test]
fn a_power_cut_between_a_file_and_its_commit_leaves_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, copy) = (dir.path().join("spool"), dir.path().join("copy"));
    let mut spool = Spool::open(&folder).unwrap();
    append(&mut spool, 0..1);
    copied(&folder, &copy);
    append(&mut spool, 1..2);
    // The file of the second chunk is on the disk; its commit is not.
    let second = &files(&folder)[1];
    let lost = copy.join("chunks").join(second.file_name().unwrap());
    fs::copy(second, &lost).unwrap();
    let mut spool = Spool::open(&copy).unwrap();
    assert_eq!(spool.take_damage().items, 0);
    assert_eq!(texts(&mut spool).len() as u64, ITEMS - 1);
    assert!(!lost.exists());
    // Nor does its file do harm if it is still there when its number is used again.
    append(&mut spool, 5..6);
    fs::copy(second, copy.join("chunks/99.chunk")).unwrap();
    let expected = texts(&mut spool);
    drop(spool);
    let mut spool = Spool::open(&copy).unwrap();
    assert_eq!(texts(&mut spool), expected);
}

/// Opens a spool of three chunks after `harm` was done to the first one's file. Returns the number of
/// its items, of lost ones, and of damaged ones among the dead letters.
fn harmed(harm: impl FnOnce(&Path)) -> (u64, u64, u64) {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(dir.path()).unwrap();
    append(&mut spool, 0..3);
    drop(spool);
    harm(&files(dir.path())[0]);
    let mut spool = Spool::open(dir.path()).unwrap();
    let held = read(&mut spool).len() as u64;
    spool.commit(NOW, true).unwrap();
    let damage = spool.take_damage();
    assert_eq!(damage.items > 0, !damage.notices.is_empty());
    let rows = spool.dead_letter_rows(9).unwrap();
    assert!(rows.iter().all(|row| row.group.why == Undelivered::Damaged));
    let letters = rows.iter().map(|row| row.count).sum();
    append(&mut spool, 3..4);
    drop(spool);
    let mut spool = Spool::open(dir.path()).unwrap();
    assert_eq!(read(&mut spool).len() as u64, held + ITEMS - 1);
    assert_eq!(spool.take_damage().items, 0, "it is told once");
    (held, damage.items, letters)
}

#[test]
fn a_damaged_file_costs_what_is_damaged_in_it() {
    let left = ITEMS - 1;
    let flip = |at: fn(usize) -> usize| {
        move |file: &Path| {
            let mut bytes = fs::read(file).unwrap();
            let at = at(bytes.len());
            bytes[at] ^= 1;
            fs::write(file, bytes).unwrap();
        }
    };
    assert_eq!(harmed(flip(|length| length - 100)), (3 * left - 1, 0, 1));
    assert_eq!(harmed(flip(|_| 60)), (2 * left, left, 0), "its index");
    let header = harmed(|file| {
        flip(|_| 10)(file);
        fs::write(file.with_file_name("9.chunk"), [0; 80]).unwrap();
    });
    assert_eq!(header, (2 * left, left, 0));
    let removed = harmed(|file| fs::remove_file(file).unwrap());
    assert_eq!(removed, (2 * left, left, 0));
    let (held, lost, letters) = harmed(|file| {
        let file = fs::OpenOptions::new().write(true).open(file).unwrap();
        file.set_len(ITEMS * BYTES as u64 / 2).unwrap();
    });
    assert_eq!((held + letters, lost), (3 * left, 0));
    assert!((90..120).contains(&letters), "{letters}");
}

#[test]
fn a_file_with_a_damaged_header_is_kept_under_another_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(dir.path()).unwrap();
    append(&mut spool, 0..2);
    drop(spool);
    let file = files(dir.path())[0].clone();
    let mut bytes = fs::read(&file).unwrap();
    bytes[3] = 0;
    fs::write(&file, &bytes).unwrap();
    for opening in 0..2 {
        let mut spool = Spool::open(dir.path()).unwrap();
        let told = spool.take_damage().notices;
        assert_eq!(told.len(), usize::from(opening == 0), "{told:?}");
        let found = fs::read_dir(dir.path().join("chunks")).unwrap().flatten();
        let aside = found.map(|e| e.path()).find(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with("1.chunk.damaged-")
        });
        let aside = aside.expect("the damaged file");
        assert_eq!(fs::read(&aside).unwrap(), bytes);
        assert!(
            told.iter()
                .all(|told| told.contains(aside.to_str().unwrap()))
        );
    }
}

#[test]
fn a_damaged_database_leaves_the_files_and_what_is_settled_in_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(dir.path()).unwrap();
    append(&mut spool, 0..3);
    settle_all(&mut spool, 2);
    let expected = texts(&mut spool);
    drop(spool);
    let database = dir.path().join("spool.db");
    let intact = fs::read(&database).unwrap();
    // One that is no database any more: settled items of unfinished chunks come back.
    fs::write(&database, vec![7; 100_000]).unwrap();
    let mut spool = Spool::open(dir.path()).unwrap();
    assert_eq!(spool.take_damage().items, 0, "all are saved");
    assert_eq!(texts(&mut spool).len() as u64, 2 * ITEMS);
    drop(spool);
    fs::write(&database, intact).unwrap();
    let mut spool = Spool::open(dir.path()).unwrap();
    assert_eq!(texts(&mut spool), expected);
}
