//! A member of a zip.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

use zip::read::ZipFile;

use super::input::Input;
use super::piece::{Piece, Take};
use super::position::Source;

/// Unpacks the layers of a member. It is passed in, as it reads zips itself.
pub(super) type Unpack =
    for<'r, 'i, 't, 'p> fn(Box<dyn Read + 'r>, &'i Input, &'t mut Take<'p>) -> ControlFlow<()>;

/// The endings of files of events, which an ending of [`PACKED`] may follow.
const EXPORTS: [&str; 3] = [".json", ".ndjson", ".jsonl"];
/// The endings of packed files.
const PACKED: [&str; 3] = [".gz", ".zst", ".zstd"];
/// Files that operating systems create beside those of their users.
const SYSTEM_FILES: [&str; 3] = [".ds_store", "thumbs.db", "desktop.ini"];

pub(super) fn name_of<R: Read>(file: &ZipFile<'_, R>) -> String {
    file.name()
        .map_or_else(|_| lossy(file.name_raw()), Cow::into_owned)
}

/// A name that is not UTF-8, with replacement characters.
pub(super) fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// The input of a member.
pub(super) fn member(name: &str, packed_bytes: Option<u64>, zip: &Input) -> Input {
    // A header may claim any size.
    let packed_bytes = match (packed_bytes, zip.packed_bytes) {
        (Some(claimed), Some(max)) => Some(claimed.min(max)),
        (claimed, max) => claimed.or(max),
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

/// Reads the events of a member.
pub(super) fn read<R: Read>(
    file: ZipFile<'_, R>,
    name: &str,
    input: &Input,
    take: &mut Take<'_>,
    unpack: Unpack,
) -> ControlFlow<()> {
    if file.is_dir() {
        return ControlFlow::Continue(());
    }
    if is_system_file(name) {
        return take(Piece::Skipped(input.position(0)));
    }
    let mut is_reported = false;
    let mut report = |piece: Piece| {
        is_reported |= matches!(piece, Piece::Broken(_));
        take(piece)
    };
    let failed = Rc::default();
    let reader = ErrorAtTheEnd {
        reader: file,
        failed: Rc::clone(&failed),
    };
    unpack(Box::new(reader), input, &mut report)?;
    match failed.take() {
        Some(error) if !is_reported => take(Piece::Broken(input.cannot_read(0, error))),
        _ => ControlFlow::Continue(()),
    }
}

/// A reader that ends at an error and keeps it. A decompressor returns its remaining data when its
/// input ends, but not when it fails.
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

/// Whether an operating system creates files of this name.
fn is_system_file(name: &str) -> bool {
    let mut folders = name.split(['/', '\\']);
    let base = folders.next_back().unwrap_or_default().to_ascii_lowercase();
    folders.any(|folder| folder == "__MACOSX")
        || base.starts_with("._")
        || SYSTEM_FILES.contains(&base.as_str())
}
