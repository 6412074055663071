//! Dead letters: what can't be delivered, kept in the spool's file with its reason until
//! someone decides, or until the retention that the settings name is over.
//!
//! Any process may look at them, mark them to be tried again, and discard them, while another
//! one forwards: the forwarder sees the mark, puts the item back into the spool, and removes
//! the letter in the same step.

use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};
use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;
use crate::customerio::mapping::Route;
use crate::delivery::{Accepted, History, Part, Undelivered};

use super::entry::Entry;
use super::store::{self, Store};
use super::{SpoolError, SpoolRow};

/// Letters are changed so many at a time, so that whoever forwards never waits long.
const HANDFUL: usize = 500;

/// One item that can't be delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Its number in this spool.
    pub number: i64,
    /// When it was known that it can't be delivered.
    pub at_ms: UnixMs,
    /// Why.
    pub why: Undelivered,
    /// Customer.io's word for it.
    pub reason: String,
    /// The field at fault.
    pub field: String,
    /// The last answer in a word: `400`, `no answer`.
    pub answer: String,
    /// What that answer said.
    pub message: String,
    /// Its attempts.
    pub history: History,
    /// Whether someone asked to try it again: the next moment of forwarding does.
    pub again: bool,
    /// What could not be delivered.
    pub accepted: Accepted,
}

/// Dead letters of one reason and type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterRow {
    /// What they share.
    #[serde(flatten)]
    pub group: Group,
    /// How many there are.
    pub count: u64,
    /// Those of them that will be tried again.
    pub again: u64,
    /// When the newest came to be one.
    pub newest_ms: UnixMs,
}

/// What dead letters of a row share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Group {
    /// Why they can't be delivered.
    pub why: Undelivered,
    /// Customer.io's word for it.
    pub reason: String,
    /// The field at fault.
    pub field: String,
    /// The event type.
    pub event_type: String,
}

/// Some of the dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// All.
    All,
    /// The one with this number.
    One(i64),
    /// Those of a reason, whatever their type.
    Reason(String),
    /// Those of a reason and type.
    Group(Group),
}

impl Which {
    fn condition(&self) -> (&'static str, Vec<Value>) {
        match self {
            Self::All => ("true", Vec::new()),
            Self::One(number) => ("number = ?", vec![Value::Integer(*number)]),
            Self::Reason(reason) => ("reason = ?", vec![Value::Text(reason.clone())]),
            Self::Group(group) => (
                "why = ? and reason = ? and field = ? and event_type = ?",
                vec![
                    Value::Text(group.why.word().to_owned()),
                    Value::Text(group.reason.clone()),
                    Value::Text(group.field.clone()),
                    Value::Text(group.event_type.clone()),
                ],
            ),
        }
    }
}

/// The dead letters of a spool, for whoever wants to look or to decide.
#[derive(Debug)]
pub struct DeadLetters {
    store: Store,
}

impl DeadLetters {
    /// Opens those in `folder`. There are none where no spool was ever there.
    pub fn open(folder: &Path) -> Result<Option<Self>, SpoolError> {
        let path = store::path(folder);
        if !path.exists() {
            return Ok(None);
        }
        let db = store::open_beside(&path).map_err(|source| SpoolError::Database {
            path: path.clone(),
            source,
        })?;
        store::check_version(&db, &path)?;
        let store = Store::unchecked(db);
        Ok(Some(Self { store }))
    }

    /// How many there are, by reason and type, the most first.
    pub fn rows(&self) -> rusqlite::Result<Vec<LetterRow>> {
        rows(self.store.db(), u32::MAX)
    }

    /// Some of them, the newest first, from `skip` on.
    pub fn page(&self, which: &Which, skip: u64, most: u64) -> rusqlite::Result<Vec<DeadLetter>> {
        let (condition, values) = which.condition();
        let sql = format!(
            "{SELECT} where {condition} order by letters.number desc limit {most} offset {skip}"
        );
        read(self.store.db(), &sql, values)
    }

    /// Hands each of them to `take`, the oldest first, a handful at a time.
    fn each<E: From<rusqlite::Error>>(
        &self,
        which: &Which,
        take: impl FnMut(DeadLetter) -> Result<(), E>,
    ) -> Result<u64, E> {
        each(self.store.db(), which, take)
    }

    /// Writes each of them as NDJSON, the oldest first; how many there are. They stay.
    pub fn export(&self, which: &Which, to: &mut dyn Write) -> io::Result<u64> {
        self.each(which, |letter| {
            writeln!(to, "{}", letter.to_json()).map_err(Failed::Write)
        })
        .map_err(|failed| match failed {
            Failed::Write(error) => error,
            Failed::Read(error) => io::Error::other(error),
        })
    }

    /// How many of these there are.
    pub fn count(&self, which: &Which) -> rusqlite::Result<u64> {
        let (condition, values) = which.condition();
        let sql = format!("select count(*) from letters where {condition}");
        self.store
            .db()
            .query_row(&sql, params_from_iter(values), |row| row.get(0))
    }

    /// How the spool beside them stands, from its file alone.
    pub fn spool_row(&self) -> rusqlite::Result<SpoolRow> {
        self.store.row()
    }

    /// Marks them to be tried again; how many were not marked before.
    pub fn try_again(&self, which: &Which) -> rusqlite::Result<u64> {
        let (condition, values) = which.condition();
        let sql = format!(
            "update letters set again = 1 where number in
             (select number from letters where {condition} and again = 0 limit {HANDFUL})"
        );
        self.by_handfuls(&[&sql], &values)
    }

    /// Removes them for good; how many there were.
    pub fn discard(&self, which: &Which) -> rusqlite::Result<u64> {
        let (condition, values) = which.condition();
        let chosen = format!(
            "(select number from letters where {condition} order by number limit {HANDFUL})"
        );
        let bodies = format!("delete from letter_bodies where number in {chosen}");
        let letters = format!("delete from letters where number in {chosen}");
        self.by_handfuls(&[&bodies, &letters], &values)
    }

    /// Runs the statements in one transaction each time, until the last one changes nothing.
    fn by_handfuls(&self, statements: &[&str], values: &[Value]) -> rusqlite::Result<u64> {
        let mut all = 0;
        loop {
            let transaction = self.store.db().unchecked_transaction()?;
            let mut changed = 0;
            for sql in statements {
                changed = transaction.execute(sql, params_from_iter(values))?;
            }
            transaction.commit()?;
            all += changed as u64;
            if changed < HANDFUL {
                return Ok(all);
            }
        }
    }
}

/// Why an export broke off.
enum Failed {
    Write(io::Error),
    Read(rusqlite::Error),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Read(error)
    }
}

const SELECT: &str = "select letters.number, at_ms, why, reason, field, answer, message,
    requests, failures, first_ms, again, entry, body
    from letters left join letter_bodies using (number)";

pub(super) fn each<E: From<rusqlite::Error>>(
    db: &Connection,
    which: &Which,
    mut take: impl FnMut(DeadLetter) -> Result<(), E>,
) -> Result<u64, E> {
    let (condition, values) = which.condition();
    let (mut last, mut count) = (0, 0);
    loop {
        let sql = format!(
            "{SELECT} where {condition} and letters.number > {last} order by letters.number limit {HANDFUL}"
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

fn read(db: &Connection, sql: &str, values: Vec<Value>) -> rusqlite::Result<Vec<DeadLetter>> {
    let mut statement = db.prepare_cached(sql)?;
    let letters = statement.query_map(params_from_iter(values), letter)?;
    letters.filter_map(Result::transpose).collect()
}

/// Nothing where its index can't be read: the letter can still be discarded.
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

/// The dead letters by reason and type, the most first, up to `most` rows.
pub(super) fn rows(db: &Connection, most: u32) -> rusqlite::Result<Vec<LetterRow>> {
    let mut statement = db.prepare_cached(
        "select why, reason, field, event_type, count(*), sum(again), max(at_ms)
         from letters group by 1, 2, 3, 4 order by 5 desc, 1, 2, 3, 4 limit ?",
    )?;
    let rows = statement.query_map([most], |row| {
        let group = Group {
            why: why(&row.get::<_, String>(0)?),
            reason: row.get(1)?,
            field: row.get(2)?,
            event_type: row.get(3)?,
        };
        Ok(LetterRow {
            group,
            count: row.get(4)?,
            again: row.get(5)?,
            newest_ms: row.get(6)?,
        })
    })?;
    rows.collect()
}

/// Writes a letter; its number is given here.
pub(super) fn insert(db: &Connection, letter: &DeadLetter) -> rusqlite::Result<()> {
    let entry = postcard::to_stdvec(&Entry::of(&letter.accepted))
        .expect("memory takes it, and every field has a form");
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

/// The letters that are marked to be tried again, the oldest first, a handful.
pub(super) fn marked(db: &Connection) -> rusqlite::Result<Vec<DeadLetter>> {
    let sql = format!("{SELECT} where again = 1 order by letters.number limit {HANDFUL}");
    read(db, &sql, Vec::new())
}

pub(super) fn remove(db: &Connection, number: i64) -> rusqlite::Result<()> {
    db.prepare_cached("delete from letter_bodies where number = ?")?
        .execute([number])?;
    db.prepare_cached("delete from letters where number = ?")?
        .execute([number])?;
    Ok(())
}

/// The letters that came to be ones before `ms`, the oldest first, a handful, with their size.
pub(super) fn older_than(db: &Connection, ms: UnixMs) -> rusqlite::Result<Vec<(i64, u64)>> {
    let sql = format!(
        "select number, bytes from letters where at_ms < ? and again = 0 order by number limit {HANDFUL}"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let numbers = statement.query_map([ms], |row| Ok((row.get(0)?, row.get(1)?)))?;
    numbers.collect()
}

/// How many letters there are, and their size in bytes.
pub(super) fn counts(db: &Connection) -> rusqlite::Result<(u64, u64)> {
    let counts = db
        .prepare_cached("select count(*), total(bytes) from letters")?
        .query_row([], |row| Ok((row.get(0)?, row.get::<_, f64>(1)? as u64)))
        .optional()?;
    Ok(counts.unwrap_or_default())
}

impl DeadLetter {
    /// What it takes of the spool's quota.
    pub(super) fn bytes(&self) -> u64 {
        let texts = self.reason.len() + self.field.len() + self.message.len();
        (self.accepted.item.body.len() + texts) as u64
    }

    /// Whom it is about: the value of the identifier that would be sent.
    pub fn person(&self) -> String {
        #[derive(Deserialize)]
        struct Body {
            identifiers: Option<std::collections::BTreeMap<String, String>>,
            anonymous_id: Option<String>,
        }
        if let Route::V1 { path, .. } = &self.accepted.item.route
            && let Some(rest) = path.strip_prefix("/api/v1/customers/")
        {
            let id = rest.split('/').next().unwrap_or(rest);
            let id = percent_encoding::percent_decode_str(id);
            return id.decode_utf8_lossy().into_owned();
        }
        let body = serde_json::from_slice::<Body>(&self.accepted.item.body).ok();
        let named = body.and_then(|body| {
            let first = body.identifiers.and_then(|all| all.into_values().next());
            first.or(body.anonymous_id)
        });
        named.unwrap_or_default()
    }

    /// The letter as one JSON object: what `export` writes, a line each.
    pub fn to_json(&self) -> serde_json::Value {
        let accepted = &self.accepted;
        let request = serde_json::from_slice::<serde_json::Value>(&accepted.item.body)
            .unwrap_or_else(|_| String::from_utf8_lossy(&accepted.item.body).into());
        let (method, path) = match &accepted.item.route {
            Route::Batch => ("POST", "/api/v2/batch"),
            Route::V1 { put: false, path } => ("POST", path.as_str()),
            Route::V1 { put: true, path } => ("PUT", path.as_str()),
        };
        serde_json::json!({
            "number": self.number,
            "at": stamp(self.at_ms),
            "why": self.why,
            "reason": self.reason,
            "field": self.field,
            "answer": self.answer,
            "message": self.message,
            "requests": self.history.requests,
            "attempts": self.history.failures,
            "first_attempt_at": self.history.first_ms.map(stamp),
            "event_type": &*accepted.event_type,
            "part": if accepted.part == Part::Event { "event" } else { "identify" },
            "person": self.person(),
            "id": accepted.item.id.to_string(),
            "happened_at": stamp(accepted.happened_ms),
            "received_at": stamp(accepted.received_ms),
            "method": method,
            "path": path,
            "request": request,
        })
    }
}

/// A time as RFC 3339 writes it.
fn stamp(ms: UnixMs) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| at.to_string())
}
