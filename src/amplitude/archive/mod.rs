//! Export archives and files of events: a zip of `*.json.gz`, `.json.gz`, `.json`, NDJSON,
//! `.ndjson.zst`.
//!
//! What a file is, is told by its first bytes and not by its name. In it, events are found as in
//! a frame: one a line, over several lines, in an array, or in an HTTP V2 envelope. Everything is
//! read as a stream: memory holds an element at a time, and an element is bounded.

mod lines;
mod members;
mod torn;
mod window;

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytestring::ByteString;
use flate2::bufread::MultiGzDecoder;

use super::event::Event;
use super::frame::Malformed;
use super::time::UnixMs;
use crate::text::{on_one_line, visible};

/// The bytes that an element may take, unless set.
pub const MAX_EVENT_BYTES: usize = 64 << 20;
/// The bytes of a malformed part that are kept to look at.
const EXCERPT_BYTES: usize = 2_000;
/// A file may be packed in this many layers: a zip, its member's gzip, and one to spare. More is
/// made to be unpacked for ever.
const LAYERS: usize = 3;
/// A file, or a member of a zip, may unpack to this many bytes, and to more only as far as it is
/// packed by [`MAX_RATIO`] at the most.
const UNPACKED_BYTES: u64 = 256 << 20;
/// The largest ratio of unpacked to packed bytes. Amplitude's exports are packed 10 to 20 times.
const MAX_RATIO: u64 = 200;

/// What a gzip begins with (RFC 1952, 2.3.1).
const GZIP: &[u8] = &[0x1f, 0x8b];
/// What a Zstandard file begins with (RFC 8878, 3.1.1).
const ZSTANDARD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// What a zip begins with (APPNOTE.TXT 6.3.9, 4.3): a member, or the end of an empty directory.
const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// How archives are read.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The bytes that an element may take; a larger one is passed over.
    pub max_event_bytes: usize,
    /// When the events count as received.
    pub received_ms: UnixMs,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_event_bytes: MAX_EVENT_BYTES,
            received_ms: 0,
        }
    }
}

/// What an archive gives, piece by piece.
#[derive(Debug)]
pub enum Piece {
    /// An event.
    Event(Event, Place),
    /// A part that is no event; its text, as far as it is kept.
    Malformed(Malformed, ByteString, Place),
    /// A member of a zip that is no export.
    PassedOver(Place),
    /// What can't be read, or not to its end. What came before it is sound.
    Broken(ArchiveError),
}

/// Takes pieces until it breaks off.
pub type Take<'t> = dyn FnMut(Piece) -> ControlFlow<()> + 't;

/// Where something stands: `export.zip:3_2026-11-24.json.gz:5`. Written without anything that a
/// terminal obeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, and the member of a zip.
    source: Arc<Source>,
    /// The line, from 1; 0 where it is the whole of it.
    line: u64,
}

/// A file, or a member of a zip.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    file: String,
    member: Option<String>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = self.member.iter().flat_map(|member| [":", member]);
        for part in std::iter::once(self.file.as_str()).chain(member) {
            for c in part.chars() {
                fmt::Write::write_char(f, visible(c))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source)?;
        match self.line {
            0 => Ok(()),
            line => write!(f, ":{line}"),
        }
    }
}

/// Why an archive can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file can't be opened.
    #[error("cannot open {path}: {source}", path = shown(path))]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file can't be read to its end.
    #[error("cannot read {place}: {source}; is the download complete?")]
    Read {
        /// How far it was read.
        place: Place,
        /// What the system or the decompressor says.
        source: io::Error,
    },
    /// A zip, or one of its members, can't be read.
    #[error("cannot read {place} as a zip: {source}; is the download complete?")]
    Zip {
        /// The file, and the member.
        place: Place,
        /// What is wrong with it.
        source: zip::result::ZipError,
    },
    /// It unpacks to more than it may.
    #[error(
        "{place} unpacks to more than {max_bytes} bytes, over {MAX_RATIO} times its size: the rest of it is passed over"
    )]
    TooLarge {
        /// How far it was read.
        place: Place,
        /// How much it may unpack to.
        max_bytes: u64,
    },
    /// The members of a zip take more room than it has: they lie over each other, so that a small
    /// file unpacks to any size.
    #[error("the members of {place} lie over each other: those behind here are passed over")]
    Overlapping {
        /// The member at which that shows.
        place: Place,
    },
    /// It is packed in too many layers.
    #[error("{place} is packed in more than {LAYERS} layers: unpack it first")]
    Layers {
        /// The file, and the member.
        place: Place,
    },
}

fn shown(path: &Path) -> String {
    on_one_line(&path.display().to_string())
}

/// Hands every event of the archive at `path`, and what is wrong with it, to `take`, until that
/// breaks off; `-` is standard input.
pub fn each(path: &Path, options: Options, take: &mut Take<'_>) -> ControlFlow<()> {
    let stdin = path.as_os_str() == "-";
    let file = if stdin {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    let source = Arc::new(Source { file, member: None });
    if stdin {
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
            file_of(file, &input, take)
        }
        Err(source) => take(Piece::Broken(ArchiveError::Open {
            path: path.to_owned(),
            source,
        })),
    }
}

fn file_of(file: File, input: &Input, take: &mut Take<'_>) -> ControlFlow<()> {
    let mut file = BufReader::new(file);
    match head(&mut file) {
        Ok(head) if is_zip(&head) => members::of_file(file, input, take),
        Ok(head) => unpacked(Box::new(io::Cursor::new(head).chain(file)), input, take),
        Err(error) => take(Piece::Broken(input.cannot_read(0, error))),
    }
}

/// What is read, and how.
#[derive(Debug, Clone)]
struct Input {
    source: Arc<Source>,
    options: Options,
    /// Its size as it is, where that is known.
    packed_bytes: Option<u64>,
    /// How much it may unpack to.
    max_bytes: u64,
    layers: usize,
    /// Whether the name says that it is a file of events.
    is_export: bool,
}

impl Input {
    fn new(source: Arc<Source>, packed_bytes: Option<u64>, options: Options) -> Self {
        let by_ratio = packed_bytes.map(|bytes| bytes.saturating_mul(MAX_RATIO));
        let max_bytes = by_ratio.map_or(u64::MAX, |bytes| bytes.max(UNPACKED_BYTES));
        Self {
            source,
            options,
            packed_bytes,
            max_bytes,
            layers: LAYERS,
            is_export: true,
        }
    }

    fn place(&self, line: u64) -> Place {
        Place {
            source: self.source.clone(),
            line,
        }
    }

    fn cannot_read(&self, line: u64, source: io::Error) -> ArchiveError {
        let place = self.place(line);
        let error = source.get_ref();
        if error
            .and_then(|error| error.downcast_ref::<OverSize>())
            .is_some()
        {
            let max_bytes = self.max_bytes;
            return ArchiveError::TooLarge { place, max_bytes };
        }
        ArchiveError::Read { place, source }
    }
}

/// Reads the events of what may be packed.
fn unpacked(mut reader: Box<dyn Read + '_>, input: &Input, take: &mut Take<'_>) -> ControlFlow<()> {
    let broken = |error, take: &mut Take<'_>| take(Piece::Broken(input.cannot_read(0, error)));
    let head = match head(&mut reader) {
        Ok(head) => head,
        Err(error) => return broken(error, take),
    };
    let is_packed = head.starts_with(GZIP) || head.starts_with(ZSTANDARD) || is_zip(&head);
    if is_packed && input.layers == 0 {
        let place = input.place(0);
        return take(Piece::Broken(ArchiveError::Layers { place }));
    }
    let inner = Input {
        layers: input.layers.saturating_sub(1),
        ..input.clone()
    };
    let is_gzip = head.starts_with(GZIP);
    let is_zstandard = head.starts_with(ZSTANDARD);
    let again = is_zip(&head);
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
    if again {
        return members::of_stream(reader, &inner, take);
    }
    let reader = Limited {
        reader,
        left: input.max_bytes,
    };
    lines::read(reader, input, take)
}

/// The first bytes, as many as tell what it is.
fn head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(4);
    reader.by_ref().take(4).read_to_end(&mut head)?;
    Ok(head)
}

fn is_zip(head: &[u8]) -> bool {
    ZIP.contains(&head)
}

/// Reads up to a number of bytes; more is an error.
struct Limited<R> {
    reader: R,
    left: u64,
}

/// It unpacks to more than it may.
#[derive(Debug, thiserror::Error)]
#[error("it unpacks to more than it may")]
struct OverSize;

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other(OverSize)),
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
