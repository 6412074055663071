//! The audit: of the events that Amplitude has, which reached Customer.io, which did not, and why?
//!
//! [`Collector`] computes the id of each event of an export as the pipeline does, and what today's
//! filters decide. [`compare`](compare::compare) looks each of them up in the ledger.
//!
//! Neither side has to fit in memory: both are divided into [`PARTS`](spill::PARTS) temporary files by
//! the hash of the id, and one part after the other is sorted and compared.

mod causes;
mod collect;
mod compare;
mod error;
mod report;
mod spill;
mod text;

pub use collect::{Collected, Collector};
pub use compare::{Against, compare};
pub use error::AuditError;
pub use report::{Counts, Gap, GapKind, Percentiles, Report};
