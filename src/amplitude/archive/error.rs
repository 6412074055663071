//! Errors of reading archives.

use std::io;
use std::path::{Path, PathBuf};

use crate::text::on_one_line;

use super::bounds::{MAX_LAYERS, MAX_RATIO};
use super::position::Position;

/// The reason why an archive can't be read further.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file can't be opened.
    #[error("cannot open {path}: {source}", path = shown(path))]
    Open {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The file can't be read to its end.
    #[error("cannot read {place}: {source}; is the download complete?")]
    Read {
        /// The position up to which it was read.
        place: Position,
        /// The reason.
        source: io::Error,
    },
    /// A zip, or one of its members, can't be read.
    #[error("cannot read {place} as a zip: {source}; is the download complete?")]
    Zip {
        /// The file, and the member.
        place: Position,
        /// The reason.
        source: zip::result::ZipError,
    },
    /// The unpacked size exceeds its limit.
    #[error(
        "{place} unpacks to more than {max_bytes} bytes, over {MAX_RATIO} times its size: the rest of it is skipped"
    )]
    TooLarge {
        /// The position up to which it was read.
        place: Position,
        /// The limit in bytes.
        max_bytes: u64,
    },
    /// The members of a zip overlap, so that a small file could unpack to any size.
    #[error("the members of {place} overlap: this one and the following ones are skipped")]
    Overlapping {
        /// The first member that overlaps.
        place: Position,
    },
    /// The file has too many layers of packing.
    #[error("{place} is packed in more than {MAX_LAYERS} layers: unpack it first")]
    Layers {
        /// The file, and the member.
        place: Position,
    },
}

fn shown(path: &Path) -> String {
    on_one_line(&path.display().to_string())
}
