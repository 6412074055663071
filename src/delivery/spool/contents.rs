//! The contents of a chunk, wherever they are: an index, and its items' bytes.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use rusqlite::Connection;
use rusqlite::blob::Blob;

use super::chunk_files::ChunkFiles;
use super::chunk_header::{ChunkHeader, HEADER_BYTES};
use super::chunk_table::{self, LENGTH_BYTES};

/// The contents of a chunk. What can't be read of a file is missing, as what a file was cut off by.
pub(super) struct Contents<'s> {
    place: Place<'s>,
    index_bytes: usize,
}

enum Place<'s> {
    Database(Blob<'s>),
    File(File),
    /// There are none, though the chunk exists.
    Nowhere,
}

impl<'s> Contents<'s> {
    /// The contents of a chunk: those in its file if it has one, or else in the database.
    pub(super) fn find(
        db: &'s Connection,
        files: Option<&ChunkFiles>,
        chunk: u64,
    ) -> rusqlite::Result<Self> {
        if let Some((file, header)) = files.and_then(|files| files.find(chunk)) {
            return Ok(Self::in_file(file, header));
        }
        Ok(match chunk_table::blob(db, chunk)? {
            Some(blob) => Self::in_database(blob)?,
            None => Self {
                place: Place::Nowhere,
                index_bytes: 0,
            },
        })
    }

    /// The contents in a chunk's file.
    pub(super) fn in_file(file: File, header: ChunkHeader) -> Self {
        Self {
            place: Place::File(file),
            index_bytes: header.index_bytes as usize,
        }
    }

    fn in_database(blob: Blob<'s>) -> rusqlite::Result<Self> {
        let mut length = [0; LENGTH_BYTES];
        blob.read_at_exact(&mut length, 0)?;
        Ok(Self {
            place: Place::Database(blob),
            index_bytes: u32::from_le_bytes(length) as usize,
        })
    }

    /// The index.
    pub(super) fn index(&self) -> rusqlite::Result<Vec<u8>> {
        self.read(0, self.index_bytes)
    }

    /// Reads `length` bytes of its items from `start`; fewer where there are no more.
    pub(super) fn bodies(&self, start: usize, length: usize) -> rusqlite::Result<Vec<u8>> {
        self.read(self.index_bytes + start, length)
    }

    fn read(&self, start: usize, length: usize) -> rusqlite::Result<Vec<u8>> {
        match &self.place {
            Place::Database(blob) => {
                let start = LENGTH_BYTES + start;
                let left = blob.len().saturating_sub(start);
                let mut bytes = vec![0; length.min(left)];
                blob.read_at_exact(&mut bytes, start.min(blob.len()))?;
                Ok(bytes)
            }
            Place::File(file) => Ok(read_file(file, HEADER_BYTES + start, length)),
            Place::Nowhere => Ok(Vec::new()),
        }
    }
}

/// Reads `length` bytes from `start`, or as many as can be read.
fn read_file(mut file: &File, start: usize, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = (|| -> io::Result<()> {
        file.seek(SeekFrom::Start(start as u64))?;
        file.take(length as u64).read_to_end(&mut bytes)?;
        Ok(())
    })();
    if let Err(error) = read {
        tracing::error!("cannot read a chunk of the spool: {error}");
    }
    bytes
}
