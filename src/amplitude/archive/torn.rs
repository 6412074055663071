//! A zip whose directory is missing, as that of a download that broke off: its members stand one
//! behind the other, each behind a header of its own.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::ops::ControlFlow;

use zip::ZipReadOptions;
use zip::read::{ZipFile, read_zipfile_from_stream, read_zipfile_from_stream_with_options};

use super::members::{member, name_of, read};
use super::{Input, Take};

/// The header of a member, without its name (APPNOTE.TXT 6.3.9, 4.3.7).
const HEADER_BYTES: usize = 30;
/// What the next member, or the directory, begins with.
const MEMBER: &[u8] = b"PK\x03\x04";
const DIRECTORY: &[u8] = b"PK\x01\x02";
/// Bytes looked through at once for the next member.
const LOOK_BYTES: usize = 64 << 10;

/// Reads the members that there are, as far as they are there.
pub(super) fn read_members(
    file: &mut BufReader<File>,
    input: &Input,
    take: &mut Take<'_>,
) -> ControlFlow<()> {
    let mut at = 0;
    while let Ok(Some(sized)) = find(file, at) {
        if file.seek(SeekFrom::Start(at)).is_err() {
            break;
        }
        let member = open(file, sized, input);
        // The directory, or what was cut off: either is told by who found no directory.
        let Some(step) = member.map(|(opened, name, input)| read(opened, &name, &input, take))
        else {
            break;
        };
        step?;
        match file.stream_position() {
            Ok(next) if next > at => at = next,
            _ => break,
        }
    }
    ControlFlow::Continue(())
}

/// The member at which the file stands.
fn open<'f>(
    file: &'f mut BufReader<File>,
    sized: Sized,
    input: &Input,
) -> Option<(ZipFile<'f, BufReader<File>>, String, Input)> {
    let opened = match sized {
        Sized::Told => read_zipfile_from_stream(file),
        Sized::UpTo(bytes) => {
            // Its checksum stands behind it too.
            let options = ZipReadOptions::new().override_compressed_size(bytes);
            read_zipfile_from_stream_with_options(file, options.ignore_crc32(true))
        }
    };
    let opened = opened.ok().flatten()?;
    let name = name_of(&opened);
    let input = member(&name, Some(opened.compressed_size()), input);
    Some((opened, name, input))
}

/// How it is known where a member ends.
#[derive(Debug, Clone, Copy)]
enum Sized {
    /// Its header says it.
    Told,
    /// It was written as a stream: its size stands behind it. So many bytes lie before the next.
    UpTo(u64),
}

/// What stands at this place; nothing where that is no member.
fn find(file: &mut BufReader<File>, at: u64) -> io::Result<Option<Sized>> {
    file.seek(SeekFrom::Start(at))?;
    let mut header = Vec::with_capacity(HEADER_BYTES);
    file.by_ref()
        .take(HEADER_BYTES as u64)
        .read_to_end(&mut header)?;
    let [b'P', b'K', 3, 4, _, _, flags, _, .., n0, n1, e0, e1] = header[..] else {
        return Ok(None);
    };
    if flags & 8 == 0 {
        return Ok(Some(Sized::Told));
    }
    let behind = u64::from(u16::from_le_bytes([n0, n1])) + u64::from(u16::from_le_bytes([e0, e1]));
    let from = at + HEADER_BYTES as u64 + behind;
    file.seek(SeekFrom::Start(from))?;
    let (mut looked, mut part) = (0_u64, Vec::new());
    loop {
        let kept = part.len();
        if file
            .by_ref()
            .take(LOOK_BYTES as u64)
            .read_to_end(&mut part)?
            == 0
        {
            return Ok(Some(Sized::UpTo(looked + kept as u64)));
        }
        let next = [MEMBER, DIRECTORY].map(|start| memchr::memmem::find(&part, start));
        if let Some(next) = next.into_iter().flatten().min() {
            return Ok(Some(Sized::UpTo(looked + next as u64)));
        }
        // A signature may lie across the end.
        let done = part.len().saturating_sub(MEMBER.len() - 1);
        looked += done as u64;
        part.drain(..done);
    }
}
