//! A disk that forgets: a file system for SQLite in which a crash can come with any write.
//!
//! What was written since a file's last sync may be on the disk after a crash, or not, or in
//! part: each write by itself, in pieces of a sector. What was synced stays.

use std::collections::HashMap;
use std::io::{Error, ErrorKind, Result};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rusqlite::{Connection, OpenFlags};
use sqlite_vfs::wip::{WalIndex, WalIndexLock};
use sqlite_vfs::{DatabaseHandle, LockKind, OpenAccess, OpenOptions, Vfs};

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;
const NAME: &str = "forgetful";

/// A disk of its own.
#[derive(Clone)]
pub struct Disk(Arc<Mutex<State>>);

struct State {
    number: u64,
    files: HashMap<String, File>,
    indexes: HashMap<String, HashMap<u32, Box<[u8; 32_768]>>>,
    random: StdRng,
    /// Writes and syncs since it was made.
    steps: u64,
    /// The step with which everything stops.
    crash_at: Option<u64>,
    crashed: bool,
    /// Steps, from the first on and before the last, that fail because the disk is full.
    full: Range<u64>,
    /// Handles of before a crash can do nothing any more.
    epoch: u64,
}

#[derive(Default, Clone)]
struct File {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// What was done since.
    changes: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Disk {
    /// An empty one; `seed` decides what a crash leaves.
    pub fn new(seed: u64) -> Self {
        static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let disk = Self(Arc::new(Mutex::new(State {
            number,
            files: HashMap::new(),
            indexes: HashMap::new(),
            random: StdRng::seed_from_u64(seed),
            steps: 0,
            crash_at: None,
            crashed: false,
            full: 0..0,
            epoch: 0,
        })));
        disks().insert(number, disk.clone());
        disk
    }

    /// Opens the database on it.
    pub fn open(&self) -> rusqlite::Result<Connection> {
        let path = format!("/{}/spool.db", self.lock().number);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags_and_vfs(path, flags, c"forgetful")
    }

    /// How many writes and syncs there were.
    pub fn steps(&self) -> u64 {
        self.lock().steps
    }

    /// Everything stops with the `number`-th step from now on.
    pub fn crash_after(&self, number: u64) {
        let mut state = self.lock();
        state.crash_at = Some(state.steps + number);
    }

    /// The disk is full for so many steps.
    pub fn fill_for(&self, steps: u64) {
        let mut state = self.lock();
        state.full = state.steps..state.steps + steps;
    }

    /// The power goes, and comes back: what was not synced may be lost.
    pub fn restart(&self) {
        let mut state = self.lock();
        let mut files = std::mem::take(&mut state.files);
        for file in files.values_mut() {
            file.forget(&mut state.random);
        }
        state.files = files;
        state.indexes.clear();
        state.crash_at = None;
        state.crashed = false;
        state.full = 0..0;
        state.epoch += 1;
    }

    /// Flips a bit in the first place where `text` stands on it; whether it stands anywhere.
    pub fn damage(&self, text: &[u8]) -> bool {
        let mut state = self.lock();
        state.files.values_mut().any(|file| {
            let Some(at) = memchr::memmem::find(&file.now, text) else {
                return false;
            };
            file.now[at] ^= 1;
            file.synced = file.now.clone();
            file.changes.clear();
            true
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    /// Counts a step; an error where the disk is full, or everything has stopped.
    fn step(&mut self, epoch: u64, writes: bool) -> Result<()> {
        if self.crashed || epoch != self.epoch {
            return Err(Error::other("crashed"));
        }
        self.steps += 1;
        if self.crash_at.is_some_and(|at| self.steps >= at) {
            self.crashed = true;
        }
        if writes && self.full.contains(&self.steps) {
            return Err(ErrorKind::WriteZero.into());
        }
        Ok(())
    }
}

impl File {
    fn apply(bytes: &mut Vec<u8>, change: &Change) {
        match change {
            Change::Write(at, data) => {
                if bytes.len() < at + data.len() {
                    bytes.resize(at + data.len(), 0);
                }
                bytes[*at..at + data.len()].copy_from_slice(data);
            }
            Change::Length(length) => bytes.resize(*length, 0),
        }
    }

    fn forget(&mut self, random: &mut StdRng) {
        for change in std::mem::take(&mut self.changes) {
            match change {
                Change::Write(at, data) => {
                    // All of it, nothing, or some sectors.
                    let keep: f64 = *[0.0, 0.5, 1.0].get(random.random_range(0..3)).unwrap();
                    for (n, sector) in data.chunks(SECTOR).enumerate() {
                        if random.random_bool(keep) {
                            let piece = Change::Write(at + n * SECTOR, sector.to_vec());
                            Self::apply(&mut self.synced, &piece);
                        }
                    }
                }
                change @ Change::Length(_) => {
                    if random.random_bool(0.5) {
                        Self::apply(&mut self.synced, &change);
                    }
                }
            }
        }
        self.now = self.synced.clone();
    }
}

fn disks() -> MutexGuard<'static, HashMap<u64, Disk>> {
    static DISKS: OnceLock<Mutex<HashMap<u64, Disk>>> = OnceLock::new();
    DISKS
        .get_or_init(|| {
            sqlite_vfs::register(NAME, FileSystem, false).unwrap();
            Mutex::default()
        })
        .lock()
        .unwrap()
}

fn disk_of(path: &str) -> Disk {
    let number = path.trim_start_matches('/').split('/').next().unwrap();
    disks()[&number.parse::<u64>().unwrap()].clone()
}

struct FileSystem;

/// An open file.
pub struct Handle {
    disk: Disk,
    path: String,
    epoch: u64,
    lock: LockKind,
}

impl Vfs for FileSystem {
    type Handle = Handle;

    fn open(&self, path: &str, options: OpenOptions) -> Result<Handle> {
        let disk = disk_of(path);
        let epoch = {
            let mut state = disk.lock();
            if state.crashed {
                return Err(Error::other("crashed"));
            }
            let creates = matches!(options.access, OpenAccess::Create | OpenAccess::CreateNew);
            if !creates && !state.files.contains_key(path) {
                return Err(ErrorKind::NotFound.into());
            }
            state.files.entry(path.to_owned()).or_default();
            state.epoch
        };
        Ok(Handle {
            disk,
            path: path.to_owned(),
            epoch,
            lock: LockKind::None,
        })
    }

    fn delete(&self, path: &str) -> Result<()> {
        let disk = disk_of(path);
        let mut state = disk.lock();
        if state.crashed {
            return Err(Error::other("crashed"));
        }
        match state.files.remove(path) {
            Some(_) => Ok(()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn exists(&self, path: &str) -> Result<bool> {
        Ok(disk_of(path).lock().files.contains_key(path))
    }

    fn temporary_name(&self) -> String {
        unreachable!("the spool makes no temporary files")
    }

    fn random(&self, buffer: &mut [i8]) {
        rand::rng().fill(buffer);
    }

    fn sleep(&self, duration: Duration) -> Duration {
        std::thread::sleep(duration);
        duration
    }
}

impl Handle {
    fn with<T>(&self, act: impl FnOnce(&mut State, &str) -> Result<T>) -> Result<T> {
        let mut state = self.disk.lock();
        act(&mut state, &self.path)
    }

    fn change(&self, change: Change) -> Result<()> {
        self.with(|state, path| {
            state.step(self.epoch, true)?;
            let file = state.files.entry(path.to_owned()).or_default();
            File::apply(&mut file.now, &change);
            file.changes.push(change);
            if state.crashed {
                return Err(Error::other("crashed"));
            }
            Ok(())
        })
    }
}

impl DatabaseHandle for Handle {
    type WalIndex = Index;

    fn size(&self) -> Result<u64> {
        self.with(|state, path| Ok(state.files.get(path).map_or(0, |f| f.now.len() as u64)))
    }

    fn read_exact_at(&mut self, buffer: &mut [u8], at: u64) -> Result<()> {
        self.with(|state, path| {
            if state.crashed || self.epoch != state.epoch {
                return Err(Error::other("crashed"));
            }
            let bytes = state.files.get(path).map_or(&[][..], |f| &f.now);
            let there = bytes.get(at as usize..).unwrap_or_default();
            let length = there.len().min(buffer.len());
            buffer[..length].copy_from_slice(&there[..length]);
            buffer[length..].fill(0);
            if length < buffer.len() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            Ok(())
        })
    }

    fn write_all_at(&mut self, data: &[u8], at: u64) -> Result<()> {
        self.change(Change::Write(at as usize, data.to_vec()))
    }

    fn sync(&mut self, _data_only: bool) -> Result<()> {
        self.with(|state, path| {
            state.step(self.epoch, false)?;
            if state.crashed {
                return Err(Error::other("crashed"));
            }
            if let Some(file) = state.files.get_mut(path) {
                file.synced = file.now.clone();
                file.changes.clear();
            }
            Ok(())
        })
    }

    fn set_len(&mut self, length: u64) -> Result<()> {
        self.change(Change::Length(length as usize))
    }

    fn lock(&mut self, lock: LockKind) -> Result<bool> {
        // There is one connection at a time.
        self.lock = lock;
        Ok(true)
    }

    fn reserved(&mut self) -> Result<bool> {
        Ok(false)
    }

    fn current_lock(&self) -> Result<LockKind> {
        Ok(self.lock)
    }

    fn wal_index(&self, _readonly: bool) -> Result<Index> {
        Ok(Index {
            disk: self.disk.clone(),
            path: self.path.clone(),
        })
    }
}

/// The log's index, which is in memory: a crash takes it.
pub struct Index {
    disk: Disk,
    path: String,
}

impl Index {
    fn region<T>(&self, region: u32, act: impl FnOnce(&mut [u8; 32_768]) -> T) -> T {
        let mut state = self.disk.lock();
        let regions = state.indexes.entry(self.path.clone()).or_default();
        act(regions
            .entry(region)
            .or_insert_with(|| vec![0; 32_768].try_into().unwrap()))
    }
}

impl WalIndex for Index {
    fn map(&mut self, region: u32) -> Result<[u8; 32_768]> {
        Ok(self.region(region, |bytes| *bytes))
    }

    fn lock(&mut self, _locks: Range<u8>, _lock: WalIndexLock) -> Result<bool> {
        Ok(true)
    }

    fn delete(self) -> Result<()> {
        self.disk.lock().indexes.remove(&self.path);
        Ok(())
    }

    fn pull(&mut self, region: u32, data: &mut [u8; 32_768]) -> Result<()> {
        self.region(region, |bytes| *data = *bytes);
        Ok(())
    }

    fn push(&mut self, region: u32, data: &[u8; 32_768]) -> Result<()> {
        self.region(region, |bytes| *bytes = *data);
        Ok(())
    }
}
