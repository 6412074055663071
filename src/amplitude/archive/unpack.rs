//! Opens files, and unpacks their layers.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;

use super::bounds::Limited;
use super::error::ArchiveError;
use super::input::Input;
use super::options::Options;
use super::piece::{Piece, Take};
use super::position::Source;
use super::{lines, members};

/// The first bytes of a gzip (RFC 1952, 2.3.1).
pub(super) const GZIP: &[u8] = &[0x1f, 0x8b];
/// The first bytes of a Zstandard file (RFC 8878, 3.1.1).
pub(super) const ZSTANDARD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// The first bytes of a zip (APPNOTE.TXT 6.3.9, 4.3): a member, or the end of an empty directory.
const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// Calls `take` with each piece of the archive at `path`, until it breaks. `-` is standard input.
pub fn each(path: &Path, options: Options, take: &mut Take<'_>) -> ControlFlow<()> {
    let is_stdin = path.as_os_str() == "-";
    let file = if is_stdin {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    let source = Arc::new(Source { file, member: None });
    if is_stdin {
        return unpacked(
            Box::new(io::stdin().lock()),
            &Input::new(source, None, options),
            take,
        );
    }
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    match opened {
        Ok((bytes, file)) => {
            let input = Input::new(source, Some(bytes), options);
            file_or_zip(file, &input, take)
        }
        Err(source) => take(Piece::Broken(ArchiveError::Open {
            path: path.to_owned(),
            source,
        })),
    }
}

fn file_or_zip(file: File, input: &Input, take: &mut Take<'_>) -> ControlFlow<()> {
    let mut file = BufReader::new(file);
    match head(&mut file) {
        Ok(head) if is_zip(&head) => members::of_file(file, input, take, unpacked),
        Ok(head) => unpacked(Box::new(io::Cursor::new(head).chain(file)), input, take),
        Err(error) => take(Piece::Broken(input.cannot_read(0, error))),
    }
}

/// Reads the events of a stream that may be packed.
fn unpacked(mut reader: Box<dyn Read + '_>, input: &Input, take: &mut Take<'_>) -> ControlFlow<()> {
    let broken = |error, take: &mut Take<'_>| take(Piece::Broken(input.cannot_read(0, error)));
    let head = match head(&mut reader) {
        Ok(head) => head,
        Err(error) => return broken(error, take),
    };
    let is_packed = head.starts_with(GZIP) || head.starts_with(ZSTANDARD) || is_zip(&head);
    if is_packed && input.layers == 0 {
        let place = input.position(0);
        return take(Piece::Broken(ArchiveError::Layers { place }));
    }
    let inner = Input {
        layers: input.layers.saturating_sub(1),
        ..input.clone()
    };
    let is_gzip = head.starts_with(GZIP);
    let is_zstandard = head.starts_with(ZSTANDARD);
    let is_inner_zip = is_zip(&head);
    let reader = BufReader::new(io::Cursor::new(head).chain(reader));
    if is_gzip {
        return unpacked(Box::new(MultiGzDecoder::new(reader)), &inner, take);
    }
    if is_zstandard {
        return match zstd::Decoder::with_buffer(reader) {
            Ok(reader) => unpacked(Box::new(reader), &inner, take),
            Err(error) => broken(error, take),
        };
    }
    if is_inner_zip {
        return members::of_stream(reader, &inner, take, unpacked);
    }
    let reader = Limited {
        reader,
        left: input.max_bytes,
    };
    lines::read(reader, input, take)
}

/// The first bytes, which decide the kind.
fn head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(4);
    reader.by_ref().take(4).read_to_end(&mut head)?;
    Ok(head)
}

fn is_zip(head: &[u8]) -> bool {
    ZIP.contains(&head)
}
