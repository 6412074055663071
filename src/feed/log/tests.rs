use std::collections::HashMap;
use std::time::Duration;

use bytestring::ByteString;
use rusqlite::Connection;
use uuid::Uuid;

use super::opening::FILE;
use super::*;
use crate::amplitude::time;
use crate::feed::usage::Usage;

fn at(ms: u64, n: u8) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&ms.to_be_bytes()[2..]);
    bytes[15] = n;
    Uuid::from_bytes(bytes)
}

fn messages(ms: u64, count: u8) -> Vec<(Uuid, ByteString)> {
    let text = |n| format!("message {n:03}").into();
    (0..count).map(|n| (at(ms, n), text(n))).collect()
}

#[test]
fn messages_are_read_in_order_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let retention = Retention {
        age: Duration::from_secs(10),
        bytes: 10_000,
    };
    let mut log = Log::open(dir.path(), retention).unwrap();
    let reader = log.reader().unwrap();
    let all = messages(1_000, 200);
    let position = Position {
        id: all[4].0,
        last_seen_ms: 7,
    };
    let gone = Position {
        last_seen_ms: 8,
        ..position
    };
    let names = HashMap::from([
        ("name:a".to_owned(), Some(position)),
        ("name:b".to_owned(), Some(gone)),
    ]);
    log.write(&all[..100], &HashMap::new()).unwrap();
    log.write(&all[100..], &names).unwrap();
    let forgotten = HashMap::from([("name:b".to_owned(), None)]);
    log.write(&[], &forgotten).unwrap();
    assert_eq!(reader.after(Uuid::nil(), 1_000).unwrap(), all);
    assert_eq!(reader.after(all[150].0, 2).unwrap(), all[151..153]);
    // A duplicate id is a bug: the whole write fails.
    assert!(log.write(&all[199..], &HashMap::new()).is_err());
    let taken = Log::open(dir.path(), retention).unwrap_err().to_string();
    assert!(taken.contains("another process"), "{taken}");
    drop(log);
    let again = Log::open(dir.path(), retention).unwrap();
    assert_eq!(again.newest(), Some(all[199].0));
    let names = HashMap::from([("name:a".to_owned(), position)]);
    assert_eq!(*again.positions(), names);
    assert_eq!(again.usage(1_000).bytes, 200 * 11);
}

#[test]
fn messages_beyond_the_retention_are_removed_oldest_first() {
    let dir = tempfile::tempdir().unwrap();
    let retention = Retention {
        age: Duration::from_secs(10),
        bytes: 55,
    };
    let mut log = Log::open(dir.path(), retention).unwrap();
    let reader = log.reader().unwrap();
    let emptied = Usage {
        max_bytes: 55,
        ..Usage::default()
    };
    let left = || reader.after(Uuid::nil(), 1_000).unwrap().len();
    log.write(&messages(1_000, 3), &HashMap::new()).unwrap();
    log.write(&messages(8_000, 4), &HashMap::new()).unwrap();
    // Seven messages of 11 bytes are 77 bytes: two are removed, though none is too old.
    assert!(!log.prune(11_000).unwrap());
    assert_eq!(left(), 5);
    let usage = log.usage(11_000);
    assert_eq!((usage.messages, usage.bytes, usage.age_ms), (5, 55, 10_000));
    // The last of the first three is too old now.
    log.prune(11_001).unwrap();
    assert_eq!(left(), 4);
    log.prune(60_000).unwrap();
    assert_eq!((left(), log.usage(60_000)), (0, emptied));
}

#[test]
fn a_file_without_times_of_last_contact_is_migrated() {
    let dir = tempfile::tempdir().unwrap();
    let retention = Retention {
        age: Duration::from_secs(10),
        bytes: 55,
    };
    let old = Connection::open(dir.path().join(FILE)).unwrap();
    old.execute_batch(
        "create table messages (id blob primary key, text text not null) without rowid;
        create table acknowledged (name text primary key, id blob not null) without rowid;",
    )
    .unwrap();
    let id = at(1, 1);
    old.execute(
        "insert into acknowledged values ('name:a', ?1)",
        [id.as_bytes()],
    )
    .unwrap();
    drop(old);
    let before = time::now();
    for _ in 0..2 {
        let log = Log::open(dir.path(), retention).unwrap();
        let position = log.positions()["name:a"];
        assert_eq!(position.id, id);
        assert!((before..=time::now()).contains(&position.last_seen_ms));
    }
}
