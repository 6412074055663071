//! The subject of a question to Customer.io.

use crate::tui::person::query::Identity;

/// Whom or what Customer.io is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedAbout {
    /// An event, by its sequence number, and its person.
    Event(u64),
    /// A person.
    Person(Identity),
}
