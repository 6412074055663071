//! Recording a feed: what comes by is also written to files that `replay`, `lint` and `demo
//! --from` read, an event a line, compressed.
//!
//! A thread of its own writes. Where it is slower than the feed, the feed waits; where it can't
//! write, recording ends and the operator is told, and forwarding goes on.

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

use super::frame::Frame;

/// How a recording is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Zstandard: small, and fast enough for any feed.
    #[serde(rename = "ndjson.zst")]
    Zstandard,
    /// gzip: as Amplitude's own exports are.
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

/// So many frames may wait to be written.
const WAITING: usize = 256;
/// A file is ended at this size, in bytes before they are compressed.
const FILE_BYTES: u64 = 256 << 20;
/// And at this age.
const FILE_AGE: Duration = Duration::from_secs(3_600);
/// The fastest of Zstandard's usual levels: a feed must not wait for it.
const ZSTANDARD_LEVEL: i32 = 1;
/// What was written is handed to the system this often: a kill costs no more.
const FLUSH: Duration = Duration::from_secs(2);

/// Writes the frames that pass to files in `folder`. Returns where they come out, and the thread
/// that writes, which ends with them.
pub fn record(
    mut frames: mpsc::Receiver<Frame>,
    folder: &Path,
    format: Format,
    notices: mpsc::UnboundedSender<String>,
) -> io::Result<(mpsc::Receiver<Frame>, JoinHandle<()>)> {
    owner_only::create_folder(folder)?;
    let mut files = Files {
        folder: folder.to_owned(),
        format,
        open: None,
        most_bytes: FILE_BYTES,
    };
    let (out, passed) = mpsc::channel(WAITING);
    let (lines, inbox) = mpsc::channel(WAITING);
    let runtime = Handle::current();
    let thread = std::thread::Builder::new()
        .name("recorder".to_owned())
        .spawn(move || {
            let folder = files.folder.clone();
            let run = AssertUnwindSafe(|| runtime.block_on(files.run(inbox)));
            let why = match std::panic::catch_unwind(run) {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "a fault of the program".to_owned(),
            };
            let folder = folder.display();
            // Who is told may have ended.
            let _ = notices.send(format!(
                "recording to {folder} has ended: {why}; forwarding goes on"
            ));
        })?;
    tokio::spawn(async move {
        let mut lines = Some(lines);
        while let Some(frame) = frames.recv().await {
            if let (Ok(text), Some(to)) = (&frame.text, &lines)
                && to.send(text.clone()).await.is_err()
            {
                lines = None;
            }
            if out.send(frame).await.is_err() {
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
    open: Option<Open>,
    most_bytes: u64,
}

/// The file that is written.
struct Open {
    to: Packer,
    /// What it is called while it is written, and when it is whole.
    names: [PathBuf; 2],
    bytes: u64,
    since: Instant,
    flushed: Instant,
}

/// What compresses.
enum Packer {
    Zstandard(zstd::Encoder<'static, BufWriter<File>>),
    Gzip(GzEncoder<BufWriter<File>>),
}

impl Packer {
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

    /// Writes the end; the file, with everything in it.
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
            match tokio::time::timeout(FLUSH, inbox.recv()).await {
                Ok(Some(frame)) => self.write(&frame)?,
                Ok(None) => return self.finish(),
                Err(_) => {}
            }
            self.look_after()?;
        }
    }

    fn write(&mut self, frame: &str) -> io::Result<()> {
        let line = as_lines(frame);
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(Open::new(&self.folder, self.format)?),
        };
        let to = open.to.to();
        to.write_all(line.as_bytes())?;
        to.write_all(b"\n")?;
        open.bytes += line.len() as u64 + 1;
        Ok(())
    }

    /// Hands over what was written, and ends a file that is large or old.
    fn look_after(&mut self) -> io::Result<()> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        if open.bytes >= self.most_bytes || open.since.elapsed() >= FILE_AGE {
            return self.finish();
        }
        if open.flushed.elapsed() >= FLUSH {
            open.flushed = Instant::now();
            open.to.to().flush()?;
        }
        Ok(())
    }

    /// Ends the file: from now on it is whole.
    fn finish(&mut self) -> io::Result<()> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let file = open.to.finish()?;
        let [part, whole] = open.names;
        owner_only::publish(&file, &part, &whole)
    }
}

impl Open {
    /// A file of its own, whatever else was recorded this second.
    fn new(folder: &Path, format: Format) -> io::Result<Self> {
        let stamp = time::to_digits(time::now(), 14);
        let suffix = format.suffix();
        for number in 0_u32.. {
            let more = match number {
                0 => String::new(),
                number => format!("-{number}"),
            };
            let whole = folder.join(format!("events-{stamp}{more}.{suffix}"));
            let part = folder.join(format!("events-{stamp}{more}.{suffix}.part"));
            if whole.exists() {
                continue;
            }
            match owner_only::create_new(&part) {
                Ok(file) => {
                    let now = Instant::now();
                    return Ok(Self {
                        to: Packer::new(format, file)?,
                        names: [part, whole],
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

/// The frame as lines of a file: an array is a line for each of its events, since a file that
/// begins with one would be read whole; what is a line an event stays so; in any other frame a
/// line break is nothing but space.
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
    fn each_file_is_whole_and_has_its_share_in_order() {
        recorded(Format::Zstandard);
        recorded(Format::Gzip);
    }

    fn recorded(format: Format) {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Files {
            folder: dir.path().to_owned(),
            format,
            open: None,
            most_bytes: 30,
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
            files.look_after().unwrap();
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
