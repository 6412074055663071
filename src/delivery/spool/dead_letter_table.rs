//! The statements on the tables of dead letters.

use bytes::Bytes;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};

use crate::amplitude::time::UnixMs;
use crate::delivery::{History, Undelivered};

use super::dead_letter::{DeadLetter, DeadLetterGroup, DeadLetterRow, DeadLetterSelection};
use super::entry::Entry;

/// Dead letters that are read or changed at a time.
pub(super) const ROWS_AT_A_TIME: usize = 500;

/// Selects whole dead letters, with the columns that [`read`] expects.
pub(super) const SELECT: &str = "select letters.number, at_ms, why, reason, field, answer, message,
    requests, failures, first_ms, again, entry, body
    from letters left join letter_bodies using (number)";

/// The condition that selects dead letters, and its values.
pub(super) fn condition(selection: &DeadLetterSelection) -> (&'static str, Vec<Value>) {
    let text = |text: &str| Value::Text(text.to_owned());
    match selection {
        DeadLetterSelection::All => ("true", Vec::new()),
        DeadLetterSelection::One(number) => ("number = ?", vec![Value::Integer(*number)]),
        DeadLetterSelection::Several(numbers) => {
            let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
            let list = format!("[{}]", numbers.join(","));
            (
                "number in (select value from json_each(?))",
                vec![Value::Text(list)],
            )
        }
        DeadLetterSelection::Person(person) => ("person = ?", vec![text(person)]),
        DeadLetterSelection::Reason(reason) => ("reason = ?", vec![text(reason)]),
        DeadLetterSelection::Group(group) => (
            "why = ? and reason = ? and field = ? and event_type = ?",
            vec![
                text(group.why.word()),
                text(&group.reason),
                text(&group.field),
                text(&group.event_type),
            ],
        ),
    }
}

/// Calls `take` with each selected dead letter, the oldest first. Returns their number.
pub(super) fn each<E: From<rusqlite::Error>>(
    db: &Connection,
    selection: &DeadLetterSelection,
    mut take: impl FnMut(DeadLetter) -> Result<(), E>,
) -> Result<u64, E> {
    let (condition, values) = condition(selection);
    let (mut last, mut count) = (0, 0);
    loop {
        let sql = format!(
            "{SELECT} where {condition} and letters.number > {last} order by letters.number limit {ROWS_AT_A_TIME}"
        );
        let letters = read(db, &sql, values.clone())?;
        let Some(newest) = letters.last() else {
            return Ok(count);
        };
        last = newest.number;
        for letter in letters {
            take(letter)?;
            count += 1;
        }
    }
}

/// Reads the dead letters that `sql` finds with `values`; it begins with [`SELECT`].
pub(super) fn read(
    db: &Connection,
    sql: &str,
    values: Vec<Value>,
) -> rusqlite::Result<Vec<DeadLetter>> {
    let mut statement = db.prepare_cached(sql)?;
    let letters = statement.query_map(params_from_iter(values), letter)?;
    letters.filter_map(Result::transpose).collect()
}

/// Reads one; none where its entry is damaged: it can still be discarded.
fn letter(row: &Row<'_>) -> rusqlite::Result<Option<DeadLetter>> {
    let entry = row.get_ref(11)?.as_blob()?;
    let Ok(entry) = postcard::from_bytes::<Entry<'_>>(entry) else {
        return Ok(None);
    };
    let body = row.get::<_, Option<Vec<u8>>>(12)?.unwrap_or_default();
    let history = History {
        requests: row.get(7)?,
        failures: row.get(8)?,
        first_ms: row.get(9)?,
        ..History::default()
    };
    Ok(Some(DeadLetter {
        number: row.get(0)?,
        at_ms: row.get(1)?,
        why: why(&row.get::<_, String>(2)?),
        reason: row.get(3)?,
        field: row.get(4)?,
        answer: row.get(5)?,
        message: row.get(6)?,
        history,
        again: row.get(10)?,
        accepted: entry.with(Bytes::from(body)),
    }))
}

fn why(word: &str) -> Undelivered {
    let found = Undelivered::ALL.into_iter().find(|why| why.word() == word);
    found.unwrap_or(Undelivered::Damaged)
}

/// The dead letters by reason and type, the most frequent first, in up to `most` rows.
pub(super) fn rows(db: &Connection, most: u32) -> rusqlite::Result<Vec<DeadLetterRow>> {
    let mut statement = db.prepare_cached(
        "select why, reason, field, event_type, count(*), sum(again), max(at_ms)
         from letters group by 1, 2, 3, 4 order by 5 desc, 1, 2, 3, 4 limit ?",
    )?;
    let rows = statement.query_map([most], |row| {
        let group = DeadLetterGroup {
            why: why(&row.get::<_, String>(0)?),
            reason: row.get(1)?,
            field: row.get(2)?,
            event_type: row.get(3)?,
        };
        Ok(DeadLetterRow {
            group,
            count: row.get(4)?,
            again: row.get(5)?,
            newest_ms: row.get(6)?,
        })
    })?;
    rows.collect()
}

/// Adds a dead letter, which gets a new number.
pub(super) fn insert(db: &Connection, letter: &DeadLetter) -> rusqlite::Result<()> {
    let entry = postcard::to_stdvec(&Entry::of(&letter.accepted))
        .expect("every field can be serialized into memory");
    let accepted = &letter.accepted;
    db.prepare_cached(
        "insert into letters (at_ms, why, reason, field, answer, message, requests, failures,
         first_ms, again, event_type, person, bytes, entry)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)",
    )?
    .execute((
        letter.at_ms,
        letter.why.word(),
        &letter.reason,
        &letter.field,
        &letter.answer,
        &letter.message,
        letter.history.requests,
        letter.history.failures,
        letter.history.first_ms,
        &*accepted.event_type,
        letter.person(),
        letter.bytes(),
        entry,
    ))?;
    db.prepare_cached("insert into letter_bodies values (?, ?)")?
        .execute((db.last_insert_rowid(), &*accepted.item.body))?;
    Ok(())
}

/// The first dead letters that are marked for a retry, the oldest first.
pub(super) fn marked(db: &Connection) -> rusqlite::Result<Vec<DeadLetter>> {
    let sql = format!("{SELECT} where again = 1 order by letters.number limit {ROWS_AT_A_TIME}");
    read(db, &sql, Vec::new())
}

/// Removes the dead letter with this number.
pub(super) fn remove(db: &Connection, number: i64) -> rusqlite::Result<()> {
    db.prepare_cached("delete from letter_bodies where number = ?")?
        .execute([number])?;
    db.prepare_cached("delete from letters where number = ?")?
        .execute([number])?;
    Ok(())
}

/// Numbers and sizes of the first dead letters from before `ms`, the oldest first.
pub(super) fn older_than(db: &Connection, ms: UnixMs) -> rusqlite::Result<Vec<(i64, u64)>> {
    let sql = format!(
        "select number, bytes from letters where at_ms < ? and again = 0 order by number limit {ROWS_AT_A_TIME}"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let numbers = statement.query_map([ms], |row| Ok((row.get(0)?, row.get(1)?)))?;
    numbers.collect()
}

/// The number of dead letters, and their size in bytes.
pub(super) fn counts(db: &Connection) -> rusqlite::Result<(u64, u64)> {
    let counts = db
        .prepare_cached("select count(*), total(bytes) from letters")?
        .query_row([], |row| Ok((row.get(0)?, row.get::<_, f64>(1)? as u64)))
        .optional()?;
    Ok(counts.unwrap_or_default())
}
