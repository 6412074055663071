//! Archives of all kinds, with what their tests share.

mod bounds;
mod elements;
mod members;
mod random;
mod torn;

use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::Path;

use super::*;

fn gz(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes.as_ref()).unwrap();
    out.finish().unwrap()
}

fn zipped<'a>(members: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = zip::write::SimpleFileOptions::default();
        if name.ends_with('/') {
            zip.add_directory(name, options).unwrap();
        } else {
            zip.start_file(name, options).unwrap();
            zip.write_all(&bytes).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}

fn event(event_type: &str) -> String {
    format!(r#"{{"event_type":"{event_type}","user_id":"u-1"}}"#)
}

/// The pieces of a file of this name with these bytes: events as `position type`, and others in words.
fn pieces_of(name: &str, bytes: &[u8], options: Options) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let folder = format!("{}/", dir.path().display());
    let mut all = Vec::new();
    let _ = each(&path, options, &mut |piece| {
        all.push(match piece {
            Piece::Event(event, position) => {
                format!("{position} {}", event.event_type().unwrap_or_default())
            }
            Piece::Malformed(malformed, _, position) => {
                format!("{position} malformed, {malformed}")
            }
            Piece::Skipped(position) => format!("{position} skipped"),
            Piece::Broken(error) => format!("broken: {error}"),
        });
        ControlFlow::Continue(())
    });
    all.into_iter()
        .map(|piece| piece.replace(&folder, ""))
        .collect()
}

fn pieces(name: &str, bytes: impl AsRef<[u8]>) -> Vec<String> {
    pieces_of(name, bytes.as_ref(), Options::default())
}
