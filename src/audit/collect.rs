//! The events of an export: their ids, and what today's filters decide.

use std::collections::BTreeSet;
use std::io;

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
#[derive(Debug, Default)]
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
    pub(super) events: Spill<RECORD_BYTES>,
    pub(super) names: Names,
    /// The hours of the dedupe ids.
    pub(super) hours: BTreeSet<u32>,
    /// The hours of the events.
    pub(super) range: Option<(i64, i64)>,
    /// Number of events.
    pub count: u64,
}

/// Collects the events of an export.
pub struct Collector {
    key: HashKey,
    gate: Gate,
    sends_users: bool,
    collected: Collected,
    failed: Option<io::Error>,
}

impl Collector {
    /// Creates a collector for the ledger with this key, with today's filters.
    pub fn new(key: HashKey, settings: &Settings) -> Result<Self, AuditError> {
        Ok(Self {
            key,
            gate: Gate::new(Mode::Open, settings.filters())?,
            sends_users: settings.mapping.send_users,
            collected: Collected {
                events: Spill::new()?,
                names: Names::default(),
                hours: BTreeSet::new(),
                range: None,
                count: 0,
            },
            failed: None,
        })
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
        let all = &mut self.collected;
        let happened_ms = event.time().unwrap_or_default();
        let exported = Exported {
            id,
            person: person.map_or(0, |person| self.key.person(&person)),
            event_type: all.names.number_type(event_type),
            today: all.names.number_decision(&today),
            happened_ms,
        };
        let hour = happened_ms.div_euclid(HOUR_MS);
        let (first, last) = all.range.unwrap_or((hour, hour));
        all.range = Some((first.min(hour), last.max(hour)));
        all.hours.insert(key.hour());
        all.count += 1;
        self.failed = all.events.push(key, &exported.encode()).err();
        self.failed.is_none()
    }

    /// Ends the collection.
    pub fn finish(self) -> Result<Collected, AuditError> {
        match self.failed {
            Some(error) => Err(error.into()),
            None => Ok(self.collected),
        }
    }
}

/// The key of an event under the key of the ledger.
pub(super) fn key_of(key: &HashKey, exported: &Exported) -> Key {
    key.event(exported.id)
}
