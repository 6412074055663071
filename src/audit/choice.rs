//! The events of an export that are chosen for delivery.

use clap::ValueEnum;
use ulid::Ulid;

/// Events that can be delivered after an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Deliver {
    /// Events that were never received.
    Missing,
    /// Events that are dead letters.
    Dead,
    /// Events that were filtered out, and that today's filters accept.
    FilteredNowAccepted,
}

impl Deliver {
    /// All kinds.
    const ALL: [Self; 3] = [Self::Missing, Self::Dead, Self::FilteredNowAccepted];

    /// Its name in a list of counts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Dead => "dead letters",
            Self::FilteredNowAccepted => "filtered out then, accepted by today's filters",
        }
    }
}

/// The chosen events: 17 bytes for each.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// The wanted kinds.
    wanted: Vec<Deliver>,
    /// Their dedupe ids; sorted once all are known.
    ids: Vec<Ulid>,
    /// Whether the event at the same index of `ids` was taken.
    taken: Vec<bool>,
    /// Number of events of each kind.
    counts: [u64; 3],
    /// Events that today's filters accept.
    accepted: u64,
    /// Dead letters that are left out, as today's filters do not accept them.
    left_out: u64,
}

impl Chosen {
    /// Begins to choose events of these kinds.
    pub(super) fn new(wanted: &[Deliver]) -> Self {
        Self {
            wanted: wanted.to_vec(),
            ..Self::default()
        }
    }

    /// Chooses an event, if its kind is wanted.
    pub(super) fn add(&mut self, kind: Deliver, id: Ulid, is_accepted_today: bool) {
        if !self.wanted.contains(&kind) {
            return;
        }
        // A missing event gets its decision in the ledger, also where it is to be filtered out. A dead
        // letter has one that stays.
        if kind == Deliver::Dead && !is_accepted_today {
            self.left_out += 1;
            return;
        }
        self.ids.push(id);
        self.counts[kind as usize] += 1;
        self.accepted += u64::from(is_accepted_today);
    }

    /// Ends choosing.
    pub(super) fn sorted(mut self) -> Self {
        self.ids.sort_unstable();
        self.taken = vec![false; self.ids.len()];
        self
    }

    /// Takes an event. Returns false if it is not chosen, or was taken before.
    pub(super) fn take(&mut self, id: Ulid) -> bool {
        let Ok(index) = self.ids.binary_search(&id) else {
            return false;
        };
        !std::mem::replace(&mut self.taken[index], true)
    }

    /// Number of events.
    pub fn len(&self) -> u64 {
        self.ids.len() as u64
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Number of events of each wanted kind.
    pub fn counts(&self) -> impl Iterator<Item = (Deliver, u64)> {
        let all = Deliver::ALL.into_iter();
        let wanted = all.filter(|kind| self.wanted.contains(kind));
        wanted.map(|kind| (kind, self.counts[kind as usize]))
    }

    /// Number of events that today's filters accept. The others are filtered out, and the ledger then
    /// says so.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Number of dead letters that are left out, as today's filters do not accept them.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}
