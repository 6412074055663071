//! The contents that a log must have, recorded beside it after each commit. Without it, messages
//! that vanish from the file without an error would not be noticed.

use std::path::Path;

use uuid::Uuid;

use crate::sqlite::note::Note;

/// Size of a manifest: two ids and two counts.
const BYTES: usize = 48;

/// The contents that a log must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Manifest {
    /// Messages below this id were removed.
    pub(super) floor: Uuid,
    /// The id of the newest message.
    pub(super) newest: Uuid,
    /// Number of messages from the floor to the newest.
    pub(super) messages: u64,
    /// Number of clients with a position.
    pub(super) positions: u64,
}

impl Manifest {
    /// Whether a message is one of those that it counts.
    pub(super) fn covers(&self, id: Uuid) -> bool {
        (self.floor..=self.newest).contains(&id)
    }
}

/// The file of the manifest.
#[derive(Debug)]
pub(super) struct ManifestFile(Note<BYTES>);

impl ManifestFile {
    pub(super) fn open(folder: &Path) -> Self {
        Self(Note::open(&folder.join("messages.note")))
    }

    /// Reads the manifest; none if the file is missing or damaged.
    pub(super) fn read(&mut self) -> Option<Manifest> {
        let bytes = self.0.read()?;
        let id = |at: usize| Some(Uuid::from_bytes(bytes[at..at + 16].try_into().ok()?));
        let number = |at: usize| Some(u64::from_le_bytes(bytes[at..at + 8].try_into().ok()?));
        Some(Manifest {
            floor: id(0)?,
            newest: id(16)?,
            messages: number(32)?,
            positions: number(40)?,
        })
    }

    pub(super) fn write(&mut self, manifest: Manifest) {
        let mut bytes = [0; BYTES];
        bytes[..16].copy_from_slice(manifest.floor.as_bytes());
        bytes[16..32].copy_from_slice(manifest.newest.as_bytes());
        bytes[32..40].copy_from_slice(&manifest.messages.to_le_bytes());
        bytes[40..].copy_from_slice(&manifest.positions.to_le_bytes());
        self.0.write(&bytes);
    }
}
