//! What a log must hold, noted beside it after each commit: so that messages which are missing
//! without an error are missed.

use std::path::Path;

use uuid::Uuid;

use crate::sqlite::note::Note;

const BYTES: usize = 48;

/// What a log must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Known {
    /// Messages below this id were removed.
    pub(super) floor: Uuid,
    /// The id of the newest message.
    pub(super) newest: Uuid,
    /// How many messages there are from the floor to the newest.
    pub(super) messages: u64,
    /// How many readers have a position.
    pub(super) positions: u64,
}

impl Known {
    /// Whether a message is one of those.
    pub(super) fn covers(&self, id: Uuid) -> bool {
        (self.floor..=self.newest).contains(&id)
    }
}

/// The note of it.
#[derive(Debug)]
pub(super) struct Noted(Note<BYTES>);

impl Noted {
    pub(super) fn open(folder: &Path) -> Self {
        Self(Note::open(&folder.join("messages.note")))
    }

    /// What was noted last; nothing where it is not whole.
    pub(super) fn read(&mut self) -> Option<Known> {
        let bytes = self.0.read()?;
        let id = |at: usize| Some(Uuid::from_bytes(bytes[at..at + 16].try_into().ok()?));
        let number = |at: usize| Some(u64::from_le_bytes(bytes[at..at + 8].try_into().ok()?));
        Some(Known {
            floor: id(0)?,
            newest: id(16)?,
            messages: number(32)?,
            positions: number(40)?,
        })
    }

    pub(super) fn write(&mut self, known: Known) {
        let mut bytes = [0; BYTES];
        bytes[..16].copy_from_slice(known.floor.as_bytes());
        bytes[16..32].copy_from_slice(known.newest.as_bytes());
        bytes[32..40].copy_from_slice(&known.messages.to_le_bytes());
        bytes[40..].copy_from_slice(&known.positions.to_le_bytes());
        self.0.write(&bytes);
    }
}
