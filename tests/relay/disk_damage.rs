//! Damage to the file of a relay's log.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub const PAGE_BYTES: u64 = 16_384;

pub fn file(folder: &Path) -> PathBuf {
    folder.join("messages.sqlite")
}

/// Moves everything from SQLite's write-ahead log into the file, which must not be open.
pub fn settle(folder: &Path) {
    let db = Connection::open(file(folder)).unwrap();
    db.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
        .unwrap();
}

pub fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

pub fn noise(bytes: u64) -> Vec<u8> {
    (0..bytes).map(|_| rand::random()).collect()
}

/// Damages this many leaf pages, which hold messages, spread over the middle of the file.
pub fn damage_pages(folder: &Path, count: usize) {
    const LEAF: u8 = 0x0a;
    let bytes = fs::read(file(folder)).unwrap();
    let pages = bytes.chunks(PAGE_BYTES as usize).enumerate();
    let leaves: Vec<usize> = pages
        .filter(|(n, page)| *n > 3 && page[0] == LEAF)
        .map(|(n, _)| n)
        .collect();
    for n in 0..count {
        let page = leaves[leaves.len() / 5 + n * (leaves.len() / 2) / count] as u64;
        overwrite(&file(folder), page * PAGE_BYTES, &noise(PAGE_BYTES));
    }
}
