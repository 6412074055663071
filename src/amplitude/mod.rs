//! Amplitude's formats: events in both dialects, frames, times and export archives.
//!
//! Code here only reads; it decides nothing. An [`Event`] keeps its bytes as received, and all other
//! stages borrow from them.

pub mod archive;
pub mod byte_order_mark;
pub mod dialect;
pub mod event;
pub mod export;
pub mod frame;
pub mod json;
pub mod malformed;
pub mod reading;
mod split;
pub mod surrogates;
pub mod time;

pub use event::{Event, Field};
pub use frame::decode;
pub use malformed::Malformed;
pub use reading::Reading;
