//! Reading a ledger, also while a forwarder writes it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use super::block;
use super::dictionary::Dictionary;
use super::error::LedgerError;
use super::files::{self, FileKind, LedgerFile};
use super::frame::{Frames, Kind};
use super::key::HashKey;
use super::note::Noted;
use super::row::{ROW_BYTES, Row};

/// Which hours of events are read.
#[derive(Debug, Clone)]
pub enum Selection {
    /// All.
    All,
    /// These, since 1970.
    Hours(BTreeSet<u32>),
    /// None, but the notes.
    Notes,
}

impl Selection {
    fn has(&self, row: &Row) -> bool {
        match self {
            Self::All => true,
            Self::Hours(hours) => hours.contains(&row.key.hour()),
            Self::Notes => false,
        }
    }
}

/// Reads a ledger.
#[derive(Debug)]
pub struct Reader {
    folder: PathBuf,
    key: HashKey,
}

impl Reader {
    /// Opens the ledger in `folder`.
    pub fn open(folder: &Path) -> Result<Self, LedgerError> {
        Ok(Self {
            folder: folder.to_owned(),
            key: HashKey::read(folder)?,
        })
    }

    /// Opens the ledgers of the members of a group, which have one key.
    pub fn open_all(folders: &[PathBuf]) -> Result<Vec<Self>, LedgerError> {
        let all: Vec<Self> = folders
            .iter()
            .map(|folder| Self::open(folder))
            .collect::<Result<_, _>>()?;
        let is_other = |reader: &&Self| all.first().is_some_and(|first| first.key != reader.key);
        match all.iter().find(is_other) {
            Some(other) => Err(LedgerError::OtherKey {
                path: HashKey::path(&other.folder),
            }),
            None => Ok(all),
        }
    }

    /// The key of its hashes.
    pub fn key(&self) -> &HashKey {
        &self.key
    }

    /// Passes the rows of these hours to `each`, in the order in which their files were written, with
    /// the dictionary of the file. Returns the notes.
    pub fn read(
        &self,
        selection: &Selection,
        mut each: impl FnMut(&Row, &Dictionary),
    ) -> Result<Vec<Noted>, LedgerError> {
        let files =
            files::list(&self.folder).map_err(|source| LedgerError::of(&self.folder, source))?;
        let mut notes = Vec::new();
        for file in files {
            self.read_file(&file, selection, &mut each, &mut notes)?;
        }
        notes.sort_by_key(|noted| noted.at_ms);
        Ok(notes)
    }

    fn read_file(
        &self,
        file: &LedgerFile,
        selection: &Selection,
        each: &mut impl FnMut(&Row, &Dictionary),
        notes: &mut Vec<Noted>,
    ) -> Result<(), LedgerError> {
        let path = files::path(&self.folder, file.number, file.kind);
        let opened = match File::open(&path) {
            // It was packed meanwhile, or removed for its age.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                File::open(files::path(&self.folder, file.number, FileKind::Packed))
            }
            other => other,
        };
        let input = match opened {
            Ok(input) => input,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(LedgerError::of(&path, source)),
        };
        let size = input
            .metadata()
            .map_err(|source| LedgerError::of(&path, source))?
            .len();
        let mut frames = Frames::new(BufReader::with_capacity(1 << 16, input));
        let mut dictionary = Dictionary::default();
        while let Some((kind, content)) = frames
            .next()
            .map_err(|source| LedgerError::of(&path, source))?
        {
            match kind {
                Kind::Dictionary => {
                    dictionary.read(content);
                }
                Kind::Note => notes.extend(serde_json::from_slice(content).ok()),
                _ if matches!(selection, Selection::Notes) => {}
                Kind::Rows => {
                    let (rows, _) = content.as_chunks::<ROW_BYTES>();
                    let rows = rows.iter().map(Row::decode);
                    rows.filter(|row| selection.has(row))
                        .for_each(|row| each(&row, &dictionary));
                }
                Kind::Block => {
                    let rows = block::decode(content).unwrap_or_default();
                    let rows = rows.iter().filter(|row| selection.has(row));
                    rows.for_each(|row| each(row, &dictionary));
                }
            }
        }
        // The end of a journal may be half written just now.
        if file.kind == FileKind::Packed && frames.whole_bytes < size {
            tracing::warn!(
                "{} is damaged: {} of {size} bytes can be read",
                path.display(),
                frames.whole_bytes
            );
        }
        Ok(())
    }
}
