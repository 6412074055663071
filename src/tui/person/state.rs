//! The person whose events are open.

use crate::tui::events::find::Find;
use crate::tui::person::query::{Identity, Summary};

/// A person whose events are looked at.
#[derive(Debug)]
pub struct OpenedPerson {
    /// Who.
    pub identity: Identity,
    /// What became of the events; none while they are looked through.
    pub summary: Option<Summary>,
    /// What was looked for before.
    pub find_before: Option<Find>,
}
