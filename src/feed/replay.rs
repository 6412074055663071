//! Plays archives on a feed server, with the original times between events.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::amplitude::archive::{self, ArchiveError, Piece};
use crate::amplitude::time::UnixMs;

use super::server::Server;

/// The speed of a replay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// A multiple of the original speed.
    Times(f64),
    /// As fast as clients receive.
    Max,
}

impl std::str::FromStr for Speed {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let times = text
            .trim_end_matches('x')
            .parse::<f64>()
            .ok()
            .filter(|t| *t > 0.0 && t.is_finite());
        times
            .map(Self::Times)
            .ok_or_else(|| format!("{text:?} is not a speed; use 1x, 10x or max"))
    }
}

/// The options of a replay.
#[derive(Debug, Clone, Copy)]
pub struct ReplayOptions {
    /// The speed.
    pub speed: Speed,
    /// Whether the archives are repeated without end.
    pub repeat: bool,
    /// Maximum size of an event, in bytes; larger ones are skipped.
    pub max_event_bytes: usize,
}

/// The report of a replay.
#[derive(Debug, Default)]
pub struct ReplayReport {
    /// Number of events.
    pub events: u64,
    /// Number of lines, or parts of them, that are not events. They are published unchanged.
    pub malformed: u64,
    /// Number of zip members that are not exports.
    pub passed_over: u64,
    /// The files that could not be read completely. Everything before the error was played.
    pub unreadable: Vec<ArchiveError>,
}

/// The error of a replay that ended unexpectedly.
#[derive(Debug, thiserror::Error)]
#[error("the replay of {file} ended unexpectedly: {why}", file = file.display())]
pub struct ReplayFailed {
    file: PathBuf,
    why: String,
}

/// Maximum number of pieces that are read ahead.
const AHEAD: usize = 256;
/// Maximum size of those pieces, in KiB.
const AHEAD_KIB: u32 = 32 << 10;
/// Maximum wait for an event: 100 years, which every clock can represent.
const MAX_WAIT_SECONDS: f64 = 100.0 * 365.0 * 86_400.0;

/// Plays the archives at `paths` in order, and repeats them if `playing` says so. Calls `progress`
/// after each with the number of archives played. Unreadable parts are logged and skipped.
pub async fn play(
    server: &Server,
    paths: &[PathBuf],
    playing: ReplayOptions,
    mut progress: impl FnMut(usize),
) -> Result<ReplayReport, ReplayFailed> {
    let mut played = ReplayReport::default();
    let mut pace = Pacing {
        speed: playing.speed,
        first: None,
    };
    loop {
        let before = played.events;
        for (index, path) in paths.iter().enumerate() {
            let pieces = read(path.clone(), playing.max_event_bytes);
            play_one(server, pieces, &mut pace, &mut played).await?;
            progress(index + 1);
        }
        // Archives without events would otherwise be read repeatedly at full speed.
        if !playing.repeat || played.events == before || !played.unreadable.is_empty() {
            return Ok(played);
        }
        pace.first = None;
    }
}

/// A file that is being read on another thread.
struct Reading {
    path: PathBuf,
    pieces: mpsc::Receiver<(Piece, OwnedSemaphorePermit)>,
    thread: JoinHandle<()>,
}

/// Starts reading a file ahead.
fn read(path: PathBuf, max_event_bytes: usize) -> Reading {
    let (read, pieces) = mpsc::channel(AHEAD);
    let memory = Arc::new(Semaphore::new(AHEAD_KIB as usize));
    let runtime = Handle::current();
    let file = path.clone();
    let options = archive::Options {
        max_event_bytes,
        received_ms: 0,
    };
    let thread = tokio::task::spawn_blocking(move || {
        let _ = archive::each(&file, options, &mut |piece| {
            let bytes = match &piece {
                Piece::Event(event, _) => event.size_bytes(),
                _ => 0,
            };
            let permits = (bytes / 1_024 + 1).min(AHEAD_KIB as usize) as u32;
            let sending = async {
                let permit = memory.clone().acquire_many_owned(permits).await.ok()?;
                read.send((piece, permit)).await.ok()
            };
            // The replay has ended: stop reading.
            match runtime.block_on(sending) {
                Some(()) => ControlFlow::Continue(()),
                None => ControlFlow::Break(()),
            }
        });
    });
    Reading {
        path,
        pieces,
        thread,
    }
}

async fn play_one(
    server: &Server,
    mut reading: Reading,
    pace: &mut Pacing,
    played: &mut ReplayReport,
) -> Result<(), ReplayFailed> {
    let mut skipped: u64 = 0;
    while let Some((piece, _permit)) = reading.pieces.recv().await {
        match piece {
            Piece::Event(event, _) => {
                played.events += 1;
                pace.wait(event.time().ok()).await;
                server.publish(event.text()).await;
            }
            Piece::Malformed(malformed, text, _) => {
                played.malformed += malformed.parts;
                server.publish(&text).await;
            }
            Piece::Skipped(member) => {
                skipped += 1;
                if skipped == 1 {
                    tracing::info!("skipped {member}: not an export");
                }
            }
            Piece::Broken(error) => {
                tracing::error!("{error}");
                played.unreadable.push(error);
            }
        }
    }
    played.passed_over += skipped;
    let (file, ended) = (reading.path, reading.thread.await);
    ended.map_err(|error| ReplayFailed {
        file,
        why: error.to_string(),
    })
}

/// Waits for the original times between events.
struct Pacing {
    speed: Speed,
    first: Option<(UnixMs, Instant)>,
}

impl Pacing {
    async fn wait(&mut self, time_ms: Option<UnixMs>) {
        let (Speed::Times(times), Some(time_ms)) = (self.speed, time_ms) else {
            return;
        };
        let (first_ms, started) = *self.first.get_or_insert((time_ms, Instant::now()));
        // Events before the first one are published at once: archives are only roughly in order.
        let ahead = time_ms.saturating_sub(first_ms).max(0) as f64 / 1_000.0 / times;
        let ahead = ahead.min(MAX_WAIT_SECONDS);
        sleep_until(started + Duration::from_secs_f64(ahead)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn extreme_times_and_speeds_overflow_no_clock() {
        for speed in [1e-300, 1.0, f64::MAX] {
            let speed = Speed::Times(speed);
            let mut pace = Pacing { speed, first: None };
            pace.wait(Some(i64::MIN)).await;
            let longest = pace.wait(Some(i64::MAX));
            let _ = tokio::time::timeout(Duration::from_millis(20), longest).await;
        }
    }

    #[test]
    fn speeds_are_parsed_and_others_refused() {
        assert_eq!("10x".parse(), Ok(Speed::Times(10.0)));
        assert_eq!("0.5".parse(), Ok(Speed::Times(0.5)));
        assert_eq!("max".parse(), Ok(Speed::Max));
        for wrong in ["0x", "-1x", "fast", "infx"] {
            assert!(wrong.parse::<Speed>().is_err(), "{wrong}");
        }
    }
}
