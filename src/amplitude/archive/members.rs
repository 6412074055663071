//! The members of a zip, in the order of their time.

use std::borrow::Cow;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

use zip::ZipReadOptions;
use zip::read::{Config, ZipFile, ZipFileEntry, read_zipfile_from_stream};
use zip::result::{ZipError, ZipResult};
use zip::unstable::read::ZipIterable;

use super::{ArchiveError, Input, Piece, Source, Take, torn, unpacked};

/// Names that end so are files of events; behind it may stand how they are packed.
const EXPORTS: [&str; 3] = [".json", ".ndjson", ".jsonl"];
const PACKED: [&str; 3] = [".gz", ".zst", ".zstd"];
/// Files that systems put beside those of their users.
const OF_SYSTEMS: [&str; 3] = [".ds_store", "thumbs.db", "desktop.ini"];

/// Reads the members that the directory of a zip names; where it is missing, as in a download
/// that broke off, those that come one behind the other.
pub(super) fn of_file(
    file: BufReader<File>,
    input: &Input,
    take: &mut Take<'_>,
) -> ControlFlow<()> {
    let mut file = file;
    let entries = match entries(&mut file) {
        Ok(entries) => entries,
        Err(error) => {
            torn::read_members(&mut file, input, take)?;
            return take(cannot_read(input, error));
        }
    };
    let mut room = input.packed_bytes.unwrap_or(u64::MAX);
    for (name, entry) in entries {
        let packed_bytes = entry.compressed_size();
        let input = member(&name, Some(packed_bytes), input);
        room = match room.checked_sub(packed_bytes) {
            Some(left) => left,
            None => {
                let place = input.place(0);
                return take(Piece::Broken(ArchiveError::Overlapping { place }));
            }
        };
        match entry.with_reader(&mut file, ZipReadOptions::new()) {
            Ok(file) => read(file, &name, &input, take)?,
            Err(error) => take(cannot_read(&input, error))?,
        }
    }
    ControlFlow::Continue(())
}

/// Reads a zip that can't be searched.
pub(super) fn of_stream(
    mut reader: impl Read,
    input: &Input,
    take: &mut Take<'_>,
) -> ControlFlow<()> {
    match one_behind_the_other(&mut reader, input, take)? {
        Some(error) => take(cannot_read(input, error)),
        None => ControlFlow::Continue(()),
    }
}

/// Every entry of the directory with its name, two of one name too. Amplitude names members by
/// project, date, hour and part: in the natural order of their names they are in time.
fn entries(file: &mut BufReader<File>) -> ZipResult<Vec<(String, ZipFileEntry<'static>)>> {
    let mut all = ZipIterable::try_new(file, Config::default())?;
    let named = all.files()?.map(|entry| {
        let entry = entry?;
        let name = entry.name().map(Cow::into_owned);
        Ok((name.unwrap_or_else(|_| lossy(entry.name_raw())), entry))
    });
    let mut named = named.collect::<ZipResult<Vec<_>>>()?;
    named.sort_by_cached_key(|(name, _)| natural_order(name));
    Ok(named)
}

pub(super) fn name_of<R: Read>(file: &ZipFile<'_, R>) -> String {
    file.name()
        .map_or_else(|_| lossy(file.name_raw()), Cow::into_owned)
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// Reads members by their own headers; the error at which that ended, if it did not at the
/// directory.
fn one_behind_the_other(
    reader: &mut impl Read,
    input: &Input,
    take: &mut Take<'_>,
) -> ControlFlow<(), Option<ZipError>> {
    loop {
        match read_zipfile_from_stream(reader) {
            Ok(Some(file)) => {
                let name = name_of(&file);
                let input = member(&name, Some(file.compressed_size()), input);
                read(file, &name, &input, take)?;
            }
            Ok(None) => return ControlFlow::Continue(None),
            Err(error) => return ControlFlow::Continue(Some(error)),
        }
    }
}

pub(super) fn member(name: &str, packed_bytes: Option<u64>, zip: &Input) -> Input {
    // What a header says of its member's size may be anything.
    let packed_bytes = match (packed_bytes, zip.packed_bytes) {
        (Some(said), Some(most)) => Some(said.min(most)),
        (said, most) => said.or(most),
    };
    let source = Arc::new(Source {
        file: zip.source.to_string(),
        member: Some(name.to_owned()),
    });
    let lower = name.to_ascii_lowercase();
    let plain = PACKED.iter().find_map(|end| lower.strip_suffix(end));
    let plain = plain.unwrap_or(&lower);
    Input {
        layers: zip.layers.saturating_sub(1),
        is_export: EXPORTS.iter().any(|end| plain.ends_with(end)),
        ..Input::new(source, packed_bytes, zip.options)
    }
}

pub(super) fn read<R: Read>(
    file: ZipFile<'_, R>,
    name: &str,
    input: &Input,
    take: &mut Take<'_>,
) -> ControlFlow<()> {
    if file.is_dir() {
        return ControlFlow::Continue(());
    }
    if is_of_a_system(name) {
        return take(Piece::PassedOver(input.place(0)));
    }
    let mut is_told = false;
    let mut tell = |piece: Piece| {
        is_told |= matches!(piece, Piece::Broken(_));
        take(piece)
    };
    let failed = Rc::default();
    let reader = ErrorAtTheEnd {
        reader: file,
        failed: Rc::clone(&failed),
    };
    unpacked(Box::new(reader), input, &mut tell)?;
    match failed.take() {
        Some(error) if !is_told => take(Piece::Broken(input.cannot_read(0, error))),
        _ => ControlFlow::Continue(()),
    }
}

/// Ends where it can't be read further, and keeps why. A decompressor gives what it still holds
/// of a stream that ends; of one that fails it does not.
struct ErrorAtTheEnd<R> {
    reader: R,
    failed: Rc<Cell<Option<io::Error>>>,
}

impl<R: Read> Read for ErrorAtTheEnd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buffer) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                self.failed.set(Some(error));
                Ok(0)
            }
            read => read,
        }
    }
}

/// Whether a system, and no export, made a file of this name.
fn is_of_a_system(name: &str) -> bool {
    let mut folders = name.split(['/', '\\']);
    let base = folders.next_back().unwrap_or_default().to_ascii_lowercase();
    folders.any(|folder| folder == "__MACOSX")
        || base.starts_with("._")
        || OF_SYSTEMS.contains(&base.as_str())
}

fn cannot_read(input: &Input, source: ZipError) -> Piece {
    let place = input.place(0);
    Piece::Broken(match source {
        ZipError::Io(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
            input.cannot_read(0, source)
        }
        source => ArchiveError::Zip { place, source },
    })
}

/// `…_2025-07-01_9#2` before `…_2025-07-01_17#0`: runs of digits compare as numbers.
pub(super) fn natural_order(name: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    let (mut number, mut text) = (0_u64, String::new());
    for c in name.chars() {
        match c.to_digit(10) {
            Some(digit) => {
                if !text.is_empty() {
                    parts.push((number, std::mem::take(&mut text)));
                    number = 0;
                }
                number = number.saturating_mul(10).saturating_add(u64::from(digit));
            }
            None => text.push(c),
        }
    }
    parts.push((number, text));
    parts
}
