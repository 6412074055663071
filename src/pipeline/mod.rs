//! The pipeline: it wires the stages into tasks, and owns start, drain and shutdown.
//!
//! ```text
//! feed ──frames──▶ intake ──accepted──▶ spool ──items──▶ dispatch ──▶ Customer.io
//!                                         └──reports──▶ observer ◀──reports──┘
//! ```
//! Every arrow is bounded. While the spool is full or can't be written, frames wait, and then the
//! feed is not read: nothing is dropped on the way. While delivery can't go on, items wait in the
//! spool.

mod assessment;
mod change_log;
mod dead_letter_error;
mod dead_letters;
mod decoding;
mod failure;
mod group;
mod handle;
mod intake;
mod judge;
mod judge_rules;
mod ledger_feed;
mod observer;
mod recent_ids;
mod reconfigure;
mod running;
mod sources;
mod start;
mod status;
mod steering;
mod storage;
mod verification;

pub use dead_letter_error::DeadLetterError;
pub use handle::{CommandError, Handle};
pub use judge::Judge;
pub use judge_rules::JudgeRules;
pub use reconfigure::{ReconfigureError, Reconfigured};
pub use running::{Pipeline, ShutdownReport};
pub use start::StartError;
pub use status::Status;
pub use steering::SteerError;
pub use storage::{Storage, StreamStorage};
