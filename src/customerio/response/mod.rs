//! The meaning of a reply for the items that were sent.
//!
//! Only Customer.io's own replies decide about an item. Any other reply leaves all items queued.

mod answer;
mod error_body;
mod foreign;
mod read;
mod retry_after;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use error_body::Refusal;
pub use foreign::{ForeignReply, ForeignSender};
pub use read::{RequestKind, read};
pub(crate) use retry_after::retry_after_delay;
