//! A zip whose directory is missing, as in an incomplete download: its members follow one another,
//! each after a header of its own.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::ops::ControlFlow;

use zip::ZipReadOptions;
use zip::read::{ZipFile, read_zipfile_from_stream, read_zipfile_from_stream_with_options};

use super::input::Input;
use super::member::{Unpack, member, name_of, read};
use super::piece::Take;

/// The header of a member, without its name (APPNOTE.TXT 6.3.9, 4.3.7).
const HEADER_BYTES: usize = 30;
/// The first bytes of a member, and of the directory.
const MEMBER: &[u8] = b"PK\x03\x04";
const DIRECTORY: &[u8] = b"PK\x01\x02";
/// Bytes searched at once for the next member.
const SEARCH_BYTES: usize = 64 << 10;

/// Reads all members, the last one as far as it is complete.
pub(super) fn read_members(
    file: &mut BufReader<File>,
    input: &Input,
    take: &mut Take<'_>,
    unpack: Unpack,
) -> ControlFlow<()> {
    let mut at = 0;
    while let Ok(Some(size)) = find(file, at) {
        if file.seek(SeekFrom::Start(at)).is_err() {
            break;
        }
        let member = open(file, size, input);
        // The directory, or a cut member: the caller reports that there is no directory.
        let Some(step) =
            member.map(|(opened, name, input)| read(opened, &name, &input, take, unpack))
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

/// The member at the current position.
fn open<'f>(
    file: &'f mut BufReader<File>,
    size: MemberSize,
    input: &Input,
) -> Option<(ZipFile<'f, BufReader<File>>, String, Input)> {
    let opened = match size {
        MemberSize::InHeader => read_zipfile_from_stream(file),
        MemberSize::UpToNext(bytes) => {
            // Its checksum follows it too.
            let options = ZipReadOptions::new().override_compressed_size(bytes);
            read_zipfile_from_stream_with_options(file, options.ignore_crc32(true))
        }
    };
    let opened = opened.ok().flatten()?;
    let name = name_of(&opened);
    let input = member(&name, Some(opened.compressed_size()), input);
    Some((opened, name, input))
}

/// The size of a member.
#[derive(Debug, Clone, Copy)]
enum MemberSize {
    /// The header contains it.
    InHeader,
    /// The member was written as a stream, and its size follows it. The next one is this many bytes
    /// away.
    UpToNext(u64),
}

/// The size of the member at this position; none if there is no member.
fn find(file: &mut BufReader<File>, at: u64) -> io::Result<Option<MemberSize>> {
    file.seek(SeekFrom::Start(at))?;
    let mut header = Vec::with_capacity(HEADER_BYTES);
    file.by_ref()
        .take(HEADER_BYTES as u64)
        .read_to_end(&mut header)?;
    let [b'P', b'K', 3, 4, _, _, flags, _, .., n0, n1, e0, e1] = header[..] else {
        return Ok(None);
    };
    if flags & 8 == 0 {
        return Ok(Some(MemberSize::InHeader));
    }
    let names_bytes =
        u64::from(u16::from_le_bytes([n0, n1])) + u64::from(u16::from_le_bytes([e0, e1]));
    let from = at + HEADER_BYTES as u64 + names_bytes;
    file.seek(SeekFrom::Start(from))?;
    let (mut searched, mut part) = (0_u64, Vec::new());
    loop {
        let kept = part.len();
        if file
            .by_ref()
            .take(SEARCH_BYTES as u64)
            .read_to_end(&mut part)?
            == 0
        {
            return Ok(Some(MemberSize::UpToNext(searched + kept as u64)));
        }
        let next = [MEMBER, DIRECTORY].map(|start| memchr::memmem::find(&part, start));
        if let Some(next) = next.into_iter().flatten().min() {
            return Ok(Some(MemberSize::UpToNext(searched + next as u64)));
        }
        // A signature may cross the end of the part.
        let done = part.len().saturating_sub(MEMBER.len() - 1);
        searched += done as u64;
        part.drain(..done);
    }
}
