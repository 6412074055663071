//! Exports of raw events in the ring to a file.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::amplitude::{json, time};
use crate::limits::Code;
use crate::owner_only;
use crate::protocol::Record;
use crate::telemetry::ring::SharedRing;
use crate::tui::events::find::Find;
use crate::tui::events::list::EventList;
use crate::tui::limits::query::violation;
use crate::tui::widget::text;

/// A selection of events to export.
#[derive(Debug, Clone, PartialEq)]
pub enum Events {
    /// One event.
    One(u64),
    /// The matches of a search.
    Found(Find),
    /// The events that were filtered out.
    FilteredOut,
    /// The events with a bookmark.
    Bookmarked(BTreeSet<u64>),
    /// The selected events.
    Selected(BTreeSet<u64>),
    /// The events of a list.
    Listed(EventList),
    /// All events.
    All,
    /// The events that violate a limit.
    Breaking(Code),
}

/// The choices, in the order of `PopupCommand::Choice`.
pub const CHOICES: [&str; 7] = [
    "the event under the cursor",
    "the events found by the search",
    "the events that were filtered out",
    "the events with a bookmark",
    "all events in the ring",
    "the selected events",
    "the events of the list that is shown",
];

/// The title of the choices, with the folder of the file.
pub(crate) fn title(folder: &Path, columns: u16) -> String {
    // The popup's border, its margin, and the key that closes it.
    let room = usize::from(columns.min(56)).saturating_sub(36);
    let folder = folder.display().to_string();
    format!("Export to a file in {}", text::cut_start(&folder, room))
}

/// A written file of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The contents: `12 events`.
    pub count: String,
    /// The whole path.
    pub path: PathBuf,
}

/// Creates a new file for an export in `folder`. Returns the file and its path. Only its owner can
/// read it.
pub fn create_file(folder: &Path, what: &str) -> io::Result<(File, PathBuf)> {
    let stamp = time::to_digits(time::now(), 14);
    let mut number = 0_u32;
    loop {
        let name = match number {
            0 => format!("{what}-{stamp}.ndjson"),
            number => format!("{what}-{stamp}-{number}.ndjson"),
        };
        let path = folder.join(name);
        match owner_only::create_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1_000 => {
                number += 1;
            }
            made => return made.map(|file| (file, path)),
        }
    }
}

impl Events {
    /// The beginning of the file name, before the time.
    pub fn file_name(&self) -> &'static str {
        match self {
            Self::One(_) => "event",
            Self::Found(_) => "found",
            Self::FilteredOut => "filtered-out",
            Self::Bookmarked(_) => "bookmarked",
            Self::Selected(_) => "selected",
            Self::Listed(_) => "listed",
            Self::All => "events",
            Self::Breaking(code) => code.name(),
        }
    }

    fn has(&self, record: &Record) -> bool {
        match self {
            Self::One(sequence) => record.sequence == *sequence,
            Self::Found(find) => find.matches(record),
            Self::FilteredOut => record.story.is_filtered_out(),
            Self::Listed(list) => list.has(record),
            Self::Bookmarked(all) | Self::Selected(all) => all.contains(&record.sequence),
            Self::All => true,
            Self::Breaking(code) => violation(record, *code).is_some(),
        }
    }

    /// The selected events, one per line, the oldest first. Without malformed frames.
    pub fn lines(&self, ring: &SharedRing) -> Vec<String> {
        // The ring is not locked while a search reads the events.
        let whole = |record: &Record| record.event().map(|_| record.clone());
        let line = |record: &Record| json::on_one_line(record.text());
        let (mut lines, mut next) = (Vec::new(), 0);
        while let Some(records) = ring.copy_batch(&mut next, whole) {
            lines.extend(records.iter().filter(|r| self.has(r)).map(line));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{BlockedBy, Decision};
    use crate::protocol::Outcome;
    use crate::protocol::tests_support::record;

    #[test]
    fn each_choice_has_its_events_and_each_event_its_line() {
        let ring = SharedRing::new(1 << 20);
        let of = |n: u64| {
            let text = format!("{{\"event_type\":\"T {n}\",\n\"user_id\":\"u\"}}");
            let decision = match n % 2 {
                0 => Decision::Filtered {
                    by: BlockedBy::Type,
                },
                _ => Decision::Accepted,
            };
            record(n, &text, decision, Outcome::OnItsWay)
        };
        ring.lock().extend((1..=10).map(of));
        let count = |events: Events| events.lines(&ring).len();
        assert_eq!(count(Events::All), 10);
        assert_eq!(count(Events::FilteredOut), 5);
        assert_eq!(count(Events::Bookmarked([3, 4, 99].into())), 2);
        assert_eq!(count(Events::Selected([3, 99].into())), 1);
        assert_eq!(count(Events::Listed(EventList::Sent)), 5);
        assert_eq!(count(Events::Found(Find::parse("t 1").unwrap())), 2);
        assert_eq!(count(Events::Breaking(Code::IdMissing)), 0);
        let one = Events::One(7).lines(&ring);
        assert_eq!(one, [r#"{"event_type":"T 7", "user_id":"u"}"#]);
    }
}
