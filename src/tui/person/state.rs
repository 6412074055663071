//! The state of a person's events.

use crate::tui::events::find::Find;
use crate::tui::events::list::EventList;
use crate::tui::person::query::{Identity, Summary};

/// An open person.
#[derive(Debug)]
pub struct OpenedPerson {
    /// The identity of the person.
    pub identity: Identity,
    /// The summary of the events. None while it is computed.
    pub summary: Option<Summary>,
    /// The search to return to.
    pub find_before: Option<Find>,
    /// The list to return to.
    pub list_before: EventList,
}
