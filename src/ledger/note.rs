//! Notes: what happened to the forwarder, so that a gap has a cause.

use serde::{Deserialize, Serialize};

use crate::amplitude::time::{self, UnixMs};

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// A forwarder started.
    Started {
        /// Its version.
        version: String,
        /// Its name in its group, if it belongs to one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member: Option<String>,
    },
    /// It still runs. Only the last one of a run is kept.
    Alive,
    /// It ended, with everything written.
    Stopped,
    /// The feed is not connected.
    FeedDown {
        /// The reason.
        why: String,
    },
    /// The feed is connected.
    FeedUp,
    /// Nothing is sent, but for probes.
    DeliveryHalted {
        /// The reason.
        why: String,
    },
    /// Delivery goes on.
    DeliveryResumed,
    /// Rows were not kept, as the ledger was too slow or its disk failed.
    Lost {
        /// Their number.
        rows: u64,
        /// When the first of them came.
        since_ms: UnixMs,
    },
    /// The end of a file was torn, and cut off.
    Torn {
        /// The bytes that were cut off.
        bytes: u64,
    },
    /// The oldest files were removed, by their age or for the quota.
    Removed {
        /// Their number.
        files: u64,
        /// Their bytes.
        bytes: u64,
        /// Nothing that was written before this time is kept.
        until_ms: UnixMs,
    },
}

/// A note with its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// When it was written.
    pub at_ms: UnixMs,
    /// The note.
    pub note: Note,
}

/// The kind of an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutageKind {
    /// No forwarder ran.
    NotRunning,
    /// The feed was down.
    FeedDown,
    /// Delivery was halted.
    DeliveryHalted,
    /// The ledger kept no rows.
    LedgerLost,
    /// The ledger's files of this time were removed.
    LedgerRemoved,
}

/// A time in which something did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// The kind.
    pub kind: OutageKind,
    /// Its begin.
    pub from_ms: UnixMs,
    /// Its end; none while it goes on.
    pub to_ms: Option<UnixMs>,
    /// The reason; empty where there is none.
    pub why: String,
}

impl Outage {
    /// Whether it covers a time, with a margin before and after.
    pub fn covers(&self, at_ms: UnixMs, margin_ms: i64) -> bool {
        at_ms >= self.from_ms - margin_ms && self.to_ms.is_none_or(|to| at_ms <= to + margin_ms)
    }
}

impl Outage {
    /// The time in which this and the other lasted, if there is one.
    fn overlap(&self, other: &Self) -> Option<Self> {
        let from_ms = self.from_ms.max(other.from_ms);
        let to_ms = [self.to_ms, other.to_ms].into_iter().flatten().min();
        to_ms.is_none_or(|to_ms| from_ms < to_ms).then(|| Self {
            from_ms,
            to_ms,
            ..self.clone()
        })
    }

    /// What happened, as a sentence.
    pub fn sentence(&self) -> String {
        let what = match self.kind {
            OutageKind::NotRunning => "no forwarder ran",
            OutageKind::FeedDown => "the feed was down",
            OutageKind::DeliveryHalted => "delivery was halted",
            OutageKind::LedgerLost => "the ledger left out events",
            OutageKind::LedgerRemoved => "the ledger's files were removed",
        };
        let stamp = time::to_stamp_seconds;
        let span = match (self.from_ms, self.to_ms) {
            (..0, Some(to)) => format!(" before {}", stamp(to)),
            (..0, None) => String::new(),
            (from, Some(to)) => format!(" from {} to {}", stamp(from), stamp(to)),
            (from, None) => format!(" from {} until now", stamp(from)),
        };
        let separator = if self.why.is_empty() { "" } else { ": " };
        format!("{what}{span}{separator}{}", self.why)
    }
}

/// The outages that notes, in their order, tell of.
pub fn outages(notes: &[Noted]) -> Vec<Outage> {
    let mut found = Vec::new();
    let mut open: [Option<Outage>; 3] = [None, None, None];
    let mut last_ms: Option<UnixMs> = None;
    let begin = |kind, from_ms, why: &str| {
        let why = why.to_owned();
        Some(Outage {
            kind,
            from_ms,
            to_ms: None,
            why,
        })
    };
    for Noted { at_ms, note } in notes {
        match note {
            Note::Started { version, member } => {
                for ended in open.iter_mut().filter_map(Option::take) {
                    let to_ms = last_ms;
                    found.push(Outage { to_ms, ..ended });
                }
                let from_ms = last_ms.unwrap_or(UnixMs::MIN / 2);
                found.push(Outage {
                    kind: OutageKind::NotRunning,
                    from_ms,
                    to_ms: Some(*at_ms),
                    why: started(version, member.as_deref()),
                });
            }
            Note::FeedDown { why } => open[0] = begin(OutageKind::FeedDown, *at_ms, why),
            Note::DeliveryHalted { why } => {
                open[1] = begin(OutageKind::DeliveryHalted, *at_ms, why);
            }
            Note::FeedUp => found.extend(ended(&mut open[0], *at_ms)),
            Note::DeliveryResumed => found.extend(ended(&mut open[1], *at_ms)),
            Note::Lost { rows, since_ms } => found.push(Outage {
                kind: OutageKind::LedgerLost,
                from_ms: *since_ms,
                to_ms: Some(*at_ms),
                why: format!("{rows} rows were not kept"),
            }),
            Note::Removed { until_ms, .. } => {
                open[2] = Some(Outage {
                    kind: OutageKind::LedgerRemoved,
                    from_ms: UnixMs::MIN / 2,
                    to_ms: Some(*until_ms),
                    why: "by age or for the quota".to_owned(),
                });
            }
            Note::Stopped => {
                found.extend(ended(&mut open[0], *at_ms));
                found.extend(ended(&mut open[1], *at_ms));
            }
            Note::Alive | Note::Torn { .. } => {}
        }
        last_ms = Some(*at_ms);
    }
    if let (Some(Note::Stopped), Some(from_ms)) = (notes.last().map(|noted| &noted.note), last_ms) {
        found.extend(begin(OutageKind::NotRunning, from_ms, "it was stopped"));
    }
    found.extend(open.into_iter().flatten());
    found
}

/// The times in which something did not work for all members of a group, and those of which a ledger kept
/// nothing. One member that works takes over from the others.
pub fn common_outages(of_members: Vec<Vec<Outage>>) -> Vec<Outage> {
    let is_of_ledger = |outage: &Outage| {
        matches!(
            outage.kind,
            OutageKind::LedgerLost | OutageKind::LedgerRemoved
        )
    };
    let mut unkept = Vec::new();
    let mut common: Option<Vec<Outage>> = None;
    for outages in of_members {
        let (of_ledger, others): (Vec<_>, Vec<_>) = outages.into_iter().partition(is_of_ledger);
        unkept.extend(of_ledger);
        common = Some(match common {
            None => others,
            Some(known) => {
                let both = |one: &Outage| {
                    others
                        .iter()
                        .filter_map(|other| one.overlap(other))
                        .collect()
                };
                known
                    .iter()
                    .flat_map(|one| -> Vec<_> { both(one) })
                    .collect()
            }
        });
    }
    let mut all = common.unwrap_or_default();
    all.extend(unkept);
    all
}

/// What ended a time without a forwarder.
fn started(version: &str, member: Option<&str>) -> String {
    match member {
        Some(member) => format!("{member}, version {version}, was started then"),
        None => format!("version {version} was started then"),
    }
}

fn ended(open: &mut Option<Outage>, at_ms: UnixMs) -> Option<Outage> {
    let to_ms = Some(at_ms);
    open.take().map(|outage| Outage { to_ms, ..outage })
}
