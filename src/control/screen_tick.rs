//! What happened since the last tick, for all attached screens. Each form of it is written once, when
//! the first screen needs it.

use std::io;
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use serde::Serialize;

use crate::protocol::{Record, Snapshot, Story};

use super::wire::{Detail, Line, WireRecord, WireStory};

/// Level of compression, of ticks and of streams.
pub(super) const LEVEL: i32 = 3;

/// A story that changed, with the sequence number of its event.
pub(super) type ChangedStory = (u64, Story);

/// A part of a line, with the sequence number of its event.
pub(super) type Fragment = (u64, Box<str>);

/// What happened since the last tick.
#[derive(Debug, Default)]
pub(super) struct Tick {
    /// The sequence number of the first event since then, whether it is among `records` or not.
    pub(super) from: u64,
    /// The sequence number after the last event.
    pub(super) end: u64,
    /// The newest events, in order.
    pub(super) records: Vec<Record>,
    /// Stories that changed, of earlier events.
    pub(super) stories: Vec<ChangedStory>,
    /// The state, where one is due.
    pub(super) snapshot: Option<Arc<Snapshot>>,
    /// Whether the filters or the mode have changed in it.
    pub(super) is_change: bool,
    /// What was written of it so far.
    pub(super) forms: Forms,
}

/// The forms of a tick that a screen has needed.
#[derive(Debug, Default)]
pub(super) struct Forms {
    full: OnceLock<Vec<Fragment>>,
    summaries: OnceLock<Vec<Fragment>>,
    story_texts: OnceLock<Vec<Fragment>>,
    snapshot_line: OnceLock<Option<Bytes>>,
    frame: OnceLock<Bytes>,
}

impl Tick {
    /// Whether nothing has happened.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.stories.is_empty() && self.snapshot.is_none()
    }

    /// Writes the forms that screens needed of the tick before: then they don't wait for each other.
    pub(super) fn prepare(&self, before: &Self) {
        let Forms {
            full,
            summaries,
            frame,
            ..
        } = &before.forms;
        if frame.get().is_some() {
            self.frame();
        }
        if full.get().is_some() {
            self.records(Detail::Full);
        }
        if summaries.get().is_some() {
            self.records(Detail::Summary);
        }
    }

    /// Number of events before `records` that a screen misses whose next one is `next`.
    pub(super) fn missed(&self, next: u64) -> u64 {
        let first = self.records.first().map_or(next, |record| record.sequence);
        first.saturating_sub(next)
    }

    /// The records as JSON.
    pub(super) fn records(&self, detail: Detail) -> &[Fragment] {
        let cell = match detail {
            Detail::Full => &self.forms.full,
            Detail::Summary => &self.forms.summaries,
        };
        cell.get_or_init(|| {
            let records = self.records.iter();
            records
                .filter_map(|record| fragment(record.sequence, &WireRecord::of(record, detail)?))
                .collect()
        })
    }

    /// The stories as JSON, each with its number.
    pub(super) fn stories(&self) -> &[Fragment] {
        self.forms.story_texts.get_or_init(|| {
            let stories = self.stories.iter();
            let text = |(number, story): &ChangedStory| {
                fragment(*number, &(*number, WireStory::of(story)))
            };
            stories.filter_map(text).collect()
        })
    }

    /// The line of the snapshot.
    pub(super) fn snapshot(&self) -> Option<&Bytes> {
        let line = || {
            let mut line = Vec::new();
            write_line(&mut line, &Line::Snapshot(self.snapshot.clone()?)).ok()?;
            Some(line.into())
        };
        self.forms.snapshot_line.get_or_init(line).as_ref()
    }

    /// The whole tick in full detail, compressed on its own; for a screen that got the tick before it.
    pub(super) fn frame(&self) -> Bytes {
        let compressed = || {
            let mut lines = Vec::new();
            let missed = self.missed(self.from);
            // Writing into a vector does not fail.
            let _ = write_missed(&mut lines, missed)
                .and_then(|()| write_list(&mut lines, "records", self.records(Detail::Full)))
                .and_then(|()| write_list(&mut lines, "stories", self.stories()));
            lines.extend_from_slice(self.snapshot().map_or(&[], |line| line));
            zstd::stream::encode_all(lines.as_slice(), LEVEL).unwrap_or_default()
        };
        self.forms.frame.get_or_init(|| compressed().into()).clone()
    }
}

/// A part of a line about the event with this number.
pub(super) fn fragment(number: u64, value: &impl Serialize) -> Option<Fragment> {
    let text = serde_json::to_string(value).ok()?;
    Some((number, text.into()))
}

/// Writes a line.
pub(super) fn write_line(to: &mut impl io::Write, line: &Line) -> io::Result<()> {
    serde_json::to_writer(&mut *to, line)?;
    to.write_all(b"\n")
}

/// Writes a line of [`Line::Missed`], if there is anything to tell.
pub(super) fn write_missed(to: &mut impl io::Write, missed: u64) -> io::Result<()> {
    if missed == 0 {
        return Ok(());
    }
    write_line(to, &Line::Missed(missed))
}

/// Writes a line of [`Line::Records`] or [`Line::Stories`], if there is anything in it.
pub(super) fn write_list<'f>(
    to: &mut impl io::Write,
    name: &str,
    fragments: impl IntoIterator<Item = &'f Fragment>,
) -> io::Result<()> {
    let mut is_first = true;
    for (_, text) in fragments {
        if std::mem::take(&mut is_first) {
            write!(to, "{{\"{name}\":[")?;
        } else {
            to.write_all(b",")?;
        }
        to.write_all(text.as_bytes())?;
    }
    if is_first {
        return Ok(());
    }
    to.write_all(b"]}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Decision;
    use crate::protocol::Outcome;
    use crate::protocol::tests_support::record;

    #[test]
    fn a_frame_has_the_lines_of_a_tick() {
        let text = r#"{"event_type":"A","user_id":"u","event_properties":{"x":1}}"#;
        let new = |n| record(n, text, Decision::Accepted, Outcome::OnItsWay);
        let tick = Tick {
            from: 7,
            end: 12,
            records: vec![new(10), new(11)],
            stories: vec![(3, new(3).story)],
            snapshot: Some(Arc::default()),
            ..Tick::default()
        };
        let lines = zstd::stream::decode_all(&tick.frame()[..]).unwrap();
        let mut lines = lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice::<Line>(line).unwrap());
        assert!(matches!(lines.next(), Some(Line::Missed(3))));
        let Some(Line::Records(records)) = lines.next() else {
            panic!("records come second");
        };
        let got: Vec<Record> = records
            .into_iter()
            .filter_map(|record| record.into_record(0))
            .collect();
        assert_eq!((got.len(), got[0].text()), (2, text));
        assert!(matches!(lines.next(), Some(Line::Stories(all)) if all[0].0 == 3));
        assert!(matches!(lines.next(), Some(Line::Snapshot(_))));
        assert!(lines.next().is_none());
        let next = Tick::default();
        next.prepare(&tick);
        assert!(next.forms.frame.get().is_some() && next.forms.summaries.get().is_none());
        assert!(Tick::default().frame().len() < 20 && Tick::default().is_empty());
    }
}
