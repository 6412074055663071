//! The limits that an event can break.
//!
//! A new limit is one entry in `table.rs`: its code, name, default policy, description and source,
//! with a check in the file of its subject. The README and the default configuration are tested
//! against the table. Sizes are UTF-8 bytes of the request that would be sent, never characters.

mod attributes;
mod breach;
mod check;
mod event;
mod person;
mod policies;
mod policy;
mod shape;
mod subject;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod violation;
mod wording;

pub use check::{add_duplicate, check, check_alone, measure};
pub use policies::Policies;
pub use policy::{Policy, Scope};
pub use subject::Subject;
pub use table::{Code, LIMITS, Limit, Unit};
pub use time::CAMPAIGN_AGE_MS;
pub use violation::Violation;
