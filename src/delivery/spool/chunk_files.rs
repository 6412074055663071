//! Files with the contents of large chunks.
//!
//! A database writes contents twice, to its log and to its file, and reads their pages again to free
//! them. So the contents of a large chunk have a file of their own, in the folder `chunks` beside the
//! database. It is on the disk before the commit that adds the chunk. Once every item of the chunk is
//! settled, a later one overwrites the file, which costs less than a new one.
//!
//! A file's header tells whose contents it has. A file whose chunk the database doesn't know, as a
//! crash leaves it, is removed at the next start. One whose header is damaged is kept under another name.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::amplitude::time::{self, UnixMs};
use crate::delivery::Accepted;
use crate::owner_only;

use super::chunk_header::{ChunkHeader, HEADER_BYTES};
use super::entry;

/// Minimum size of a chunk that gets a file, in bytes. A file costs a wait for the disk of its own, so
/// it pays for much data only.
pub(super) const MIN_BYTES: usize = 256 << 10;
/// Maximum free files that are kept: about the chunks that are on their way.
const MAX_FREE: usize = 16;
/// Maximum size of a free file that is kept, in bytes: a few chunks of the usual size.
const MAX_FREE_BYTES: u64 = 4 << 20;

/// The files of one spool.
#[derive(Debug)]
pub(super) struct ChunkFiles {
    folder: PathBuf,
    /// The file of each chunk that has one, by number and time of creation: a power cut may leave two
    /// of one number, and the database knows which it is.
    by_chunk: BTreeMap<(u64, UnixMs), ChunkFile>,
    free: Vec<FreeFile>,
    /// Files whose header is damaged, where they are now.
    set_aside: Vec<PathBuf>,
    /// The name of the next file.
    next: u64,
}

/// The first bytes of a file.
enum Mark {
    Header(ChunkHeader),
    /// Nothing, or zeros: it is free, or a crash left it.
    Blank,
    Damaged,
}

#[derive(Debug, Clone, Copy)]
struct ChunkFile {
    name: u64,
    header: ChunkHeader,
}

#[derive(Debug, Clone, Copy)]
struct FreeFile {
    name: u64,
    bytes: u64,
}

impl ChunkFiles {
    /// Finds the files in a spool's folder.
    pub(super) fn open(spool: &Path) -> io::Result<Self> {
        let mut files = Self {
            folder: spool.join("chunks"),
            by_chunk: BTreeMap::new(),
            free: Vec::new(),
            set_aside: Vec::new(),
            next: 1,
        };
        owner_only::create_folder(&files.folder)?;
        for found in fs::read_dir(&files.folder)? {
            let name = found?.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(".chunk"));
            let Some(name) = name.and_then(|name| name.parse::<u64>().ok()) else {
                continue;
            };
            files.next = files.next.max(name.saturating_add(1));
            match files.mark_of(name) {
                Mark::Header(header) => files.add(name, header),
                Mark::Blank => files.remove(name),
                Mark::Damaged => files.set_aside(name),
            }
        }
        Ok(files)
    }

    fn mark_of(&self, name: u64) -> Mark {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        let read = File::open(self.path(name))
            .and_then(|file| file.take(HEADER_BYTES as u64).read_to_end(&mut bytes));
        let header = <&[u8; HEADER_BYTES]>::try_from(&bytes[..]);
        match (read, header.ok().and_then(ChunkHeader::read)) {
            (_, Some(header)) => Mark::Header(header),
            (Ok(_), None) if bytes.iter().all(|byte| *byte == 0) => Mark::Blank,
            _ => Mark::Damaged,
        }
    }

    /// Gives a file a name that no chunk gets. One that can't be renamed is tried again at the next start.
    fn set_aside(&mut self, name: u64) {
        let path = self.path(name);
        let aside = path.with_extension(format!("chunk.damaged-{}", time::now()));
        match fs::rename(&path, &aside) {
            Ok(()) => self.set_aside.push(aside),
            Err(error) => {
                tracing::error!("{}: its header is damaged: {error}", path.display());
            }
        }
    }

    /// Takes the files whose header is damaged: where they are now.
    pub(super) fn take_set_aside(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.set_aside)
    }

    /// Removes the files of chunks that `is_known` doesn't know, by number and time of creation.
    pub(super) fn keep(&mut self, is_known: impl Fn(u64, UnixMs) -> bool) {
        let all = std::mem::take(&mut self.by_chunk);
        for (key, file) in all {
            if is_known(key.0, key.1) {
                self.by_chunk.insert(key, file);
            } else {
                self.remove(file.name);
            }
        }
    }

    fn add(&mut self, name: u64, header: ChunkHeader) {
        let key = (header.chunk, header.created_ms);
        self.by_chunk.insert(key, ChunkFile { name, header });
    }

    fn of_chunk(&self, chunk: u64) -> Option<ChunkFile> {
        let found = self.by_chunk.range((chunk, UnixMs::MIN)..).next();
        found
            .map(|(_, file)| *file)
            .filter(|file| file.header.chunk == chunk)
    }

    /// The file of a chunk, which is no longer the chunk's.
    fn take(&mut self, chunk: u64) -> Option<ChunkFile> {
        let file = self.of_chunk(chunk)?;
        self.by_chunk.remove(&(chunk, file.header.created_ms))
    }

    /// Writes the contents of a chunk, and waits for the disk.
    pub(super) fn write(
        &mut self,
        chunk: u64,
        created_ms: UnixMs,
        items: &[Accepted],
    ) -> io::Result<()> {
        let index = entry::encode(items.iter());
        let bodies = items.iter().map(|a| a.item.body.len() as u64).sum();
        let header = ChunkHeader {
            chunk,
            created_ms,
            index_bytes: index.len() as u32,
            body_bytes: bodies,
        };
        let bytes = header.bytes();
        let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(items.len() + 2);
        slices.extend([IoSlice::new(&bytes), IoSlice::new(&index)]);
        slices.extend(items.iter().map(|a| IoSlice::new(&a.item.body)));
        // Its own from a commit that failed, or a free one.
        let own = self.take(chunk).map(|file| file.name);
        let free = own.or_else(|| self.free.pop().map(|file| file.name));
        let name = free.unwrap_or(self.next);
        let path = self.path(name);
        let written = match free {
            Some(_) => overwrite(&path, &mut slices),
            None => create(&path, &mut slices),
        };
        match written {
            Ok(()) => {
                self.next = self.next.max(name + 1);
                self.add(name, header);
                Ok(())
            }
            Err(error) => {
                self.remove(name);
                Err(error)
            }
        }
    }

    /// The file of a chunk, with its header; none if it has none, or it can't be read.
    pub(super) fn find(&self, chunk: u64) -> Option<(File, ChunkHeader)> {
        let found = self.of_chunk(chunk)?;
        let path = self.path(found.name);
        match File::open(&path) {
            Ok(file) => Some((file, found.header)),
            Err(error) => {
                tracing::error!("cannot read {}: {error}", path.display());
                None
            }
        }
    }

    /// The numbers of the chunks that have a file, in order.
    pub(super) fn chunks(&self) -> Vec<u64> {
        let mut all: Vec<u64> = self.by_chunk.keys().map(|(chunk, _)| *chunk).collect();
        all.dedup();
        all
    }

    /// Frees the file of a chunk that is settled, if it has one.
    pub(super) fn free(&mut self, chunk: u64) {
        let Some(file) = self.take(chunk) else {
            return;
        };
        let bytes = file.header.size_bytes();
        if bytes > MAX_FREE_BYTES || unmark(&self.path(file.name)).is_err() {
            self.remove(file.name);
            return;
        }
        self.free.push(FreeFile {
            name: file.name,
            bytes,
        });
    }

    /// Size of the free files, in bytes.
    pub(super) fn free_bytes(&self) -> u64 {
        self.free.iter().map(|file| file.bytes).sum()
    }

    /// Removes the free files that are more than are soon used.
    pub(super) fn trim(&mut self) {
        self.remove_free(MAX_FREE);
    }

    /// Removes all free files. Returns whether there were any.
    pub(super) fn remove_all_free(&mut self) -> bool {
        let any = !self.free.is_empty();
        self.remove_free(0);
        any
    }

    fn remove_free(&mut self, kept: usize) {
        for file in self.free.split_off(kept.min(self.free.len())) {
            self.remove(file.name);
        }
    }

    /// Removes a file. One that can't be removed is tried again at the next start.
    fn remove(&self, name: u64) {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("cannot remove {}: {error}", path.display());
            }
            _ => {}
        }
    }

    fn path(&self, name: u64) -> PathBuf {
        self.folder.join(format!("{name}.chunk"))
    }
}

/// Writes a new file, so that its name is on the disk, too.
fn create(path: &Path, slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    write_all(&mut owner_only::new_in_place(path)?, slices)?;
    owner_only::sync_folder_of(path)
}

fn overwrite(path: &Path, slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    write_all(&mut OpenOptions::new().write(true).open(path)?, slices)
}

fn write_all(file: &mut File, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    while !slices.is_empty() {
        match file.write_vectored(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    file.sync_data()
}

/// Overwrites the header, so that a salvage that can't read the database doesn't take settled items for
/// waiting ones. It need not reach the disk: such items would be sent again, under their ids.
fn unmark(path: &Path) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .open(path)?
        .write_all(&[0; HEADER_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tests_support::accepted;

    fn names(spool: &Path) -> Vec<String> {
        let found = fs::read_dir(spool.join("chunks")).unwrap().flatten();
        let mut names: Vec<String> = found
            .map(|e| e.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_found_again_by_its_chunk_and_used_again_when_it_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = ChunkFiles::open(dir.path()).unwrap();
        let items = [accepted(1, 7, "one"), accepted(2, 8, "two")];
        files.write(5, 1_000, &items).unwrap();
        files.write(6, 2_000, &items[..1]).unwrap();
        files.free(5);
        files.write(7, 3_000, &items).unwrap();
        assert_eq!(names(dir.path()), ["1.chunk", "2.chunk"]);
        let mut files = ChunkFiles::open(dir.path()).unwrap();
        assert_eq!(files.chunks(), [6, 7]);
        files.keep(|chunk, created_ms| (chunk, created_ms) == (7, 3_000));
        assert_eq!(files.chunks(), [7]);
        assert_eq!(names(dir.path()), ["1.chunk"]);
        files.write(8, 4_000, &items).unwrap();
        assert_eq!(names(dir.path()), ["1.chunk", "3.chunk"]);
    }

    #[test]
    fn a_chunk_that_is_written_again_keeps_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = ChunkFiles::open(dir.path()).unwrap();
        files.write(5, 1_000, &[accepted(1, 7, "one")]).unwrap();
        files.write(5, 1_001, &[accepted(2, 7, "longer")]).unwrap();
        let (_, header) = files.find(5).unwrap();
        assert_eq!((header.created_ms, header.body_bytes), (1_001, 6));
        assert_eq!(names(dir.path()), ["1.chunk"]);
    }

    #[test]
    fn free_files_are_kept_up_to_a_number_and_a_header_of_another_program_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = ChunkFiles::open(dir.path()).unwrap();
        for chunk in 1..=20 {
            files.write(chunk, 0, &[accepted(1, 7, "one")]).unwrap();
        }
        (1..=20).for_each(|chunk| files.free(chunk));
        files.trim();
        assert_eq!(names(dir.path()).len(), MAX_FREE);
        assert!(files.free_bytes() > 0 && files.remove_all_free());
        assert!(names(dir.path()).is_empty() && !files.remove_all_free());
        fs::write(dir.path().join("chunks/notes.txt"), "kept").unwrap();
        fs::write(dir.path().join("chunks/3.chunk"), "").unwrap();
        fs::write(dir.path().join("chunks/4.chunk"), [0; 100]).unwrap();
        fs::write(dir.path().join("chunks/5.chunk"), "not a header").unwrap();
        let mut files = ChunkFiles::open(dir.path()).unwrap();
        assert!(files.chunks().is_empty());
        let aside = files.take_set_aside();
        assert_eq!(fs::read(&aside[0]).unwrap(), b"not a header");
        assert_eq!((aside.len(), names(dir.path()).len()), (1, 2));
        assert!(names(dir.path())[0].starts_with("5.chunk.damaged-"));
    }
}
