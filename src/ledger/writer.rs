//! The ledger's thread.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant, SystemTime};

use super::error::LedgerError;
use super::files::{self, FileKind};
use super::journal::Journal;
use super::key::HashKey;
use super::last_audit::AuditFile;
use super::note::{Note, Noted};
use super::pack;
use super::recorder::{self, Lost, Message, Messages, Recorder};
use super::row::NewRow;
use crate::amplitude::time;
use crate::owner_only;

/// Interval at which rows are written.
const WRITE_EVERY: Duration = Duration::from_millis(100);
/// Interval at which written rows are synced.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// Interval at which a ledger that could not be written is tried again.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// Interval of the notes that the forwarder still runs.
const ALIVE_EVERY: Duration = Duration::from_secs(60);
/// Maximum notes that wait until the ledger can be written again.
const WAITING_NOTES: usize = 1_000;

/// The settings of a ledger.
#[derive(Debug, Clone)]
pub struct LedgerSettings {
    /// Its folder.
    pub folder: PathBuf,
    /// Maximum age of its files.
    pub keep: Duration,
    /// Maximum size of its files in bytes.
    pub quota_bytes: u64,
}

/// What runs while a ledger is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerRun {
    /// A forwarder.
    Forwarder,
    /// A member of a group of forwarders.
    Member {
        /// Its name.
        name: String,
        /// The key of the hashes in the ledgers of all members, so that one audit can read them.
        key: HashKey,
    },
    /// A playback of events. When it starts and ends says nothing about when the forwarder could receive
    /// events, so nothing of that is noted.
    Playback,
}

/// The ledger's thread, which ends after the recorder is dropped.
pub type LedgerWriter = std::thread::JoinHandle<()>;

/// Opens the ledger, and starts its thread. `tell` shows a text to the operator.
pub fn start(
    settings: LedgerSettings,
    run: LedgerRun,
    tell: impl Fn(String) + Send + 'static,
) -> Result<(Recorder, LedgerWriter), LedgerError> {
    let folder = settings.folder.clone();
    owner_only::create_folder(&folder).map_err(|source| LedgerError::of(&folder, source))?;
    let key = match &run {
        LedgerRun::Member { key, .. } => HashKey::open(&folder, Some(key))?,
        LedgerRun::Forwarder | LedgerRun::Playback => HashKey::open(&folder, None)?,
    };
    let journal = Journal::create(&folder)?;
    let (audit, last_audit) = AuditFile::new(&folder);
    let (recorder, messages) = recorder::channel(key, last_audit);
    let mut writer = Writer {
        settings,
        is_playback: run == LedgerRun::Playback,
        journal: Some(journal),
        notes: Vec::new(),
        lost: None,
        tried: Instant::now(),
        cannot_rotate: false,
        packing: None,
        audit,
        tell: Box::new(tell),
    };
    let member = match run {
        LedgerRun::Forwarder | LedgerRun::Playback => None,
        LedgerRun::Member { name, .. } => Some(name),
    };
    if !writer.is_playback {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        writer.note_now(Note::Started { version, member });
    }
    writer.write();
    let thread = std::thread::Builder::new()
        .name("ledger".to_owned())
        .spawn(move || writer.run(&messages))
        .map_err(|source| LedgerError::of(&folder, source))?;
    Ok((recorder, thread))
}

struct Writer {
    settings: LedgerSettings,
    is_playback: bool,
    /// None after an error of the disk.
    journal: Option<Journal>,
    /// Notes that are not written yet.
    notes: Vec<Noted>,
    /// Rows that could not be written; none while the journal can be.
    lost: Option<Lost>,
    /// When a journal was created last.
    tried: Instant,
    /// Whether the operator knows that no new journal can be created.
    cannot_rotate: bool,
    packing: Option<std::thread::JoinHandle<()>>,
    audit: AuditFile,
    tell: Box<dyn Fn(String) + Send>,
}

impl Writer {
    fn run(mut self, messages: &Messages) {
        self.audit.look();
        self.tidy_up();
        let (mut synced, mut alive) = (Instant::now(), Instant::now());
        let mut next_write = Instant::now() + WRITE_EVERY;
        loop {
            let wait = next_write.saturating_duration_since(Instant::now());
            match messages.receive(wait) {
                Ok(Message::Rows(rows)) => self.add(&rows),
                Ok(Message::Note(noted)) => self.note(noted),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if Instant::now() >= next_write {
                let is_due = alive.elapsed() >= ALIVE_EVERY && !self.is_playback;
                if is_due && self.journal.is_some() {
                    alive = Instant::now();
                    self.note_now(Note::Alive);
                }
                if self.tried.elapsed() >= RETRY_EVERY {
                    self.reopen();
                }
                self.write();
                if synced.elapsed() >= SYNC_EVERY {
                    self.sync();
                    self.audit.look();
                    synced = Instant::now();
                }
                self.rotate_if_full();
                next_write = Instant::now() + WRITE_EVERY;
            }
        }
        self.end();
    }

    fn end(mut self) {
        self.reopen();
        if !self.is_playback {
            self.note_now(Note::Stopped);
        }
        self.write();
        self.sync();
        if let Some(lost) = self.lost {
            // Nobody reads notices any more.
            tracing::error!(
                "the ledger could not be written until the end: {}",
                lost.text()
            );
        }
        if let Some(packing) = self.packing {
            // A panic in it was printed; the journal stays for the next start.
            let _ = packing.join();
        }
    }

    fn add(&mut self, rows: &[NewRow]) {
        match &mut self.journal {
            Some(journal) => {
                journal.add(rows);
                if journal.is_due() {
                    self.write();
                }
            }
            None => self.lose(rows.len() as u64),
        }
    }

    fn lose(&mut self, rows: u64) {
        self.lost.get_or_insert_with(Lost::begin).rows += rows;
    }

    fn note_now(&mut self, note: Note) {
        let at_ms = time::now();
        self.note(Noted { at_ms, note });
    }

    fn note(&mut self, noted: Noted) {
        if self.notes.len() < WAITING_NOTES {
            self.notes.push(noted);
        } else {
            tracing::warn!("a note is left out of the ledger, which can't be written");
        }
    }

    /// Writes the notes, and the rows that the journal has in memory.
    fn write(&mut self) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        self.notes.iter().for_each(|noted| journal.note(noted));
        match journal.write() {
            Ok(()) => self.notes.clear(),
            Err(error) => self.give_up(&error),
        }
    }

    fn sync(&mut self) {
        if let Some(Err(error)) = self.journal.as_mut().map(Journal::sync) {
            self.give_up(&error);
        }
    }

    /// Gives the journal up after an error, which is told once. A new one is tried later.
    fn give_up(&mut self, error: &std::io::Error) {
        if let Some(journal) = self.journal.take() {
            self.lose(journal.give_up());
        }
        self.tried = Instant::now();
        let folder = self.settings.folder.display();
        (self.tell)(format!(
            "the ledger in {folder} can't be written: {error}; decisions and outcomes are left out, and \
             events go on: make room on the disk, or set ledger.folder"
        ));
    }

    /// Tries a new journal after an error. It goes on with a note of what was lost.
    fn reopen(&mut self) {
        let Some(lost) = self.lost.filter(|_| self.journal.is_none()) else {
            return;
        };
        self.tried = Instant::now();
        let Ok(mut journal) = Journal::create(&self.settings.folder) else {
            return;
        };
        let is_written = journal.has_room() && {
            journal.note(&lost.noted());
            journal.write().and_then(|()| journal.sync()).is_ok()
        };
        if !is_written {
            journal.give_up();
            return;
        }
        self.journal = Some(journal);
        self.lost = None;
        (self.tell)(format!("the ledger can be written again: {}", lost.text()));
    }

    /// Closes a full or old journal, and has it packed.
    fn rotate_if_full(&mut self) {
        let Some(journal) = self.journal.as_mut().filter(|journal| journal.is_full()) else {
            return;
        };
        if let Err(error) = journal.sync() {
            self.give_up(&error);
            return;
        }
        match Journal::create(&self.settings.folder) {
            Ok(next) => {
                self.journal = Some(next);
                self.cannot_rotate = false;
                self.tidy_up();
            }
            // The old one can be written still.
            Err(error) if !self.cannot_rotate => {
                self.cannot_rotate = true;
                (self.tell)(error.to_string());
            }
            Err(_) => {}
        }
    }

    /// Removes what is too old or too much, and packs closed journals on another thread.
    fn tidy_up(&mut self) {
        let LedgerSettings {
            folder,
            keep,
            quota_bytes,
        } = self.settings.clone();
        match files::enforce_retention(&folder, keep, quota_bytes, SystemTime::now()) {
            Ok(Some(note)) => {
                if let Note::Removed { files, bytes, .. } = &note {
                    (self.tell)(format!(
                        "the ledger removed its {files} oldest files ({bytes} bytes), by its age or quota"
                    ));
                }
                self.note_now(note);
            }
            Ok(None) => {}
            Err(error) => tracing::warn!("the ledger's old files can't be removed: {error}"),
        }
        let is_packing = |packing: &std::thread::JoinHandle<()>| !packing.is_finished();
        if self.packing.as_ref().is_some_and(is_packing) {
            return;
        }
        let packing = std::thread::Builder::new().name("ledger-pack".to_owned());
        // Without a thread the journals are packed the next time.
        self.packing = packing.spawn(move || pack_closed(&folder)).ok();
    }
}

/// Packs the journals that nobody writes.
fn pack_closed(folder: &Path) {
    let Ok(files) = files::list(folder) else {
        return;
    };
    for file in files {
        if file.kind != FileKind::Journal {
            continue;
        }
        let path = files::path(folder, file.number, FileKind::Journal);
        let Ok(opened) = File::open(&path) else {
            continue;
        };
        if opened.try_lock().is_err() {
            continue;
        }
        if let Err(error) = pack::pack(folder, file.number, time::now()) {
            tracing::warn!("{} can't be packed: {error}", path.display());
        }
    }
}

#[cfg(test)]
mod tests;
