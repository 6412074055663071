//! The ledger's thread, and the end of its channel that the pipeline has.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender, TrySendError};
use std::time::{Duration, Instant, SystemTime};

use super::dictionary::Dictionary;
use super::error::LedgerError;
use super::files::{self, FileKind};
use super::frame::{self, Kind};
use super::key::HashKey;
use super::note::{Note, Noted};
use super::pack;
use super::row::{NewRow, ROW_BYTES, Row};
use crate::amplitude::time::{self, UnixMs};
use crate::owner_only;

/// Batches that wait for the thread. Each is what intake or delivery reports at once.
const WAITING: usize = 256;
/// Interval at which rows are written.
const WRITE_EVERY: Duration = Duration::from_millis(100);
/// Interval at which written rows are synced.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// Interval of the notes that the forwarder still runs.
const ALIVE_EVERY: Duration = Duration::from_secs(60);
/// Maximum rows of a journal.
const JOURNAL_ROWS: usize = 500_000;
/// Maximum age of a journal.
const JOURNAL_AGE: Duration = Duration::from_secs(3_600);
/// Maximum size of the rows of a frame, in bytes.
const FRAME_BYTES: usize = 256 << 10;

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

/// A message to the thread.
enum Message {
    Rows(Vec<NewRow>),
    Note(Noted),
}

/// The pipeline's end of the channel.
#[derive(Debug)]
pub struct Recorder {
    sender: SyncSender<Message>,
    key: HashKey,
    /// Rows that were not taken, and since when.
    lost: Option<(u64, UnixMs)>,
}

impl Recorder {
    /// The key of the hashes.
    pub fn key(&self) -> &HashKey {
        &self.key
    }

    /// Records rows. Returns a text for the operator when rows begin to be dropped.
    pub fn record(&mut self, rows: Vec<NewRow>) -> Option<String> {
        if rows.is_empty() {
            return None;
        }
        self.tell_lost();
        let count = rows.len() as u64;
        let is_taken = self.lost.is_none() && self.send(Message::Rows(rows));
        if is_taken {
            return None;
        }
        let begins = self.lost.is_none();
        self.lost.get_or_insert_with(|| (0, time::now())).0 += count;
        begins.then(|| {
            "the ledger can't keep up, and leaves out events: an audit will report them as missing"
                .to_owned()
        })
    }

    /// Records a note.
    pub fn note(&mut self, note: Note) {
        self.tell_lost();
        let at_ms = time::now();
        self.send(Message::Note(Noted { at_ms, note }));
    }

    /// Notes how many rows were lost, once there is room again.
    fn tell_lost(&mut self) {
        let Some((rows, since_ms)) = self.lost else {
            return;
        };
        let (at_ms, note) = (time::now(), Note::Lost { rows, since_ms });
        if self.send(Message::Note(Noted { at_ms, note })) {
            tracing::warn!("{rows} rows were left out of the ledger");
            self.lost = None;
        }
    }

    fn send(&self, message: Message) -> bool {
        match self.sender.try_send(message) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}

/// The ledger's thread, which ends after the recorder is dropped.
pub type LedgerWriter = std::thread::JoinHandle<()>;

/// Opens the ledger, and starts its thread. `tell` shows a text to the operator.
pub fn start(
    settings: LedgerSettings,
    tell: impl Fn(String) + Send + 'static,
) -> Result<(Recorder, LedgerWriter), LedgerError> {
    let folder = settings.folder.clone();
    owner_only::create_folder(&folder).map_err(|source| LedgerError::of(&folder, source))?;
    let key = HashKey::open(&folder)?;
    let journal = Journal::create(&folder)?;
    let (sender, messages) = mpsc::sync_channel(WAITING);
    let mut writer = Writer {
        settings,
        journal: Some(journal),
        pending: Vec::new(),
        lost: None,
        packing: None,
        tell: Box::new(tell),
    };
    let version = env!("CARGO_PKG_VERSION").to_owned();
    writer.note(&Noted {
        at_ms: time::now(),
        note: Note::Started { version },
    });
    writer.write();
    let thread = std::thread::Builder::new()
        .name("ledger".to_owned())
        .spawn(move || writer.run(&messages))
        .map_err(|source| LedgerError::of(&folder, source))?;
    let recorder = Recorder {
        sender,
        key,
        lost: None,
    };
    Ok((recorder, thread))
}

/// The journal that is being written. Its lock shows other processes that it is in use.
struct Journal {
    file: File,
    dictionary: Dictionary,
    created: Instant,
    rows: usize,
    is_synced: bool,
}

impl Journal {
    /// Creates the next journal, whose number no other process has.
    fn create(folder: &Path) -> Result<Self, LedgerError> {
        let files = files::list(folder).map_err(|source| LedgerError::of(folder, source))?;
        let mut number = files.last().map_or(1, |file| file.number + 1);
        loop {
            let path = files::path(folder, number, FileKind::Journal);
            match owner_only::create_new(&path) {
                Ok(file) => {
                    // It can only be refused where the file system has no locks.
                    let _ = file.try_lock();
                    return Ok(Self {
                        file,
                        dictionary: Dictionary::default(),
                        created: Instant::now(),
                        rows: 0,
                        is_synced: true,
                    });
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                Err(source) => return Err(LedgerError::of(&path, source)),
            }
        }
    }
}

struct Writer {
    settings: LedgerSettings,
    /// None after an error of the disk.
    journal: Option<Journal>,
    /// Frames that are not written yet.
    pending: Vec<u8>,
    /// Rows that could not be written, and since when.
    lost: Option<(u64, UnixMs)>,
    packing: Option<std::thread::JoinHandle<()>>,
    tell: Box<dyn Fn(String) + Send>,
}

impl Writer {
    fn run(mut self, messages: &mpsc::Receiver<Message>) {
        self.tidy_up();
        let (mut synced, mut alive) = (Instant::now(), Instant::now());
        let mut next_write = Instant::now() + WRITE_EVERY;
        loop {
            let wait = next_write.saturating_duration_since(Instant::now());
            match messages.recv_timeout(wait) {
                Ok(Message::Rows(rows)) => self.add(&rows),
                Ok(Message::Note(noted)) => self.note(&noted),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if Instant::now() >= next_write {
                if alive.elapsed() >= ALIVE_EVERY {
                    alive = Instant::now();
                    let (at_ms, note) = (time::now(), Note::Alive);
                    self.note(&Noted { at_ms, note });
                }
                self.write();
                if synced.elapsed() >= SYNC_EVERY {
                    self.sync();
                    self.rotate_if_full();
                    synced = Instant::now();
                }
                next_write = Instant::now() + WRITE_EVERY;
            }
        }
        let (at_ms, note) = (time::now(), Note::Stopped);
        self.note(&Noted { at_ms, note });
        self.write();
        self.sync();
        if let Some(packing) = self.packing {
            // A panic in it was printed; the journal stays for the next start.
            let _ = packing.join();
        }
    }

    fn add(&mut self, rows: &[NewRow]) {
        let Some(journal) = &mut self.journal else {
            self.lost.get_or_insert_with(|| (0, time::now())).0 += rows.len() as u64;
            return;
        };
        journal.rows += rows.len();
        for rows in rows.chunks(FRAME_BYTES / ROW_BYTES) {
            let mut content = Vec::with_capacity(rows.len() * ROW_BYTES);
            for new in rows {
                let dictionary = &mut journal.dictionary;
                let event_type = dictionary.number_type(&new.event_type, &mut self.pending);
                let decision = new.decision.as_ref();
                let decision =
                    decision.map_or(0, |it| dictionary.number_decision(it, &mut self.pending));
                Row::new(new, event_type, decision).encode(&mut content);
            }
            frame::push(&mut self.pending, Kind::Rows, &content);
        }
    }

    fn note(&mut self, noted: &Noted) {
        frame::push(&mut self.pending, Kind::Note, &pack::note_text(noted));
    }

    /// Writes what is pending. After an error the journal is given up, and a new one is tried.
    fn write(&mut self) {
        if self.journal.is_none() {
            self.reopen();
        }
        let Some(journal) = &mut self.journal else {
            self.pending.clear();
            return;
        };
        if self.pending.is_empty() {
            return;
        }
        journal.is_synced = false;
        if let Err(error) = journal.file.write_all(&self.pending) {
            self.give_up(&error);
        }
        self.pending.clear();
    }

    fn sync(&mut self) {
        let Some(journal) = self.journal.as_mut().filter(|journal| !journal.is_synced) else {
            return;
        };
        journal.is_synced = true;
        if let Err(error) = journal.file.sync_data() {
            self.give_up(&error);
        }
    }

    fn give_up(&mut self, error: &std::io::Error) {
        let folder = self.settings.folder.display();
        (self.tell)(format!(
            "the ledger in {folder} can't be written: {error}; events are left out until it can be"
        ));
        let pending = (self.pending.len() / ROW_BYTES) as u64;
        self.lost = Some((pending, time::now()));
        self.journal = None;
    }

    /// Creates a journal after an error, and notes what was lost.
    fn reopen(&mut self) {
        let Ok(journal) = Journal::create(&self.settings.folder) else {
            return;
        };
        self.journal = Some(journal);
        self.pending.clear();
        if let Some((rows, since_ms)) = self.lost.take() {
            let note = Note::Lost { rows, since_ms };
            let at_ms = time::now();
            self.note(&Noted { at_ms, note });
        }
    }

    /// Closes a full or old journal, and has it packed.
    fn rotate_if_full(&mut self) {
        let is_full = self.journal.as_ref().is_some_and(|journal| {
            journal.rows >= JOURNAL_ROWS || journal.created.elapsed() >= JOURNAL_AGE
        });
        let is_packing = self
            .packing
            .as_ref()
            .is_some_and(|packing| !packing.is_finished());
        if !is_full || is_packing {
            return;
        }
        match Journal::create(&self.settings.folder) {
            Ok(next) => self.journal = Some(next),
            Err(error) => {
                (self.tell)(error.to_string());
                return;
            }
        }
        self.tidy_up();
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
                let at_ms = time::now();
                self.note(&Noted { at_ms, note });
            }
            Ok(None) => {}
            Err(error) => tracing::warn!("the ledger's old files can't be removed: {error}"),
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
