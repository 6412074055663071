//! The files of a ledger, and their retention.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::error::LedgerError;
use super::note::Note;
use crate::amplitude::time::UnixMs;

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FileKind {
    /// Sorted and packed.
    Packed,
    /// In the order in which rows came.
    Journal,
}

/// A file of a ledger.
#[derive(Debug, Clone)]
pub(super) struct LedgerFile {
    pub(super) number: u64,
    pub(super) kind: FileKind,
    pub(super) bytes: u64,
    /// When it was written last.
    pub(super) written: SystemTime,
}

impl FileKind {
    fn extension(self) -> &'static str {
        match self {
            Self::Packed => "ledger",
            Self::Journal => "journal",
        }
    }
}

/// The path of a file.
pub(super) fn path(folder: &Path, number: u64, kind: FileKind) -> PathBuf {
    folder.join(format!("{number:010}.{}", kind.extension()))
}

/// The files of a ledger, the oldest first. A journal that is packed already is left out.
pub(super) fn list(folder: &Path) -> io::Result<Vec<LedgerFile>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let kind = match path.extension().and_then(|end| end.to_str()) {
            Some("ledger") => FileKind::Packed,
            Some("journal") => FileKind::Journal,
            _ => continue,
        };
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let Some(number) = stem.and_then(|stem| stem.parse().ok()) else {
            continue;
        };
        // It may be removed meanwhile.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        found.push(LedgerFile {
            number,
            kind,
            bytes: metadata.len(),
            written: metadata.modified().unwrap_or(UNIX_EPOCH),
        });
    }
    found.sort_by_key(|file| (file.number, file.kind));
    found.dedup_by_key(|file| file.number);
    Ok(found)
}

/// Removes the oldest files by age and size, but never the newest one. Returns a note if there was
/// anything to remove.
pub(super) fn enforce_retention(
    folder: &Path,
    keep: Duration,
    quota_bytes: u64,
    now: SystemTime,
) -> io::Result<Option<Note>> {
    let mut files = list(folder)?;
    files.pop();
    let mut left: u64 = files.iter().map(|file| file.bytes).sum();
    let (mut removed, mut removed_bytes, mut until) = (0, 0, None);
    for file in files {
        let age = now.duration_since(file.written).unwrap_or_default();
        if file.kind == FileKind::Journal || (age <= keep && left <= quota_bytes) {
            break;
        }
        fs::remove_file(path(folder, file.number, file.kind))?;
        left -= file.bytes;
        removed += 1;
        removed_bytes += file.bytes;
        until = Some(file.written);
    }
    Ok(until.map(|until| Note::Removed {
        files: removed,
        bytes: removed_bytes,
        until_ms: unix_ms(until),
    }))
}

fn unix_ms(at: SystemTime) -> UnixMs {
    at.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as UnixMs)
}

/// The size of a ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Number of files.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Number of journals among them.
    pub journals: u64,
    /// When the oldest file was written last.
    pub oldest_ms: Option<UnixMs>,
    /// When the newest file was written last.
    pub newest_ms: Option<UnixMs>,
}

/// The size of the ledger in `folder`.
pub fn stats(folder: &Path) -> Result<Stats, LedgerError> {
    let files = list(folder).map_err(|source| LedgerError::of(folder, source))?;
    Ok(Stats {
        files: files.len() as u64,
        bytes: files.iter().map(|file| file.bytes).sum(),
        journals: files
            .iter()
            .filter(|file| file.kind == FileKind::Journal)
            .count() as u64,
        oldest_ms: files.first().map(|file| unix_ms(file.written)),
        newest_ms: files.last().map(|file| unix_ms(file.written)),
    })
}
