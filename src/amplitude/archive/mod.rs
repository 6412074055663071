//! Reads export archives and files of events: a zip of `*.json.gz`, `.json.gz`, `.json`, NDJSON,
//! `.ndjson.zst`.
//!
//! The first bytes of a file decide its kind, not its name. Events are found in it as in a frame: one
//! per line, over several lines, in an array, or in an HTTP V2 envelope. Everything is read as a
//! stream: memory holds one element at a time, whose size is bounded.

mod bounds;
mod error;
mod input;
mod lines;
mod member;
mod members;
mod options;
mod piece;
mod position;
#[cfg(test)]
mod tests;
mod torn;
mod unpack;
mod window;

pub use error::ArchiveError;
pub use options::{MAX_EVENT_BYTES, Options};
pub use piece::{Piece, Take};
pub use position::Position;
pub use unpack::each;
