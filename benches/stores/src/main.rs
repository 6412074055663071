//! Which store the spool is built on: SQLite, fjall and redb, on the spool's own load.
//!
//! `cargo run --release --manifest-path benches/stores/Cargo.toml [FOLDER]` appends chunks of
//! 500 items of 2 kB with their index, each chunk in a durable commit of its own, in two
//! courses: *steady*, where the chunk of 20 commits ago is removed in the same commit, and
//! *outage*, where 500 MB pile up, are read back from the oldest on, and removed. Each store
//! runs in a process of its own, so that its peak memory is its own. SQLite is set up as the
//! spool sets it up; the others as their documentation advises, with the same cache.

use std::path::{Path, PathBuf};
use std::time::Instant;

type Failure = Box<dyn std::error::Error>;

const ITEMS: usize = 500;
const ITEM_BYTES: usize = 2_000;
const INDEX_BYTES: usize = ITEMS * 64;
/// So many chunks stay while delivery keeps up.
const LIVE: u64 = 20;
const STEADY: u64 = 1_000;
const OUTAGE: u64 = 500;

/// What the spool asks of a store.
trait Store {
    fn open(at: &Path) -> Result<Self, Failure>
    where
        Self: Sized;
    /// Adds a chunk and removes another, durably and both or neither.
    fn commit(
        &mut self,
        add: Option<(u64, &[Vec<u8>], &[u8])>,
        remove: Option<u64>,
    ) -> Result<(), Failure>;
    /// The chunk's bytes.
    fn read(&mut self, number: u64) -> Result<Vec<u8>, Failure>;
}

struct Sqlite(rusqlite::Connection);

impl Store for Sqlite {
    fn open(at: &Path) -> Result<Self, Failure> {
        let db = rusqlite::Connection::open(at.join("spool.db"))?;
        let (page, log) = (65_536, 8 << 20);
        db.pragma_update(None, "page_size", page)?;
        db.pragma_update(None, "journal_mode", "wal")?;
        db.pragma_update(None, "synchronous", "full")?;
        db.pragma_update(None, "cache_size", -8_192)?;
        db.pragma_update(None, "wal_autocheckpoint", log / page)?;
        db.execute_batch(
            "create table chunks (number integer primary key, entries blob not null);
             create table bodies (number integer primary key, bytes blob not null);",
        )?;
        Ok(Self(db))
    }

    fn commit(
        &mut self,
        add: Option<(u64, &[Vec<u8>], &[u8])>,
        remove: Option<u64>,
    ) -> Result<(), Failure> {
        let transaction = self.0.transaction()?;
        if let Some((number, bodies, index)) = add {
            let number = number as i64;
            let bytes: usize = bodies.iter().map(Vec::len).sum();
            transaction
                .prepare_cached("insert into chunks values (?, ?)")?
                .execute((number, index))?;
            transaction
                .prepare_cached("insert into bodies values (?, ?)")?
                .execute((number, rusqlite::blob::ZeroBlob(bytes as u64)))?;
            let mut blob = transaction.blob_open("main", "bodies", "bytes", number, false)?;
            for body in bodies {
                std::io::Write::write_all(&mut blob, body)?;
            }
            blob.close()?;
        }
        if let Some(number) = remove {
            let number = number as i64;
            transaction
                .prepare_cached("delete from chunks where number = ?")?
                .execute([number])?;
            transaction
                .prepare_cached("delete from bodies where number = ?")?
                .execute([number])?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn read(&mut self, number: u64) -> Result<Vec<u8>, Failure> {
        let mut read = self
            .0
            .prepare_cached("select bytes from bodies where number = ?")?;
        Ok(read.query_row([number as i64], |row| row.get(0))?)
    }
}

struct Redb(redb::Database);

const CHUNKS: redb::TableDefinition<u64, &[u8]> = redb::TableDefinition::new("chunks");
const BODIES: redb::TableDefinition<u64, &[u8]> = redb::TableDefinition::new("bodies");

impl Store for Redb {
    fn open(at: &Path) -> Result<Self, Failure> {
        Ok(Self(
            redb::Builder::new()
                .set_cache_size(8 << 20)
                .create(at.join("spool.redb"))?,
        ))
    }

    fn commit(
        &mut self,
        add: Option<(u64, &[Vec<u8>], &[u8])>,
        remove: Option<u64>,
    ) -> Result<(), Failure> {
        let transaction = self.0.begin_write()?;
        {
            let mut chunks = transaction.open_table(CHUNKS)?;
            let mut bodies_table = transaction.open_table(BODIES)?;
            if let Some((number, bodies, index)) = add {
                chunks.insert(number, index)?;
                let bytes: usize = bodies.iter().map(Vec::len).sum();
                let mut room = bodies_table.insert_reserve(number, bytes)?;
                let mut at = 0;
                for body in bodies {
                    room.as_mut()[at..at + body.len()].copy_from_slice(body);
                    at += body.len();
                }
            }
            if let Some(number) = remove {
                chunks.remove(number)?;
                bodies_table.remove(number)?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    fn read(&mut self, number: u64) -> Result<Vec<u8>, Failure> {
        use redb::ReadableDatabase as _;
        let table = self.0.begin_read()?.open_table(BODIES)?;
        Ok(table.get(number)?.ok_or("gone")?.value().to_vec())
    }
}

struct Fjall {
    db: fjall::Database,
    chunks: fjall::Keyspace,
    bodies: fjall::Keyspace,
}

impl Store for Fjall {
    fn open(at: &Path) -> Result<Self, Failure> {
        let db = fjall::Database::builder(at.join("spool.fjall"))
            .cache_size(8 << 20)
            .open()?;
        let plain = fjall::KeyspaceCreateOptions::default;
        let separated = || plain().with_kv_separation(Some(fjall::KvSeparationOptions::default()));
        Ok(Self {
            chunks: db.keyspace("chunks", plain)?,
            bodies: db.keyspace("bodies", separated)?,
            db,
        })
    }

    fn commit(
        &mut self,
        add: Option<(u64, &[Vec<u8>], &[u8])>,
        remove: Option<u64>,
    ) -> Result<(), Failure> {
        let mut batch = self
            .db
            .batch()
            .durability(Some(fjall::PersistMode::SyncAll));
        if let Some((number, bodies, index)) = add {
            let key = number.to_be_bytes();
            batch.insert(&self.chunks, key, index);
            batch.insert(&self.bodies, key, bodies.concat());
        }
        if let Some(number) = remove {
            batch.remove(&self.chunks, number.to_be_bytes());
            batch.remove(&self.bodies, number.to_be_bytes());
        }
        batch.commit()?;
        Ok(())
    }

    fn read(&mut self, number: u64) -> Result<Vec<u8>, Failure> {
        Ok(self
            .bodies
            .get(number.to_be_bytes())?
            .ok_or("gone")?
            .to_vec())
    }
}

fn measure<S: Store>(name: &str, at: &Path) -> Result<(), Failure> {
    let bodies: Vec<Vec<u8>> = (0..ITEMS).map(|n| noise(n as u64, ITEM_BYTES)).collect();
    let index = noise(9_999, INDEX_BYTES);
    let mut store = S::open(at)?;
    for (course, commits) in [("steady", STEADY), ("outage", OUTAGE)] {
        let first = if course == "steady" { 0 } else { STEADY };
        let (started, cpu) = (Instant::now(), cpu_seconds());
        let mut waits = Vec::new();
        for number in first..first + commits {
            let before = Instant::now();
            let gone = if course == "steady" {
                number.checked_sub(LIVE)
            } else {
                None
            };
            store.commit(Some((number, &bodies, &index)), gone)?;
            waits.push(before.elapsed().as_secs_f64() * 1e3);
        }
        if course == "outage" {
            for number in first..first + commits {
                assert_eq!(store.read(number)?.len(), ITEMS * ITEM_BYTES);
                store.commit(None, Some(number))?;
            }
        }
        let events = (commits as usize * ITEMS) as f64;
        waits.sort_by(f64::total_cmp);
        println!(
            "{name:<8}{course:<8}{:>10.0}{:>16.2}{:>10.1}{:>10.1}{:>12.0}{:>12.0}",
            events / started.elapsed().as_secs_f64(),
            (cpu_seconds() - cpu) * 1e6 / events,
            waits[waits.len() / 2],
            waits[waits.len() * 99 / 100],
            peak_mb(),
            size(at) as f64 / 1e6,
        );
    }
    Ok(())
}

/// Bytes that no compression makes smaller: a store that compresses must not win by that.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_add(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|f| f.parse::<u64>().ok())
        .sum();
    ticks as f64 / 100.0
}

fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    peak.and_then(|l| l.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1e3
}

fn size(at: &Path) -> u64 {
    let entries = std::fs::read_dir(at).into_iter().flatten().flatten();
    entries
        .map(|e| {
            if e.path().is_dir() {
                size(&e.path())
            } else {
                e.metadata().map_or(0, |m| m.len())
            }
        })
        .sum()
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [name, at] = &args[..] {
        let at = Path::new(at);
        return match name.as_str() {
            "sqlite" => measure::<Sqlite>(name, at),
            "fjall" => measure::<Fjall>(name, at),
            _ => measure::<Redb>(name, at),
        };
    }
    let folder = args.first().map_or_else(std::env::temp_dir, PathBuf::from);
    println!(
        "{:<8}{:<8}{:>10}{:>16}{:>10}{:>10}{:>12}{:>12}",
        "", "", "events/s", "CPU s/million", "p50 ms", "p99 ms", "peak MB", "disk MB"
    );
    for name in ["sqlite", "fjall", "redb"] {
        let at = folder.join(format!("stores-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&at)?;
        let status = std::process::Command::new(std::env::current_exe()?)
            .arg(name)
            .arg(&at)
            .status()?;
        std::fs::remove_dir_all(&at)?;
        if !status.success() {
            return Err(format!("{name} failed").into());
        }
    }
    Ok(())
}
