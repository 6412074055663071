//! Playing archives to a feed server, with the events' own spacing.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use bytestring::ByteString;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::amplitude::archive::{self, ArchiveError};
use crate::amplitude::frame;
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

/// What was played.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Played {
    /// Events.
    pub events: u64,
    /// Lines, or parts of them, that are no events. They are played as they are.
    pub malformed: u64,
}

/// Plays the archives at `paths`, one after the other, and again for ever where `repeat` is on;
/// tells after each how many of them are played.
pub async fn play(
    server: &Server,
    paths: &[PathBuf],
    speed: Speed,
    repeat: bool,
    mut tell: impl FnMut(usize),
) -> Result<Played, ArchiveError> {
    let mut played = Played::default();
    let mut pace = Pace { speed, first: None };
    loop {
        let before = played.events;
        for (index, path) in paths.iter().enumerate() {
            play_one(server, path.clone(), &mut pace, &mut played).await?;
            tell(index + 1);
        }
        // An archive without events would be read for ever at full speed.
        if !repeat || played.events == before {
            return Ok(played);
        }
        pace.first = None;
    }
}

async fn play_one(
    server: &Server,
    path: PathBuf,
    pace: &mut Pace,
    played: &mut Played,
) -> Result<(), ArchiveError> {
    let (lines, mut read) = mpsc::channel::<archive::Line>(256);
    let reading = tokio::task::spawn_blocking(move || {
        archive::each_line(&path, &mut |line| match lines.blocking_send(line) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        })
    });
    while let Some(line) = read.recv().await {
        for part in parts(line, played) {
            pace.wait(part.time_ms).await;
            server.publish(&part.text).await;
        }
    }
    match reading.await {
        Ok(ended) => ended.map(|_| ()),
        // The reader's panic is the program's.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

struct PlayedPart {
    text: ByteString,
    time_ms: Option<UnixMs>,
}

fn parts(line: archive::Line, played: &mut Played) -> Vec<PlayedPart> {
    let text = match line.text {
        Ok(text) => text,
        Err(malformed) => {
            played.malformed += 1;
            return vec![PlayedPart {
                text: malformed.near.into(),
                time_ms: None,
            }];
        }
    };
    let mut parts = Vec::new();
    frame::decode(&text, 0, "message_id", |one| match one {
        Ok(event) => {
            played.events += 1;
            parts.push(PlayedPart {
                time_ms: event.time().ok(),
                text: event.shared_text().clone(),
            });
        }
        Err(malformed) => {
            played.malformed += 1;
            let end = text.len().min(malformed.at_byte + malformed.size_bytes);
            parts.push(PlayedPart {
                text: text[malformed.at_byte.min(end)..end].into(),
                time_ms: None,
            });
        }
    });
    parts
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
        let ahead = (time_ms - first_ms).max(0) as f64 / 1_000.0 / times;
        sleep_until(started + Duration::from_secs_f64(ahead)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
