//! The audit: of the events that Amplitude has, which reached Customer.io, which did not, and why?
//!
//! [`Collector`] computes the id of each event of an export as the pipeline does, and what today's
//! filters decide. [`compare`](compare::compare) looks each of them up in the ledger.
//!
//! Neither side has to fit in memory: both are divided into [`PARTS`](spill::PARTS) temporary files by
//! the hash of the id, and one part after the other is sorted and compared. An audit of 10 million events
//! from files takes 24 s and 60 MB on two cores, with a ledger of 90 MB (`cargo bench --bench audit`).
//!
//! An audit keeps ids only. To deliver what did not arrive, the files are read once more, and a
//! [`Selector`] writes the chosen events to one file, in the order of their times.

mod causes;
mod choice;
mod collect;
mod compare;
mod error;
mod files;
mod hours;
mod page;
mod report;
mod select;
mod sorter;
mod spill;
mod text;

pub use choice::{Chosen, Deliver};
pub use collect::{Collected, Collector};
pub use compare::{Against, Audited, compare};
pub use error::AuditError;
pub use files::{EventFiles, Progress};
pub use hours::{Example, HourDetail};
pub use report::{Counts, Gap, GapKind, Percentiles, Report};
pub use select::Selector;
