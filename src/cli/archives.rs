//! Flags of the commands that read archives.

use clap::Args;

use super::values::event_bytes;
use crate::amplitude::archive::MAX_EVENT_BYTES;

/// Flags for reading archives and files of events.
#[derive(Debug, Args)]
pub struct ArchiveFlags {
    /// Skip and report events in files that are larger than this, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = MAX_EVENT_BYTES, value_parser = event_bytes)]
    pub max_event_bytes: usize,
}
