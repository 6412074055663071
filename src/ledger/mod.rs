//! The ledger: a compact record of every decision and every outcome, kept for weeks.
//!
//! It answers, long after the ring of recent events has forgotten an event: was it received, what
//! was decided, was it delivered, and when? The audit compares it with Amplitude's export.
//!
//! # Content
//!
//! Each event has a [`Row`] with its decision, and one more when its outcome is known. A row has 48
//! bits of a keyed hash of the dedupe id, the second in that id, 16 bits of a keyed hash of the
//! person, and numbers for the event type, the decision and the outcome. The key is in a file of the
//! folder, for its owner only. Nothing of a person is in the clear. [`Note`]s tell when the feed was
//! down, delivery halted, and which version ran.
//!
//! No hash of the content is kept, so an audit can't tell that the content of an event differs. A hash
//! does not compress: even two bytes of one would take an event over the 10 bytes that it may have on
//! disk. And the same event has other fields in each dialect, so that their hashes would differ for
//! almost all events that are as they should be.
//!
//! The id and its second are the same in every dialect, so an event from the feed and the same event
//! in an export meet under one [`Key`].
//!
//! # Files
//!
//! A file is a list of frames with checksums; nothing in it is ever changed. New rows are appended
//! to a `journal`, in the order in which they come. It is closed after an hour or 131,072 rows, and
//! packed into a `ledger` file: sorted by the event's second, one row for each event, in columns.
//! Oldest files are removed first, by age and by size, and a note tells it.
//!
//! Formats, as `cargo bench --bench ledger` measures them with 500,000 events of 31 types in an hour, of
//! which 60 % are sent (a row each for the decision and the outcome) and 5 % come up to a day late:
//!
//! | format | bytes an event |
//! |---|---|
//! | rows of fixed size: the journal | 38.4 |
//! | rows of fixed size, zstd | 16.2 |
//! | sorted rows of fixed size, zstd | 15.6 |
//! | sorted columns, each packed by itself: the `ledger` files | 9.80 |
//!
//! Packing takes 0.23 µs an event. The hash of the id makes up most of a packed event: nothing but fewer
//! bits of it would be smaller. `tests::an_event_takes_at_most_ten_bytes` keeps it so.
//!
//! # Promise
//!
//! The ledger never holds up the pipeline. Its thread takes rows from a bounded channel; if that is
//! full, or the disk can't be written, rows are left out. The operator is told once, the rows are
//! counted, and once the ledger goes on the operator and a [`Note`] are told how many they were
//! (`tests/disk.rs`, on a disk that is full).
//!
//! Rows are written within 0.1 seconds and synced within a second. A killed process loses at most
//! the rows of its last 0.1 seconds (`tests/ledger.rs` kills one), a power cut those of the last second.
//! Events that were in the spool then get their row when they are settled. The next start cuts a torn
//! end off, and notes it.
//!
//! At 20,000 events a second it costs less CPU time than one run differs from the next: 11.8 and 13.3 s a
//! million events with it, 12.0 and 12.0 without (`cargo bench --bench end_to_end -- --rate 20000`, and the
//! same with `SLUICEGATE_LEDGER_ENABLED=false`).
//!
//! The ledger needs 5 MB of memory at most while a journal is packed, which holds its rows once, and up
//! to 3 MB while rows wait for a slow disk.

mod block;
mod dictionary;
mod entry;
mod error;
mod files;
mod frame;
mod journal;
mod key;
mod last_audit;
mod note;
mod pack;
mod reader;
mod recorder;
mod rice;
mod row;
mod took;
mod writer;

#[cfg(test)]
mod tests;

pub use dictionary::Dictionary;
pub use entry::Entry;
pub use error::LedgerError;
pub use files::{Stats, stats};
pub use key::{HashKey, Key};
pub use last_audit::LastAudit;
pub use note::{Note, Noted, Outage, OutageKind, common_outages, outages};
pub use pack::{Packed, encode as pack_rows};
pub use reader::{Reader, Selection};
pub use recorder::Recorder;
pub use row::{NewRow, Outcome, ROW_BYTES, Row};
pub use writer::{LedgerRun, LedgerSettings, LedgerWriter, start};
