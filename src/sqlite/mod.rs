//! Code shared by the SQLite files of the spool and of a relay's log: recognizing damage,
//! replacing a damaged file, and noting each commit beside it.

mod damage;
pub mod note;
pub mod replacement;

pub use damage::is_damage;
