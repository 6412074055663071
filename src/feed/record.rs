//! Recording a feed: its messages are also written to compressed files, one event per line, which
//! `replay`, `lint` and `demo --from` read.
//!
//! A separate thread writes. If it is slower than the feed, the feed waits. If it fails, recording
//! ends with a notice to the operator, and forwarding continues.

use std::fs::File;
use std::io::{self, BufWriter};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytestring::ByteString;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::amplitude::{json, time};
use crate::owner_only;

use super::frame::Frames;

/// The compression of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Zstandard: small, and fast enough for any feed.
    #[serde(rename = "ndjson.zst")]
    Zstandard,
    /// gzip: like Amplitude's exports.
    #[serde(rename = "json.gz")]
    Gzip,
}

impl Format {
    fn suffix(self) -> &'static str {
        match self {
            Self::Zstandard => "ndjson.zst",
            Self::Gzip => "json.gz",
        }
    }
}

/// Maximum number of frames that wait to be written.
const QUEUED_FRAMES: usize = 256;
/// Maximum size of a file, in uncompressed bytes.
const FILE_BYTES: u64 = 256 << 20;
/// Maximum age of a file.
const FILE_AGE: Duration = Duration::from_secs(3_600);
/// The fastest regular level of Zstandard, so that the feed does not wait for it.
const ZSTANDARD_LEVEL: i32 = 1;
/// Interval of flushes to the operating system: a kill loses at most this much.
const FLUSH_EVERY: Duration = Duration::from_secs(2);

/// Records frames to files in `folder` and forwards them. Returns the receiver of the forwarded frames,
/// and the thread that writes, which ends with them.
pub fn record(
    mut frames: mpsc::Receiver<Frames>,
    folder: &Path,
    format: Format,
    notices: mpsc::UnboundedSender<String>,
) -> io::Result<(mpsc::Receiver<Frames>, JoinHandle<()>)> {
    owner_only::create_folder(folder)?;
    let mut files = Files {
        folder: folder.to_owned(),
        format,
        open: None,
        max_bytes: FILE_BYTES,
    };
    let (out, passed) = mpsc::channel(QUEUED_FRAMES);
    let (lines, inbox) = mpsc::channel(QUEUED_FRAMES);
    let runtime = Handle::current();
    let thread = std::thread::Builder::new()
        .name("recorder".to_owned())
        .spawn(move || {
            let folder = files.folder.clone();
            let run = AssertUnwindSafe(|| runtime.block_on(files.run(inbox)));
            let why = match std::panic::catch_unwind(run) {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "internal error".to_owned(),
            };
            let folder = folder.display();
            // The receiver may have ended.
            let _ = notices.send(format!(
                "recording to {folder} has ended: {why}; forwarding continues"
            ));
        })?;
    tokio::spawn(async move {
        let mut lines = Some(lines);
        while let Some(batch) = frames.recv().await {
            for frame in &batch.frames {
                if let (Ok(text), Some(to)) = (&frame.text, &lines)
                    && to.send(text.clone()).await.is_err()
                {
                    lines = None;
                }
            }
            if out.send(batch).await.is_err() {
                return;
            }
        }
    });
    Ok((passed, thread))
}

/// The files of a recording.
struct Files {
    folder: PathBuf,
    format: Format,
    open: Option<OpenFile>,
    max_bytes: u64,
}

/// The file that is being written.
struct OpenFile {
    to: Compressor,
    /// Its path while it is incomplete, and its final path.
    paths: [PathBuf; 2],
    bytes: u64,
    since: Instant,
    flushed: Instant,
}

/// A compressor.
enum Compressor {
    Zstandard(zstd::Encoder<'static, BufWriter<File>>),
    Gzip(GzEncoder<BufWriter<File>>),
}

impl Compressor {
    fn new(format: Format, file: File) -> io::Result<Self> {
        let file = BufWriter::new(file);
        Ok(match format {
            Format::Zstandard => Self::Zstandard(zstd::Encoder::new(file, ZSTANDARD_LEVEL)?),
            Format::Gzip => Self::Gzip(GzEncoder::new(file, Compression::fast())),
        })
    }

    fn to(&mut self) -> &mut dyn io::Write {
        match self {
            Self::Zstandard(to) => to,
            Self::Gzip(to) => to,
        }
    }

    /// Finishes the compression, and returns the complete file.
    fn finish(self) -> io::Result<File> {
        let file = match self {
            Self::Zstandard(to) => to.finish()?,
            Self::Gzip(to) => to.finish()?,
        };
        file.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

impl Files {
    async fn run(&mut self, mut inbox: mpsc::Receiver<ByteString>) -> io::Result<()> {
        loop {
            match tokio::time::timeout(FLUSH_EVERY, inbox.recv()).await {
                Ok(Some(frame)) => self.write(&frame)?,
                Ok(None) => return self.finish(),
                Err(_) => {}
            }
            self.rotate()?;
        }
    }

    fn write(&mut self, frame: &str) -> io::Result<()> {
        let line = as_lines(frame);
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(OpenFile::new(&self.folder, self.format)?),
        };
        let to = open.to.to();
        to.write_all(line.as_bytes())?;
        to.write_all(b"\n")?;
        open.bytes += line.len() as u64 + 1;
        Ok(())
    }

    /// Flushes the file if it is time, and closes it if it is large or old.
    fn rotate(&mut self) -> io::Result<()> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        if open.bytes >= self.max_bytes || open.since.elapsed() >= FILE_AGE {
            return self.finish();
        }
        if open.flushed.elapsed() >= FLUSH_EVERY {
            open.flushed = Instant::now();
            open.to.to().flush()?;
        }
        Ok(())
    }

    /// Finishes the file, and renames it to its final path.
    fn finish(&mut self) -> io::Result<()> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let file = open.to.finish()?;
        let [incomplete, complete] = open.paths;
        owner_only::publish(&file, &incomplete, &complete)
    }
}

impl OpenFile {
    /// Creates a new file, with a number if others were created in the same second.
    fn new(folder: &Path, format: Format) -> io::Result<Self> {
        let stamp = time::to_digits(time::now(), 14);
        let suffix = format.suffix();
        for number in 0_u32.. {
            let suffix_number = match number {
                0 => String::new(),
                number => format!("-{number}"),
            };
            let complete = folder.join(format!("events-{stamp}{suffix_number}.{suffix}"));
            let incomplete = folder.join(format!("events-{stamp}{suffix_number}.{suffix}.part"));
            if complete.exists() {
                continue;
            }
            match owner_only::create_new(&incomplete) {
                Ok(file) => {
                    let now = Instant::now();
                    return Ok(Self {
                        to: Compressor::new(format, file)?,
                        paths: [incomplete, complete],
                        bytes: 0,
                        since: now,
                        flushed: now,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

/// Converts a frame to lines of a file. An array becomes one line per event, because readers would load
/// a file that starts with an array completely. Lines of events stay. In any other frame, line
/// breaks become spaces.
fn as_lines(frame: &str) -> std::borrow::Cow<'_, str> {
    let frame = frame.trim();
    if frame.starts_with('[')
        && let Ok(events) = json::elements(frame)
    {
        let line = |event: &&str| json::on_one_line(event);
        return events
            .iter()
            .map(line)
            .collect::<Vec<_>>()
            .join("\n")
            .into();
    }
    let is_whole = |line: &str| serde_json::from_str::<IgnoredAny>(line).is_ok();
    match frame.split_once('\n') {
        None => frame.into(),
        Some((first, _)) if is_whole(first) => frame.into(),
        Some(_) => json::on_one_line(frame).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude::archive::{self, Options, Piece};
    use std::ops::ControlFlow;

    #[test]
    fn files_are_complete_and_in_order() {
        recorded(Format::Zstandard);
        recorded(Format::Gzip);
    }

    fn recorded(format: Format) {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Files {
            folder: dir.path().to_owned(),
            format,
            open: None,
            max_bytes: 30,
        };
        let frames = [
            "{\"n\":1}",
            "{\"n\":2}\n{\"n\":3}\n",
            "{\n \"n\":\n4}",
            " [{\"n\":5},\n{\"n\":\n6}]",
            "no json",
        ];
        for frame in frames {
            files.write(frame).unwrap();
            files.rotate().unwrap();
        }
        files.finish().unwrap();
        files.finish().unwrap();
        let mut paths: Vec<PathBuf> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        // The first of a second has no number: "-1" sorts before ".json".
        paths.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
        assert!(paths.len() > 1, "{paths:?}");
        let mut lines = Vec::new();
        for path in paths {
            assert!(
                path.to_str().unwrap().ends_with(format.suffix()),
                "{path:?}"
            );
            let mut take = |piece| {
                lines.push(match piece {
                    Piece::Event(event, _) => event.text().to_owned(),
                    Piece::Malformed(_, text, _) => text.to_string(),
                    other => panic!("{other:?}"),
                });
                ControlFlow::Continue(())
            };
            let read = archive::each(&path, Options::default(), &mut take);
            assert!(read.is_continue());
        }
        assert_eq!(
            lines,
            [
                "{\"n\":1}",
                "{\"n\":2}",
                "{\"n\":3}",
                "{  \"n\": 4}",
                "{\"n\":5}",
                "{\"n\": 6}",
                "no json",
            ]
        );
    }
}
