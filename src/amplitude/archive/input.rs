//! A file, or a part of one, that is being read.

use std::io;
use std::sync::Arc;

use super::bounds::{MAX_LAYERS, MAX_RATIO, OverSize, UNPACKED_BYTES};
use super::error::ArchiveError;
use super::options::Options;
use super::position::{Position, Source};

/// A file, a member of a zip, or a layer of one, with its options and bounds.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) source: Arc<Source>,
    pub(super) options: Options,
    /// The packed size in bytes, if known.
    pub(super) packed_bytes: Option<u64>,
    /// Maximum unpacked size in bytes.
    pub(super) max_bytes: u64,
    /// Layers of packing that may follow.
    pub(super) layers: usize,
    /// Whether the name is that of a file of events.
    pub(super) is_export: bool,
}

impl Input {
    pub(super) fn new(source: Arc<Source>, packed_bytes: Option<u64>, options: Options) -> Self {
        let by_ratio = packed_bytes.map(|bytes| bytes.saturating_mul(MAX_RATIO));
        let max_bytes = by_ratio.map_or(u64::MAX, |bytes| bytes.max(UNPACKED_BYTES));
        Self {
            source,
            options,
            packed_bytes,
            max_bytes,
            layers: MAX_LAYERS,
            is_export: true,
        }
    }

    pub(super) fn position(&self, line: u64) -> Position {
        Position {
            source: self.source.clone(),
            line,
        }
    }

    pub(super) fn cannot_read(&self, line: u64, source: io::Error) -> ArchiveError {
        let place = self.position(line);
        let error = source.get_ref();
        if error
            .and_then(|error| error.downcast_ref::<OverSize>())
            .is_some()
        {
            let max_bytes = self.max_bytes;
            return ArchiveError::TooLarge { place, max_bytes };
        }
        ArchiveError::Read { place, source }
    }
}
