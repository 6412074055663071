//! The members of a zip, in the order of their time.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;

use zip::ZipReadOptions;
use zip::read::{Config, ZipFileEntry, read_zipfile_from_stream};
use zip::result::{ZipError, ZipResult};
use zip::unstable::read::ZipIterable;

use super::error::ArchiveError;
use super::input::Input;
use super::member::{Unpack, lossy, member, name_of, read};
use super::piece::{Piece, Take};
use super::torn;

/// Reads the members in the directory of a zip, or, if the directory is missing as in an incomplete
/// download, the members after one another.
pub(super) fn of_file(
    file: BufReader<File>,
    input: &Input,
    take: &mut Take<'_>,
    unpack: Unpack,
) -> ControlFlow<()> {
    let mut file = file;
    let entries = match entries(&mut file) {
        Ok(entries) => entries,
        Err(error) => {
            torn::read_members(&mut file, input, take, unpack)?;
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
                let place = input.position(0);
                return take(Piece::Broken(ArchiveError::Overlapping { place }));
            }
        };
        match entry.with_reader(&mut file, ZipReadOptions::new()) {
            Ok(file) => read(file, &name, &input, take, unpack)?,
            Err(error) => take(cannot_read(&input, error))?,
        }
    }
    ControlFlow::Continue(())
}

/// Reads a zip that is not seekable.
pub(super) fn of_stream(
    mut reader: impl Read,
    input: &Input,
    take: &mut Take<'_>,
    unpack: Unpack,
) -> ControlFlow<()> {
    match in_sequence(&mut reader, input, take, unpack)? {
        Some(error) => take(cannot_read(input, error)),
        None => ControlFlow::Continue(()),
    }
}

/// All entries of the directory with their names, which may be repeated, in natural order. Amplitude
/// names members by project, date, hour and part, so that this is the order of time.
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

/// Reads members by their own headers. Returns the error at which that ended, unless it reached the
/// directory.
fn in_sequence(
    reader: &mut impl Read,
    input: &Input,
    take: &mut Take<'_>,
    unpack: Unpack,
) -> ControlFlow<(), Option<ZipError>> {
    loop {
        match read_zipfile_from_stream(reader) {
            Ok(Some(file)) => {
                let name = name_of(&file);
                let input = member(&name, Some(file.compressed_size()), input);
                read(file, &name, &input, take, unpack)?;
            }
            Ok(None) => return ControlFlow::Continue(None),
            Err(error) => return ControlFlow::Continue(Some(error)),
        }
    }
}

fn cannot_read(input: &Input, source: ZipError) -> Piece {
    let place = input.position(0);
    Piece::Broken(match source {
        ZipError::Io(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
            input.cannot_read(0, source)
        }
        source => ArchiveError::Zip { place, source },
    })
}

/// A key that compares runs of digits as numbers: `…_2025-07-01_9#2` before `…_2025-07-01_17#0`.
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
