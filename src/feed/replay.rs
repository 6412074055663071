//! Playing archives to a feed server, with the events' own spacing.

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

/// How fast an archive is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many times as fast as it happened.
    Times(f64),
    /// As fast as it is taken.
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
            .ok_or_else(|| format!("{text:?} is no speed; write 1x, 10x or max"))
    }
}

/// How archives are played.
#[derive(Debug, Clone, Copy)]
pub struct Playing {
    /// How fast.
    pub speed: Speed,
    /// Whether they are played again and again.
    pub repeat: bool,
    /// The bytes that an event may take; a larger one is passed over.
    pub max_event_bytes: usize,
}

/// What was played.
#[derive(Debug, Default)]
pub struct Played {
    /// Events.
    pub events: u64,
    /// Lines, or parts of them, that are no events. They are played as they are.
    pub malformed: u64,
    /// Members of zips that are no exports.
    pub passed_over: u64,
    /// What could not be read, or not to its end. What came before it was played.
    pub unreadable: Vec<ArchiveError>,
}

/// A player that ended by itself.
#[derive(Debug, thiserror::Error)]
#[error("the player of {file} broke off: {why}", file = file.display())]
pub struct BrokeOff {
    file: PathBuf,
    why: String,
}

/// Pieces that were read and not played yet.
const AHEAD: usize = 256;
/// And the bytes that they may hold, in KiB.
const AHEAD_KIB: u32 = 32 << 10;
/// The longest wait for an event: 100 years, which is for ever, and which every clock can hold.
const LONGEST_WAIT_SECONDS: f64 = 100.0 * 365.0 * 86_400.0;

/// Plays the archives at `paths`, one after the other, and again for ever where that is asked
/// for; tells after each how many of them are played. What can't be read is told and left.
pub async fn play(
    server: &Server,
    paths: &[PathBuf],
    playing: Playing,
    mut tell: impl FnMut(usize),
) -> Result<Played, BrokeOff> {
    let mut played = Played::default();
    let mut pace = Pace {
        speed: playing.speed,
        first: None,
    };
    loop {
        let before = played.events;
        for (index, path) in paths.iter().enumerate() {
            let pieces = read(path.clone(), playing.max_event_bytes);
            play_one(server, pieces, &mut pace, &mut played).await?;
            tell(index + 1);
        }
        // An archive without events would be read for ever at full speed.
        if !playing.repeat || played.events == before || !played.unreadable.is_empty() {
            return Ok(played);
        }
        pace.first = None;
    }
}

/// A file that is being read.
struct Reading {
    path: PathBuf,
    pieces: mpsc::Receiver<(Piece, OwnedSemaphorePermit)>,
    thread: JoinHandle<()>,
}

/// Reads a file, some of it ahead.
fn read(path: PathBuf, max_event_bytes: usize) -> Reading {
    let (read, pieces) = mpsc::channel(AHEAD);
    let room = Arc::new(Semaphore::new(AHEAD_KIB as usize));
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
            let share = (bytes / 1_024 + 1).min(AHEAD_KIB as usize) as u32;
            let sending = async {
                let share = room.clone().acquire_many_owned(share).await.ok()?;
                read.send((piece, share)).await.ok()
            };
            // Whoever plays has gone: nothing is read any more.
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
    pace: &mut Pace,
    played: &mut Played,
) -> Result<(), BrokeOff> {
    let mut passed_over: u64 = 0;
    while let Some((piece, _share)) = reading.pieces.recv().await {
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
                passed_over += 1;
                if passed_over == 1 {
                    tracing::info!("{member} is no export, and passed over");
                }
            }
            Piece::Broken(error) => {
                tracing::error!("{error}");
                played.unreadable.push(error);
            }
        }
    }
    played.passed_over += passed_over;
    let (file, ended) = (reading.path, reading.thread.await);
    ended.map_err(|error| BrokeOff {
        file,
        why: error.to_string(),
    })
}

/// Keeps the events' own spacing.
struct Pace {
    speed: Speed,
    first: Option<(UnixMs, Instant)>,
}

impl Pace {
    async fn wait(&mut self, time_ms: Option<UnixMs>) {
        let (Speed::Times(times), Some(time_ms)) = (self.speed, time_ms) else {
            return;
        };
        let (first_ms, started) = *self.first.get_or_insert((time_ms, Instant::now()));
        // What is earlier than the first goes at once: archives are only about in order.
        let ahead = time_ms.saturating_sub(first_ms).max(0) as f64 / 1_000.0 / times;
        let ahead = ahead.min(LONGEST_WAIT_SECONDS);
        sleep_until(started + Duration::from_secs_f64(ahead)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_pair_of_times_and_no_speed_is_too_much_for_a_clock() {
        for speed in [1e-300, 1.0, f64::MAX] {
            let speed = Speed::Times(speed);
            let mut pace = Pace { speed, first: None };
            pace.wait(Some(i64::MIN)).await;
            let longest = pace.wait(Some(i64::MAX));
            let _ = tokio::time::timeout(Duration::from_millis(20), longest).await;
        }
    }

    #[test]
    fn speeds_are_read_and_others_refused() {
        assert_eq!("10x".parse(), Ok(Speed::Times(10.0)));
        assert_eq!("0.5".parse(), Ok(Speed::Times(0.5)));
        assert_eq!("max".parse(), Ok(Speed::Max));
        for wrong in ["0x", "-1x", "fast", "infx"] {
            assert!(wrong.parse::<Speed>().is_err(), "{wrong}");
        }
    }
}
