#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::sync::{Arc, Mutex};

use ulid::Ulid;

use super::*;
use crate::filter::Decision;
use crate::ledger::{Outcome, Reader, Selection};

fn rows(numbers: std::ops::Range<u128>, key: &HashKey) -> Vec<NewRow> {
    let row = |number| NewRow {
        key: key.event(Ulid::from_parts(1_795_000_000_000, number)),
        person: 7,
        event_type: "Purchase".into(),
        decision: Some(Decision::Accepted),
        outcome: Outcome::Waiting,
        received_ms: 1_795_000_001_000,
        took_ms: 0,
    };
    numbers.map(row).collect()
}

fn settings(folder: &Path) -> LedgerSettings {
    LedgerSettings {
        folder: folder.to_owned(),
        keep: Duration::from_secs(3_600),
        quota_bytes: 1 << 30,
    }
}

/// A writer whose journal is a device that is always full, and what it told.
#[cfg(target_os = "linux")]
fn on_a_full_disk(folder: &Path) -> (Writer, Arc<Mutex<Vec<String>>>) {
    let told = Arc::<Mutex<Vec<String>>>::default();
    let teller = told.clone();
    let full = std::fs::File::options().write(true).open("/dev/full");
    let writer = Writer {
        is_playback: false,
        settings: settings(folder),
        journal: Some(Journal::of_file(folder.join("full"), full.unwrap())),
        notes: Vec::new(),
        lost: None,
        tried: Instant::now(),
        cannot_rotate: false,
        packing: None,
        audit: AuditFile::new(folder).0,
        tell: Box::new(move |text| teller.lock().unwrap().push(text)),
    };
    (writer, told)
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_once_and_what_was_lost_is_told_and_noted_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let key = HashKey::open(dir.path(), None).unwrap();
    let (mut writer, told) = on_a_full_disk(dir.path());
    writer.note_now(Note::FeedUp);
    for batch in 0..10 {
        writer.add(&rows(batch * 100..batch * 100 + 100, &key));
        writer.write();
        writer.sync();
    }
    {
        let told = told.lock().unwrap();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("can't be written"), "{told:?}");
        assert!(told[0].contains("set ledger.folder"), "{told:?}");
    }
    writer.reopen();
    writer.add(&rows(5_000..5_002, &key));
    writer.end();
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[1].contains("can be written again: 1,000 decisions and outcomes"),
        "{told:?}"
    );
    let mut read = 0;
    let reader = Reader::open(dir.path()).unwrap();
    let notes = reader.read(&Selection::All, |_, _| read += 1).unwrap();
    assert_eq!(read, 2);
    let notes: Vec<Note> = notes.into_iter().map(|noted| noted.note).collect();
    assert!(
        notes.contains(&Note::FeedUp),
        "a note waits for room: {notes:?}"
    );
    let is_lost = |note: &Note| matches!(note, Note::Lost { rows: 1_000, .. });
    assert!(notes.iter().any(is_lost), "{notes:?}");
}

#[test]
fn a_thread_that_is_too_slow_is_told_once_and_what_was_lost_is_told_and_noted() {
    let key = HashKey::from_bytes([7; 16]);
    let (mut recorder, messages) = recorder::channel(key.clone(), Arc::default());
    let mut told = Vec::new();
    for batch in 0..100 {
        told.extend(recorder.record(rows(batch * 1_000..batch * 1_000 + 1_000, &key)));
    }
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("can't keep up"), "{told:?}");
    let mut taken = 0;
    while let Ok(Message::Rows(rows)) = messages.receive(Duration::ZERO) {
        taken += rows.len();
    }
    assert_eq!(
        taken, 32_000,
        "so many wait, whatever the size of the batches"
    );
    let again = recorder.record(rows(0..1, &key)).unwrap();
    assert!(
        again.contains("keeps up again: 68,000 decisions and outcomes"),
        "{again}"
    );
    let Ok(Message::Note(noted)) = messages.receive(Duration::ZERO) else {
        panic!("the note comes before the rows");
    };
    assert!(
        matches!(noted.note, Note::Lost { rows: 68_000, .. }),
        "{noted:?}"
    );
    assert!(matches!(messages.receive(Duration::ZERO), Ok(Message::Rows(rows)) if rows.len() == 1));
    assert_eq!(recorder.record(rows(0..1, &key)), None);
}
