//! The settings: what they are, where their values come from, and what is wrong with them.
//!
//! [`load()`] merges defaults, file, environment and flags, and keeps the origin of each value.
//! [`Loaded::problems`] validates the result for a command. [`save`] writes filters back into the
//! file without changing the rest of it.

pub mod addresses;
mod control;
mod conversion;
mod customerio;
mod delivery;
mod error;
mod folders;
mod key_file;
mod kind;
mod layers;
mod ledger;
mod load;
mod loaded;
mod origin;
mod paths;
mod relay;
mod reload_report;
pub mod save;
mod screen;
mod secrets;
mod settings;
mod spool;
mod stray;
#[cfg(test)]
mod tests;
mod validation;
mod verify;

pub use crate::feed::Settings as Feed;
pub use control::Control;
pub use customerio::CustomerIo;
pub use delivery::Delivery;
pub use error::ConfigError;
pub use folders::{as_file_name, default_path, exists, state_folder};
pub use ledger::Ledger;
pub use load::{Flag, load};
pub use loaded::Loaded;
pub use origin::Origin;
pub use paths::{flatten, variable};
pub use relay::Relay;
pub use reload_report::ReloadReport;
pub use screen::{Screen, Theme};
pub use settings::{DEFAULT_FILE, Settings};
pub use spool::SpoolSettings;
pub use validation::Needs;
pub use verify::Verify;
