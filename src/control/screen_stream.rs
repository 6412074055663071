//! The stream of one screen, compressed as a whole and within a number of bytes a second.

use std::io::{self, Write as _};
use std::time::Duration;

use tokio::time::Instant;

use super::screen_tick::{Fragment, LEVEL, Tick, write_list, write_missed};
use super::skipped::Skipped;
use super::wire::Detail;

/// The compressed size of an event, as long as it is unknown.
const FIRST_GUESS: f64 = 150.0;
/// Maximum time without a state, even if there is no room for it: the other side waits no longer than
/// 10 seconds.
const MAX_SILENCE: Duration = Duration::from_secs(5);
/// The weight of the events of a tick in the mean of their size.
const WEIGHT: f64 = 0.2;

/// The stream of one screen.
pub(super) struct ScreenStream {
    encoder: zstd::stream::write::Encoder<'static, Vec<u8>>,
    detail: Detail,
    /// What this screen was not sent.
    skipped: Skipped,
    budget: Option<Budget>,
    /// When the last state was sent.
    state_at: Instant,
}

impl ScreenStream {
    /// A stream of events in this detail, of at most so many bytes a second.
    pub(super) fn new(
        detail: Detail,
        bytes_per_second: Option<u32>,
        now: Instant,
    ) -> io::Result<Self> {
        Ok(Self {
            encoder: zstd::stream::write::Encoder::new(Vec::new(), LEVEL)?,
            detail,
            skipped: Skipped::default(),
            budget: bytes_per_second.map(|bytes| Budget::new(bytes, now)),
            state_at: now,
        })
    }

    /// Compresses lines that are due in any case.
    pub(super) fn compress(&mut self, lines: &[u8]) -> io::Result<Vec<u8>> {
        self.encoder.write_all(lines)?;
        self.encoder.flush()?;
        Ok(std::mem::take(self.encoder.get_mut()))
    }

    /// The next part: the state, the changed stories, and as many of the newest events as there is room
    /// for. `next` is the first event that this screen has not been told of.
    pub(super) fn write(&mut self, tick: &Tick, next: u64, now: Instant) -> io::Result<Vec<u8>> {
        let skipped = &self.skipped;
        let stories = tick.stories().iter();
        let wanted = stories.filter(|(number, _)| !skipped.contains(*number));
        write_list(&mut self.encoder, "stories", wanted)?;
        self.write_state(tick, now)?;
        self.encoder.flush()?;
        let before = self.encoder.get_ref().len();
        let chosen = self.choose(tick, before);
        let first = chosen.first().map_or(tick.end, |(number, _)| *number);
        self.skipped.add(next..first);
        write_missed(&mut self.encoder, first.saturating_sub(next))?;
        write_list(&mut self.encoder, "records", chosen)?;
        self.encoder.flush()?;
        let part = std::mem::take(self.encoder.get_mut());
        if let Some(budget) = &mut self.budget {
            budget.spend(part.len() - before, chosen.len());
        }
        Ok(part)
    }

    /// Writes the state, unless there is no room for it and a later one will do.
    fn write_state(&mut self, tick: &Tick, now: Instant) -> io::Result<()> {
        let has_room = self.budget.as_mut().is_none_or(|budget| {
            budget.refill(now);
            budget.left > 0.0
        });
        let can_wait = !tick.is_change && now - self.state_at < MAX_SILENCE;
        if !has_room && can_wait {
            return Ok(());
        }
        if let Some(line) = tick.snapshot() {
            self.state_at = now;
            self.encoder.write_all(line)?;
        }
        Ok(())
    }

    /// The newest events for which there is room, after so many bytes.
    fn choose<'t>(&mut self, tick: &'t Tick, bytes: usize) -> &'t [Fragment] {
        let records = tick.records(self.detail);
        let room = match &mut self.budget {
            Some(budget) => {
                budget.spend(bytes, 0);
                budget.room()
            }
            None => usize::MAX,
        };
        &records[records.len().saturating_sub(room)..]
    }
}

/// The bytes that may be sent.
#[derive(Debug)]
struct Budget {
    per_second: f64,
    /// Never more than those of a second; less than nothing after more was sent than was allowed.
    left: f64,
    at: Instant,
    /// The mean size of an event.
    event_bytes: f64,
}

impl Budget {
    fn new(per_second: u32, at: Instant) -> Self {
        let per_second = f64::from(per_second);
        Self {
            per_second,
            left: per_second,
            at,
            event_bytes: FIRST_GUESS,
        }
    }

    fn refill(&mut self, now: Instant) {
        let passed: Duration = now - std::mem::replace(&mut self.at, now);
        let more = self.per_second * passed.as_secs_f64();
        self.left = (self.left + more).min(self.per_second);
    }

    /// Number of events that there is room for.
    fn room(&self) -> usize {
        (self.left / self.event_bytes).max(0.0) as usize
    }

    /// Counts bytes that were sent, with so many events in them.
    fn spend(&mut self, bytes: usize, events: usize) {
        self.left -= bytes as f64;
        if events > 0 {
            let mean = bytes as f64 / events as f64;
            self.event_bytes += (mean - self.event_bytes) * WEIGHT;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Decision;
    use crate::protocol::tests_support::record;
    use std::sync::Arc;

    use crate::protocol::{Outcome, Record, Snapshot, TypeRow};

    /// Events that compress badly.
    fn tick(from: u64, events: u64) -> Tick {
        let new = |n: u64| -> Record {
            let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let step = |_| {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).rotate_left(29) ^ n;
                format!("{state:016x}")
            };
            let hex: String = (0..16).map(step).collect();
            let text = format!(r#"{{"event_type":"A","user_id":"{hex}"}}"#);
            record(n, &text, Decision::Accepted, Outcome::OnItsWay)
        };
        Tick {
            from,
            end: from + events,
            records: (from..from + events).map(new).collect(),
            ..Tick::default()
        }
    }

    #[test]
    fn a_stream_keeps_to_its_bytes_and_tells_what_it_leaves_out() {
        let mut now = Instant::now();
        let mut stream = ScreenStream::new(Detail::Full, Some(10_000), now).unwrap();
        let (mut bytes, mut next, mut text) = (0, 1, Vec::new());
        let mut decoder = zstd::stream::write::Decoder::new(Vec::new()).unwrap();
        for _ in 0..300 {
            let tick = tick(next, 40);
            let part = stream.write(&tick, next, now).unwrap();
            bytes += part.len();
            decoder.write_all(&part).unwrap();
            next = tick.end;
            now += Duration::from_millis(200);
        }
        decoder.flush().unwrap();
        text.append(decoder.get_mut());
        // A minute, and the second that it may begin with.
        assert!(bytes <= 61 * 10_000, "{bytes}");
        assert!(bytes > 50 * 10_000, "{bytes}");
        let (mut missed, mut got) = (0, 0);
        for line in text.split(|byte| *byte == b'\n').filter(|l| !l.is_empty()) {
            let line: serde_json::Value = serde_json::from_slice(line).unwrap();
            missed += line["missed"].as_u64().unwrap_or_default();
            got += line["records"].as_array().map_or(0, Vec::len) as u64;
        }
        assert_eq!(missed + got, 300 * 40);
        assert!(got > 1_000, "{got}");
    }

    #[test]
    fn stories_of_events_that_were_left_out_are_not_sent() {
        let now = Instant::now();
        let mut stream = ScreenStream::new(Detail::Full, Some(1), now).unwrap();
        let first = tick(1, 40);
        stream.write(&first, 1, now).unwrap();
        assert!(stream.skipped.contains(1) && stream.skipped.contains(40));
        let story = first.records[0].story.clone();
        let change = Tick {
            from: 41,
            end: 41,
            stories: vec![(7, story)],
            ..Tick::default()
        };
        let part = stream.write(&change, 41, now).unwrap();
        assert!(part.len() < 20, "{part:?}");
    }

    #[test]
    fn a_state_that_is_too_large_for_the_line_comes_less_often_and_a_change_at_once() {
        let mut now = Instant::now();
        let mut stream = ScreenStream::new(Detail::Full, Some(10_000), now).unwrap();
        let mut sizes = Vec::new();
        for second in 0..60_u64 {
            let row = |n: u64| TypeRow {
                name: format!("{n:x}").into(),
                count: (second << 20 | n).wrapping_mul(0x9e37_79b9_7f4a_7c15),
                accepted: (second << 20 | n).wrapping_mul(0xbf58_476d_1ce4_e5b9),
                rate: 0.0,
            };
            let snapshot = Snapshot {
                types: Arc::new((0..1_000).map(row).collect()),
                ..Snapshot::default()
            };
            let tick = Tick {
                snapshot: Some(Arc::new(snapshot)),
                is_change: second == 50,
                ..Tick::default()
            };
            sizes.push(stream.write(&tick, 0, now).unwrap().len());
            now += Duration::from_secs(1);
        }
        let (bytes, largest) = (sizes.iter().sum::<usize>(), *sizes.iter().max().unwrap());
        assert!(largest > 15_000, "{largest}");
        assert!(bytes < 61 * 10_000 + 2 * largest, "{sizes:?}");
        assert!(sizes[50] > 15_000, "{sizes:?}");
        let silence = sizes.split(|size| *size > 1_000).map(<[_]>::len).max();
        assert!(silence < Some(5), "{sizes:?}");
    }
}
