//! The spool: items that are accepted and not yet settled, on disk.
//!
//! # Promises
//!
//! - Once [`Spool::commit`] returns, its changes are on disk, through a kill and a power cut: the
//!   appended items, the settled ones, the attempts of those that failed, dead letters, and the
//!   feed's last message, all in one step or none. Where a commit fails nothing is written, and
//!   the next one tries again.
//! - Items come back in the order in which they were appended, unchanged and with their attempts.
//!   An item is settled once. The settled items of a chunk are written with a commit that asks
//!   for it, or when the whole chunk is settled. A crash before that brings those items back, and
//!   their ids make sending them again harmless.
//! - Bytes that the disk returns changed are found by their checksum. Such an item becomes a dead
//!   letter. A chunk whose index is damaged is counted as lost. Of a file that SQLite can't read,
//!   sound items are copied into a new file.
//!
//! # The store
//!
//! SQLite, of the three that `cargo run --release --manifest-path benches/stores/Batch.toml`
//! measures: chunks of 500 items of 2 kB, each in a durable commit of its own, on 2 cores. While
//! delivery keeps up a chunk is removed 20 commits later; in an outage 500 MB pile up, and are
//! read back and removed.
//!
//! | | items/s | CPU s a million | commit p50, p99 | peak memory | on disk |
//! |---|---|---|---|---|---|
//! | SQLite 3.54, keeping up | 235,000 | 2.8 | 1.5, 6.3 ms | 14 MB | 31 MB |
//! | SQLite 3.54, outage | 139,000 | 5.1 | 1.1, 8.0 ms | 16 MB | 549 MB |
//! | fjall 3.1, keeping up | 360,000 | 2.5 | 1.1, 5.3 ms | 172 MB | 641 MB |
//! | fjall 3.1, outage | 252,000 | 4.4 | 1.1, 12.2 ms | 179 MB | 573 MB |
//! | redb 4.6, keeping up | 468,000 | 1.6 | 0.9, 2.5 ms | 16 MB | 35 MB |
//! | redb 4.6, outage | 329,000 | 1.8 | 1.0, 2.0 ms | 17 MB | 1,109 MB |
//!
//! That is with all contents in the database. Here a chunk of 256 kB or more has a file of its own,
//! and the database only its row: SQLite would write the contents twice, and read their pages again
//! to free them. A small chunk stays in the database, whose commit is the only wait for the disk.
//!
//! All are several times as fast as a feed of 20,000 events a second needs. SQLite is the one
//! that most people trust with their data, takes the least room, can be inspected with a tool
//! that is on every machine, and lets other processes read and mark dead letters while this one
//! forwards, which the other two lock out.
//!
//! The spool runs on a thread of its own, which commits by age and size; [`writer`] is the handle
//! to it. A reserve is kept on the disk, so that a full one can be worked off.

mod chunk_files;
mod chunk_header;
mod chunk_table;
mod commit;
mod commit_marker;
mod contents;
mod damage;
mod dead_letter;
mod dead_letter_line;
mod dead_letter_table;
pub mod dead_letters;
mod entry;
mod error;
mod fault;
mod lock;
mod metadata;
mod opening;
mod progress;
mod reading;
mod repair;
mod request;
mod requeue;
mod reserve;
mod retry_table;
mod salvage;
mod schema;
#[expect(clippy::module_inception, reason = "it defines the spool itself")]
mod spool;
mod spool_dir;
mod status;
mod status_publisher;
mod store;
mod stream_items;
mod upkeep;
pub mod writer;
mod writer_thread;

pub use commit::Committed;
pub use damage::Damage;
pub use error::SpoolError;
pub use lock::{FolderLock, owner};
pub use reading::Loaded;
pub use spool::Spool;
pub use status::SpoolStatus;
