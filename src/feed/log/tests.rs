use super::*;
use crate::amplitude::time;

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
fn what_is_written_is_read_in_order_also_by_the_next_process() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep {
        age: Duration::from_secs(10),
        bytes: 10_000,
    };
    let mut log = Log::open(dir.path(), keep).unwrap();
    let reader = log.reader().unwrap();
    let all = messages(1_000, 200);
    let position = Position {
        id: all[4].0,
        heard_ms: 7,
    };
    let gone = Position {
        heard_ms: 8,
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
    // An id that is there already is a mistake of ours, and nothing of it is written.
    assert!(log.write(&all[199..], &HashMap::new()).is_err());
    let taken = Log::open(dir.path(), keep).unwrap_err().to_string();
    assert!(taken.contains("another process's"), "{taken}");
    drop(log);
    let again = Log::open(dir.path(), keep).unwrap();
    assert_eq!(again.newest(), Some(all[199].0));
    let names = HashMap::from([("name:a".to_owned(), position)]);
    assert_eq!(*again.positions(), names);
    assert_eq!(again.bytes, 200 * 11);
}

#[test]
fn what_is_too_old_or_too_much_goes_the_oldest_first() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep {
        age: Duration::from_secs(10),
        bytes: 55,
    };
    let mut log = Log::open(dir.path(), keep).unwrap();
    let reader = log.reader().unwrap();
    let emptied = Fill {
        most_bytes: 55,
        ..Fill::default()
    };
    let left = || reader.after(Uuid::nil(), 1_000).unwrap().len();
    log.write(&messages(1_000, 3), &HashMap::new()).unwrap();
    log.write(&messages(8_000, 4), &HashMap::new()).unwrap();
    // Seven of 11 bytes are 77: two have to go, though none is too old.
    assert!(!log.prune(11_000).unwrap());
    assert_eq!(left(), 5);
    let fill = log.fill(11_000);
    assert_eq!((fill.messages, fill.bytes, fill.age_ms), (5, 55, 10_000));
    // By now the last of the first three is.
    log.prune(11_001).unwrap();
    assert_eq!(left(), 4);
    log.prune(60_000).unwrap();
    assert_eq!((left(), log.fill(60_000)), (0, emptied));
}

#[test]
fn a_file_that_does_not_tell_when_readers_were_heard_of_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep {
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
        let log = Log::open(dir.path(), keep).unwrap();
        let position = log.positions()["name:a"];
        assert_eq!(position.id, id);
        assert!((before..=time::now()).contains(&position.heard_ms));
    }
}
