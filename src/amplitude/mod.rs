//! Amplitude's side: what an event is, in both of its dialects, when it happened,
//! and how it is stored in export archives.
//!
//! Everything here reads; nothing here decides. An [`Event`] keeps the bytes it
//! came in, and every other stage borrows from them.

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
