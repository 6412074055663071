//! Downloads a project's past from Amplitude's Export API, an hour at a time.
//!
//! The API returns the hours from `start` to `end`, both included, as one zip, and refuses more than
//! 4 GB. Events of the last two hours may be missing (Export API, considerations). Requests of one
//! hour stay small, and a broken download continues with the hour at which it broke.

mod download;
mod error;
mod hour;

pub use download::{Download, HourResult, Project};
pub use error::ExportError;
pub use hour::Hour;
