//! Export archives and files of events: a zip of `*.json.gz`, `.json.gz`, `.json`, NDJSON,
//! `.ndjson.zst`.
//!
//! What a file is, is told by its first bytes and not by its name. Everything is read as a
//! stream, a line at a time; only a JSON array is read whole.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use bytestring::ByteString;
use flate2::bufread::MultiGzDecoder;

/// What a Zstandard file begins with (RFC 8878, 3.1.1).
const ZSTANDARD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// One line of an archive, or one whole array: what a frame of the feed would carry.
#[derive(Debug)]
pub struct Line {
    /// The text, or the bytes and the place where they stop being UTF-8.
    pub text: Result<ByteString, super::Malformed>,
    /// The line in its file, from 1.
    pub number: u64,
}

/// Why an archive can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file can't be opened.
    #[error("cannot open {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file can't be read to its end.
    #[error("cannot read {path} past line {line}: {source}; is the download complete?")]
    Read {
        /// The file, and the member of a zip.
        path: String,
        /// How many lines were read.
        line: u64,
        /// What the system or the decompressor says.
        source: io::Error,
    },
    /// The zip's directory can't be read.
    #[error("cannot read {path} as a zip: {source}; is the download complete?")]
    Zip {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: zip::result::ZipError,
    },
}

/// Hands every line of the archive at `path` to `take`, until that breaks off; `-` is standard input.
pub fn each_line(
    path: &Path,
    take: &mut dyn FnMut(Line) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, ArchiveError> {
    if path.as_os_str() == "-" {
        return stream("standard input", BufReader::new(io::stdin().lock()), take);
    }
    let open = |source| ArchiveError::Open {
        path: path.to_owned(),
        source,
    };
    let mut file = BufReader::new(File::open(path).map_err(open)?);
    if file.fill_buf().map_err(open)?.starts_with(b"PK") {
        return members(path, file, take);
    }
    stream(&path.display().to_string(), file, take)
}

fn members(
    path: &Path,
    file: BufReader<File>,
    take: &mut dyn FnMut(Line) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, ArchiveError> {
    let broken = |source| ArchiveError::Zip {
        path: path.to_owned(),
        source,
    };
    let mut archive = zip::ZipArchive::new(file).map_err(broken)?;
    let names = archive.file_names().map(|name| name.map(Cow::into_owned));
    let mut names = names.collect::<Result<Vec<String>, _>>().map_err(broken)?;
    // Amplitude names members by project, date, hour and part: in that order they are in time.
    names.sort_by_key(|name| natural_order(name));
    for name in names {
        let member = archive.by_name(&name).map_err(broken)?;
        if member.is_dir() {
            continue;
        }
        let label = format!("{}/{name}", path.display());
        if stream(&label, BufReader::new(member), take)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// `…_2025-07-01_9#2` before `…_2025-07-01_17#0`: runs of digits compare as numbers.
fn natural_order(name: &str) -> Vec<(u64, String)> {
    let mut parts = vec![(0_u64, String::new())];
    for c in name.chars() {
        let last = parts.last_mut().expect("never empty");
        if let Some(digit) = c.to_digit(10) {
            if last.1.is_empty() {
                last.0 = last.0.saturating_mul(10).saturating_add(u64::from(digit));
            } else {
                parts.push((u64::from(digit), String::new()));
            }
        } else {
            last.1.push(c);
        }
    }
    parts
}

fn stream(
    label: &str,
    mut reader: impl BufRead,
    take: &mut dyn FnMut(Line) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, ArchiveError> {
    let failed = |line, source| ArchiveError::Read {
        path: label.to_owned(),
        line,
        source,
    };
    let first = reader.fill_buf().map_err(|e| failed(0, e))?;
    if first.starts_with(&[0x1f, 0x8b]) {
        let inner = BufReader::new(MultiGzDecoder::new(reader));
        return stream(label, Box::new(inner) as Box<dyn BufRead>, take);
    }
    if first.starts_with(&ZSTANDARD) {
        let inner = zstd::Decoder::with_buffer(reader).map_err(|e| failed(0, e))?;
        return stream(
            label,
            Box::new(BufReader::new(inner)) as Box<dyn BufRead>,
            take,
        );
    }
    if first.trim_ascii_start().starts_with(b"[") {
        let mut whole = Vec::new();
        reader.read_to_end(&mut whole).map_err(|e| failed(0, e))?;
        return Ok(take(line(whole, 1)));
    }
    let mut number = 0;
    loop {
        let mut bytes = Vec::new();
        let read = reader
            .read_until(b'\n', &mut bytes)
            .map_err(|e| failed(number, e))?;
        if read == 0 {
            return Ok(ControlFlow::Continue(()));
        }
        number += 1;
        bytes.truncate(bytes.trim_ascii_end().len());
        if !bytes.is_empty() && take(line(bytes, number)).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
}

fn line(bytes: Vec<u8>, number: u64) -> Line {
    let text = String::from_utf8(bytes)
        .map(ByteString::from)
        .map_err(|e| super::frame::not_utf8(e.as_bytes(), &e.utf8_error()));
    Line { text, number }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gz(text: &str) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap()
    }

    fn lines(path: &Path) -> Result<Vec<String>, ArchiveError> {
        let mut all = Vec::new();
        each_line(path, &mut |line| {
            all.push(line.text.map_or_else(|m| m.why, |t| t.to_string()));
            ControlFlow::Continue(())
        })
        .map(|_| all)
    }

    #[test]
    fn every_kind_of_archive_gives_its_lines_in_time_order() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let plain = at("a.ndjson", b"{\"a\":1}\r\n\n{\"a\":2}");
        assert_eq!(lines(&plain).unwrap(), [r#"{"a":1}"#, r#"{"a":2}"#]);
        let zipped = at("b.json.gz", &gz("{\"a\":1}\n{\"a\":2}\n"));
        assert_eq!(lines(&zipped).unwrap(), [r#"{"a":1}"#, r#"{"a":2}"#]);
        let packed = zstd::encode_all(&b"{\"a\":1}\n{\"a\":2}\n"[..], 0).unwrap();
        let packed = at("b.ndjson.zst", &packed);
        assert_eq!(lines(&packed).unwrap(), [r#"{"a":1}"#, r#"{"a":2}"#]);
        let array = at("c.json", b" [{\"a\":1},\n{\"a\":2}]");
        assert_eq!(lines(&array).unwrap().len(), 1);

        let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, text) in [
            ("1/1_2025-07-01_17#0.json.gz", "late"),
            ("1/1_2025-07-01_9#0.json.gz", "early"),
        ] {
            zip.start_file(name, zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(&gz(text)).unwrap();
        }
        let export = at("export.zip", &zip.finish().unwrap().into_inner());
        assert_eq!(lines(&export).unwrap(), ["early", "late"]);
    }

    #[test]
    fn a_torn_archive_says_which_file_and_how_far_it_was_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("torn.json.gz");
        let whole = gz(&"{\"event_type\":\"a\"}\n".repeat(500));
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let error = lines(&path).unwrap_err().to_string();
        assert!(
            error.contains("torn.json.gz") && error.contains("complete?"),
            "{error}"
        );
        assert!(matches!(
            lines(Path::new("nowhere")),
            Err(ArchiveError::Open { .. })
        ));
    }
}
