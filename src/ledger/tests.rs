#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use ulid::Ulid;

use super::files::{self, FileKind};
use super::*;
use crate::filter::{BlockedBy, Decision};
use crate::limits::Code;

const NOW: u64 = 1_795_000_000_000;

fn settings(folder: &Path) -> LedgerSettings {
    LedgerSettings {
        folder: folder.to_owned(),
        keep: Duration::from_secs(3_600),
        quota_bytes: 1 << 30,
    }
}

fn id(number: u64) -> Ulid {
    Ulid::from_parts(NOW + number * 10, u128::from(number) << 9 | 1)
}

/// The row of a decision or, without one, of an outcome.
fn row(key: Key, decision: Option<Decision>, outcome: Outcome) -> NewRow {
    NewRow {
        key,
        person: u16::from(decision.is_some()) * 7,
        event_type: "Purchase".into(),
        decision,
        outcome,
        received_ms: i64::from(key.second) * 1_000 + 1_200,
        took_ms: 84,
    }
}

/// Runs a ledger that records these rows, and ends it.
fn run(folder: &Path, rows: &dyn Fn(&HashKey) -> Vec<NewRow>) {
    run_as(LedgerRun::Forwarder, folder, rows);
}

/// Does so for another kind of run.
fn run_as(kind: LedgerRun, folder: &Path, rows: &dyn Fn(&HashKey) -> Vec<NewRow>) {
    let (mut recorder, thread) = start(settings(folder), kind, |_| {}).unwrap();
    let rows = rows(recorder.key());
    assert_eq!(recorder.record(rows), None);
    drop(recorder);
    thread.join().unwrap();
}

/// What the ledger says of each event, and its notes.
fn read(folder: &Path) -> (BTreeMap<Key, Entry>, Vec<Note>) {
    let mut entries = BTreeMap::new();
    let reader = Reader::open(folder).unwrap();
    let notes = reader
        .read(&Selection::All, |row, dictionary| {
            assert_eq!(dictionary.event_type(row.event_type), "Purchase");
            entries
                .entry(row.key)
                .and_modify(|entry: &mut Entry| {
                    entry.add(*row, |number| dictionary.accepts(number));
                })
                .or_insert_with(|| Entry::new(*row));
        })
        .unwrap();
    (entries, notes.into_iter().map(|noted| noted.note).collect())
}

#[test]
fn decisions_and_outcomes_come_back_from_the_journal_and_packed_from_the_next_start_on() {
    let dir = tempfile::tempdir().unwrap();
    let accepted = Some(Decision::Accepted);
    let rejected = Decision::Rejected {
        code: Code::IdMissing,
    };
    let by = BlockedBy::Rule {
        number: 2,
        name: "internal".into(),
    };
    let stories = |key: &HashKey| {
        let at = |number| key.event(id(number));
        vec![
            row(at(1), accepted.clone(), Outcome::Waiting),
            row(at(2), accepted.clone(), Outcome::Waiting),
            row(at(3), Some(rejected.clone()), Outcome::NotSent),
            row(
                at(4),
                Some(Decision::Filtered { by: by.clone() }),
                Outcome::NotSent,
            ),
            row(at(1), None, Outcome::Delivered),
            row(at(2), None, Outcome::Expired),
            // Received again, and rejected as a duplicate.
            row(at(1), Some(rejected.clone()), Outcome::NotSent),
            // From the spool of an earlier run.
            row(at(5), None, Outcome::Delivered),
        ]
    };
    run(dir.path(), &stories);
    let expected = [
        Outcome::Delivered,
        Outcome::Expired,
        Outcome::NotSent,
        Outcome::NotSent,
        Outcome::Delivered,
    ];
    for packed in [false, true] {
        if packed {
            run(dir.path(), &|_| Vec::new());
            assert!(files::path(dir.path(), 1, FileKind::Packed).exists());
            assert!(!files::path(dir.path(), 1, FileKind::Journal).exists());
        }
        let (entries, notes) = read(dir.path());
        let key = Reader::open(dir.path()).unwrap();
        for (number, outcome) in (1..).zip(expected) {
            let entry = entries[&key.key().event(id(number))];
            assert_eq!(entry.row.outcome, outcome, "{number}");
            let second = i64::from(entry.row.key.second) * 1_000;
            assert_eq!(entry.row.received_ms(), second + 1_200);
        }
        assert_eq!(entries.len(), 5);
        assert!(matches!(notes[0], Note::Started { .. }));
        assert!(notes.contains(&Note::Stopped));
    }
}

#[test]
fn a_playback_adds_rows_and_no_notes_and_a_member_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let member = LedgerRun::Member {
        name: "m-1".to_owned(),
        key: HashKey::random(),
    };
    run_as(member, dir.path(), &|_| Vec::new());
    let (_, before) = read(dir.path());
    let started = |note: &Note| matches!(note, Note::Started { member, .. } if member.as_deref() == Some("m-1"));
    assert!(before.iter().any(started));
    run_as(LedgerRun::Playback, dir.path(), &|key| {
        vec![row(
            key.event(id(1)),
            Some(Decision::Accepted),
            Outcome::Delivered,
        )]
    });
    for _ in 0..2 {
        let (entries, notes) = read(dir.path());
        assert_eq!((entries.len(), &notes), (1, &before));
        // It packs the journals of earlier runs.
        run_as(LedgerRun::Playback, dir.path(), &|_| Vec::new());
    }
}

#[test]
fn ledgers_of_a_group_have_one_key_and_fail_together_only() {
    let [one, other, stranger] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let key = HashKey::random();
    assert_eq!(HashKey::from_text(&key.to_text()), Some(key.clone()));
    let member = |name: &str| LedgerRun::Member {
        name: name.to_owned(),
        key: key.clone(),
    };
    run_as(member("a"), one.path(), &|_| Vec::new());
    run_as(member("b"), other.path(), &|_| Vec::new());
    run(stranger.path(), &|_| Vec::new());
    let path = |dir: &tempfile::TempDir| dir.path().to_owned();
    let both = Reader::open_all(&[path(&one), path(&other)]).unwrap();
    assert_eq!(both[0].key(), both[1].key());
    let mixed = Reader::open_all(&[path(&one), path(&stranger)]);
    assert!(matches!(mixed, Err(LedgerError::OtherKey { .. })));
    let kept = start(settings(stranger.path()), member("c"), |_| {});
    assert!(matches!(kept, Err(LedgerError::OtherKey { .. })));

    let outage = |kind, from_ms, to_ms| Outage {
        kind,
        from_ms,
        to_ms,
        why: String::new(),
    };
    let span = |outage: &Outage| (outage.kind, outage.from_ms, outage.to_ms);
    let a = vec![
        outage(OutageKind::NotRunning, 0, Some(10)),
        outage(OutageKind::FeedDown, 40, None),
        outage(OutageKind::LedgerLost, 20, Some(21)),
    ];
    let b = vec![
        outage(OutageKind::FeedDown, 5, Some(30)),
        outage(OutageKind::NotRunning, 50, Some(60)),
    ];
    let common: Vec<_> = common_outages(vec![a, b]).iter().map(span).collect();
    assert_eq!(
        common,
        [
            (OutageKind::NotRunning, 5, Some(10)),
            (OutageKind::FeedDown, 50, Some(60)),
            (OutageKind::LedgerLost, 20, Some(21)),
        ]
    );
}

#[test]
fn a_torn_end_is_cut_off_at_the_next_start_and_noted_and_all_before_it_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let many = |key: &HashKey| {
        let accepted = || Some(Decision::Accepted);
        let at = |number| key.event(id(number));
        (0..100)
            .map(|number| row(at(number), accepted(), Outcome::Waiting))
            .collect()
    };
    run(dir.path(), &many);
    let journal = files::path(dir.path(), 1, FileKind::Journal);
    let mut file = fs::OpenOptions::new().append(true).open(journal).unwrap();
    // The head of a frame of rows, without all of its content.
    file.write_all(&[2, 200, 0, 0, 0, 1, 2, 3, 4, 5]).unwrap();
    drop(file);
    assert_eq!(read(dir.path()).0.len(), 100, "readers don't mind");
    run(dir.path(), &|_| Vec::new());
    let (entries, notes) = read(dir.path());
    assert_eq!(entries.len(), 100);
    assert!(notes.contains(&Note::Torn { bytes: 10 }), "{notes:?}");
}

#[test]
fn a_damaged_byte_never_gives_another_row() {
    let dir = tempfile::tempdir().unwrap();
    let one = |key: &HashKey| {
        (0..50)
            .map(|number| {
                row(
                    key.event(id(number)),
                    Some(Decision::Accepted),
                    Outcome::Waiting,
                )
            })
            .collect()
    };
    run(dir.path(), &one);
    run(dir.path(), &|_| Vec::new());
    let whole = read(dir.path()).0;
    let path = files::path(dir.path(), 1, FileKind::Packed);
    let bytes = fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        fs::write(&path, damaged).unwrap();
        for (key, entry) in read(dir.path()).0 {
            assert_eq!(whole.get(&key), Some(&entry), "byte {at}");
        }
    }
}

#[test]
fn the_oldest_packed_files_go_first_by_age_and_by_size_and_never_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let hour = Duration::from_secs(3_600);
    for (number, kind) in [
        (1, FileKind::Packed),
        (2, FileKind::Packed),
        (3, FileKind::Journal),
    ] {
        fs::write(files::path(dir.path(), number, kind), [0; 100]).unwrap();
    }
    let numbers = || -> Vec<u64> {
        let files = files::list(dir.path()).unwrap();
        files.iter().map(|file| file.number).collect()
    };
    let now = SystemTime::now();
    let enforce = |quota, now| files::enforce_retention(dir.path(), hour, quota, now).unwrap();
    assert_eq!(enforce(1_000, now), None);
    let note = enforce(150, now).unwrap();
    assert!(
        matches!(
            note,
            Note::Removed {
                files: 1,
                bytes: 100,
                ..
            }
        ),
        "{note:?}"
    );
    assert_eq!(numbers(), [2, 3]);
    assert!(enforce(1_000, now + 2 * hour).is_some());
    assert_eq!(numbers(), [3]);
    assert_eq!(enforce(0, now + 2 * hour), None);
}

#[test]
fn notes_become_outages_and_a_kill_ends_them_at_the_last_sign_of_life() {
    let started = |version: &str| Note::Started {
        version: version.to_owned(),
        member: None,
    };
    let down = Note::FeedDown {
        why: "refused".to_owned(),
    };
    let notes: Vec<Noted> = [
        (0, started("1")),
        (1_000, down.clone()),
        (5_000, Note::FeedUp),
        (9_000, down),
        (10_000, Note::Alive),
        (60_000, started("2")),
        (70_000, Note::Stopped),
    ]
    .into_iter()
    .map(|(at_ms, note)| Noted { at_ms, note })
    .collect();
    let found: Vec<(OutageKind, i64, Option<i64>)> = outages(&notes)[1..]
        .iter()
        .map(|outage| (outage.kind, outage.from_ms, outage.to_ms))
        .collect();
    assert_eq!(
        found,
        [
            (OutageKind::FeedDown, 1_000, Some(5_000)),
            (OutageKind::FeedDown, 9_000, Some(10_000)),
            (OutageKind::NotRunning, 10_000, Some(60_000)),
            (OutageKind::NotRunning, 70_000, None),
        ]
    );
}

#[cfg(unix)]
#[test]
fn the_key_and_all_files_are_for_their_owner_only_and_name_nobody() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let ledger = dir.path().join("ledger");
    run(&ledger, &|key| {
        let mut person = row(key.event(id(1)), Some(Decision::Accepted), Outcome::Waiting);
        person.person = key.person("ann@example.com");
        vec![person]
    });
    run(&ledger, &|_| Vec::new());
    for entry in fs::read_dir(&ledger).unwrap() {
        let path = entry.unwrap().path();
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{path:?}");
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains("ann") && !text.contains(&id(1).to_string()));
    }
}

/// Half a million events of an hour, of 31 types, as a ledger has them.
#[test]
fn an_event_takes_at_most_ten_bytes() {
    let key = HashKey::from_bytes([7; 16]);
    let mut random = 1_u64;
    let mut next = |below: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) % below
    };
    let mut rows = Vec::new();
    for number in 0..200_000_u64 {
        let ms = NOW + number * 18;
        let key = key.event(Ulid::from_parts(ms, u128::from(next(1 << 30)) << 20));
        let of_type = next(31).min(next(31)) as u16 + 1;
        let new = NewRow {
            key,
            person: next(65_535) as u16,
            event_type: "".into(),
            decision: None,
            outcome: if next(10) < 6 {
                Outcome::Delivered
            } else {
                Outcome::NotSent
            },
            received_ms: (ms + 300 + next(2_000)).cast_signed(),
            took_ms: 80 + next(300),
        };
        let decision = if new.outcome == Outcome::Delivered {
            1
        } else {
            2 + next(3) as u16
        };
        rows.push(Row::new(&new, of_type, decision));
    }
    let packed = pack_rows(rows, &Dictionary::default());
    let per_event = packed.bytes.len() as f64 / packed.events as f64;
    assert!(per_event <= 10.0, "{per_event:.2}");
}
