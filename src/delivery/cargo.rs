//! What goes out together, with its bytes or as tickets to fetch them from the spool.

use crate::customerio::mapping::Route;

use super::{History, Place, Queued};

/// Items that go together.
#[derive(Debug, Clone, PartialEq)]
pub enum Cargo {
    /// With their bytes.
    Here(Vec<Queued>),
    /// Their bytes are in the spool only.
    Spooled(Vec<Ticket>),
}

/// An item whose bytes are in the spool only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// Where the spool has it.
    pub place: Place,
    /// Which person it is about, hashed.
    pub person: u64,
    /// Its size in bytes.
    pub bytes: usize,
    /// Whether it goes alone, by v1.
    pub alone: bool,
    /// Its attempts so far.
    pub history: History,
}

impl Ticket {
    /// For an item whose bytes are let go.
    pub fn of(queued: &Queued) -> Self {
        Self {
            place: queued.place,
            person: queued.person(),
            bytes: queued.bytes(),
            alone: queued.accepted.item.route != Route::Batch,
            history: queued.history,
        }
    }
}

impl Cargo {
    /// The same without its bytes.
    #[must_use]
    pub fn spooled(self) -> Self {
        match self {
            Self::Here(items) => Self::Spooled(items.iter().map(Ticket::of).collect()),
            Self::Spooled(tickets) => Self::Spooled(tickets),
        }
    }

    /// How many items it has.
    pub fn len(&self) -> usize {
        match self {
            Self::Here(items) => items.len(),
            Self::Spooled(tickets) => tickets.len(),
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that it holds in memory.
    pub fn here_bytes(&self) -> usize {
        match self {
            Self::Here(items) => items.iter().map(super::Queued::bytes).sum(),
            Self::Spooled(_) => 0,
        }
    }

    /// Each item's place and history, which may be changed.
    pub fn each(&mut self, mut change: impl FnMut(Place, &mut History)) {
        match self {
            Self::Here(items) => items
                .iter_mut()
                .for_each(|q| change(q.place, &mut q.history)),
            Self::Spooled(all) => all.iter_mut().for_each(|t| change(t.place, &mut t.history)),
        }
    }
}
