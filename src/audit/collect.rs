//! The events of an export: their ids, and what today's filters decide.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use ulid::Ulid;

use super::error::AuditError;
use super::spill::Spill;
use crate::amplitude::time::UnixMs;
use crate::amplitude::{Event, Reading};
use crate::config::Settings;
use crate::customerio::dedupe;
use crate::filter::{BlockedBy, Decision, Gate, Mode};
use crate::ledger::{HashKey, Key};

/// Size of a record in bytes.
const RECORD_BYTES: usize = 30;
/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// Names with their numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    pub(super) types: Vec<String>,
    pub(super) decisions: Vec<Decision>,
    type_numbers: FxHashMap<String, u16>,
    decision_numbers: FxHashMap<Decision, u16>,
}

impl Names {
    /// The number of a type, from 1; 0 once all numbers are used.
    pub(super) fn number_type(&mut self, name: &str) -> u16 {
        if let Some(number) = self.type_numbers.get(name) {
            return *number;
        }
        let number = u16::try_from(self.types.len() + 1).unwrap_or_default();
        if number > 0 {
            self.types.push(name.to_owned());
            self.type_numbers.insert(name.to_owned(), number);
        }
        number
    }

    /// The number of a decision, as for a type.
    pub(super) fn number_decision(&mut self, decision: &Decision) -> u16 {
        if let Some(number) = self.decision_numbers.get(decision) {
            return *number;
        }
        let number = u16::try_from(self.decisions.len() + 1).unwrap_or_default();
        if number > 0 {
            self.decisions.push(decision.clone());
            self.decision_numbers.insert(decision.clone(), number);
        }
        number
    }

    pub(super) fn event_type(&self, number: u16) -> &str {
        let index = usize::from(number).checked_sub(1);
        index
            .and_then(|it| self.types.get(it))
            .map_or("", |name| name)
    }

    pub(super) fn decision(&self, number: u16) -> Option<&Decision> {
        self.decisions.get(usize::from(number).checked_sub(1)?)
    }
}

/// An event of an export.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exported {
    pub(super) id: Ulid,
    pub(super) person: u16,
    pub(super) event_type: u16,
    /// The number of the decision of today's filters.
    pub(super) today: u16,
    pub(super) happened_ms: UnixMs,
}

impl Exported {
    fn encode(&self) -> [u8; RECORD_BYTES] {
        let mut out = [0; RECORD_BYTES];
        out[..16].copy_from_slice(&self.id.0.to_le_bytes());
        out[16..18].copy_from_slice(&self.person.to_le_bytes());
        out[18..20].copy_from_slice(&self.event_type.to_le_bytes());
        out[20..22].copy_from_slice(&self.today.to_le_bytes());
        out[22..].copy_from_slice(&self.happened_ms.to_le_bytes());
        out
    }

    pub(super) fn decode(bytes: &[u8; RECORD_BYTES]) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[..16]);
        let mut happened = [0; 8];
        happened.copy_from_slice(&bytes[22..]);
        let at = |from: usize| u16::from_le_bytes([bytes[from], bytes[from + 1]]);
        Self {
            id: Ulid(u128::from_le_bytes(id)),
            person: at(16),
            event_type: at(18),
            today: at(20),
            happened_ms: i64::from_le_bytes(happened),
        }
    }
}

/// The events of an export, on disk.
pub struct Collected {
    events: Vec<Spill<RECORD_BYTES>>,
    pub(super) names: Names,
    /// The hours of the dedupe ids.
    pub(super) hours: BTreeSet<u32>,
    /// The hours of the events.
    pub(super) range: Option<(i64, i64)>,
    /// Number of events.
    pub count: u64,
}

impl Collected {
    /// Reads the events of a part.
    pub(super) fn part(&mut self, index: usize) -> io::Result<Vec<[u8; RECORD_BYTES]>> {
        let mut all = Vec::new();
        for spill in &mut self.events {
            spill.read(index, &mut all)?;
        }
        Ok(all)
    }
}

/// Collects events of an export on one thread.
pub struct Collector {
    key: HashKey,
    gate: Gate,
    sends_users: bool,
    /// The names of all collectors, with their numbers.
    shared: Arc<Mutex<Names>>,
    /// Those that this collector knows.
    type_numbers: FxHashMap<Box<str>, u16>,
    decision_numbers: FxHashMap<Decision, u16>,
    events: Spill<RECORD_BYTES>,
    hours: BTreeSet<u32>,
    range: Option<(i64, i64)>,
    count: u64,
    failed: Option<io::Error>,
}

impl Collector {
    /// Creates collectors for this number of threads, for the ledger with this key, with today's
    /// filters.
    pub fn for_threads(
        threads: usize,
        key: &HashKey,
        settings: &Settings,
    ) -> Result<Vec<Self>, AuditError> {
        let shared = Arc::<Mutex<Names>>::default();
        let collector = |_| {
            Ok(Self {
                key: key.clone(),
                gate: Gate::new(Mode::Open, settings.filters())?,
                sends_users: settings.mapping.send_users,
                shared: shared.clone(),
                type_numbers: FxHashMap::default(),
                decision_numbers: FxHashMap::default(),
                events: Spill::new()?,
                hours: BTreeSet::new(),
                range: None,
                count: 0,
                failed: None,
            })
        };
        (0..threads.max(1)).map(collector).collect()
    }

    /// Adds an event. Returns false after an error of the disk.
    pub fn add(&mut self, event: &Event) -> bool {
        let id = dedupe::id(event);
        let key = self.key.event(id);
        let event_type = event.event_type().unwrap_or_default();
        let event_type = event_type.trim();
        let blocked = self
            .gate
            .blocked_by(&Reading::new(event), event_type, self.sends_users);
        let today = blocked.map_or(Decision::Accepted, |by: BlockedBy| Decision::Filtered {
            by,
        });
        let person = event.user_id().or_else(|| event.device_id());
        let happened_ms = event.time().unwrap_or_default();
        let exported = Exported {
            id,
            person: person.map_or(0, |person| self.key.person(&person)),
            event_type: self.number_type(event_type),
            today: self.number_decision(&today),
            happened_ms,
        };
        self.range = Some(wider(self.range, happened_ms.div_euclid(HOUR_MS)));
        self.hours.insert(key.hour());
        self.count += 1;
        self.failed = self.events.push(key, &exported.encode()).err();
        self.failed.is_none()
    }

    fn number_type(&mut self, name: &str) -> u16 {
        if let Some(number) = self.type_numbers.get(name) {
            return *number;
        }
        let number = locked(&self.shared).number_type(name);
        self.type_numbers.insert(name.into(), number);
        number
    }

    fn number_decision(&mut self, decision: &Decision) -> u16 {
        if let Some(number) = self.decision_numbers.get(decision) {
            return *number;
        }
        let number = locked(&self.shared).number_decision(decision);
        self.decision_numbers.insert(decision.clone(), number);
        number
    }

    /// Ends the collection of all threads.
    pub fn finish(all: Vec<Self>) -> Result<Collected, AuditError> {
        let mut collected = Collected {
            events: Vec::new(),
            names: Names::default(),
            hours: BTreeSet::new(),
            range: None,
            count: 0,
        };
        for collector in all {
            if let Some(error) = collector.failed {
                return Err(error.into());
            }
            if let Some((first, last)) = collector.range {
                collected.range = Some(wider(Some(wider(collected.range, first)), last));
            }
            collected.names = locked(&collector.shared).clone();
            collected.hours.extend(collector.hours);
            collected.count += collector.count;
            collected.events.push(collector.events);
        }
        Ok(collected)
    }
}

/// A panic of another collector ends the audit anyway.
fn locked(names: &Mutex<Names>) -> std::sync::MutexGuard<'_, Names> {
    names.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The range with this hour in it.
fn wider(range: Option<(i64, i64)>, hour: i64) -> (i64, i64) {
    let (first, last) = range.unwrap_or((hour, hour));
    (first.min(hour), last.max(hour))
}

/// The key of an event under the key of the ledger.
pub(super) fn key_of(key: &HashKey, exported: &Exported) -> Key {
    key.event(exported.id)
}
