//! A server's messages on disk: for clients that were away longer than the ring remembers, and so
//! that every acknowledged message survives a restart.
//!
//! One thread writes ([`Log`]). It commits everything that is waiting at once, and the commit is
//! durable before it is reported. Messages are ordered by id, which is the order of publication.
//!
//! A damaged file is replaced by a new one with every sound row, at opening and in operation
//! ([`Log::repair`]). Each row has a checksum, and a manifest beside the file records how many
//! messages it must contain, so that no loss stays unnoticed ([`Damage`]).

mod damage;
mod error;
mod manifest;
mod opening;
mod position;
mod reader;
mod retention;
mod rows;
mod salvage;
mod store;

pub use damage::Damage;
pub use error::LogError;
pub use position::Position;
pub use reader::LogReader;
pub use retention::Retention;
pub use store::Log;

#[cfg(test)]
mod tests;
