//! What the rows of an event say together.

use super::row::{Outcome, Row};

/// What the rows of one event say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The decision and the outcome, with the time of the first receipt. An accepting decision
    /// replaces any other, as the same event may come again; the last outcome counts, but nothing
    /// follows a delivery.
    pub row: Row,
    /// How often it was received: rows with a decision.
    pub receipts: u32,
}

impl Entry {
    /// Begins with the first row.
    pub fn new(row: Row) -> Self {
        Self {
            row,
            receipts: u32::from(row.decision != 0),
        }
    }

    /// Adds a later row of the same event. `accepts` says whether the decision with a number accepts.
    pub fn add(&mut self, next: Row, accepts: impl Fn(u16) -> bool) {
        let row = &mut self.row;
        self.receipts += u32::from(next.decision != 0);
        if next.person != 0 && row.person == 0 {
            row.person = next.person;
        }
        row.received_after = row.received_after.min(next.received_after);
        // The row of an outcome is of an accepted event.
        let was_accepted = row.decision == 0 || accepts(row.decision);
        if next.decision != 0 && (row.decision == 0 || !was_accepted) {
            row.decision = next.decision;
        }
        if next.outcome != Outcome::NotSent && is_later(row.outcome, next.outcome) {
            row.outcome = next.outcome;
            row.took = next.took;
        }
    }
}

/// Whether an outcome replaces an earlier one.
fn is_later(was: Outcome, next: Outcome) -> bool {
    match was {
        Outcome::Delivered => false,
        // A repeated receipt of an event whose outcome is known, or a dry run of one.
        Outcome::Waiting | Outcome::Refused | Outcome::Expired | Outcome::Damaged => {
            !matches!(next, Outcome::Waiting | Outcome::DryRun)
        }
        Outcome::NotSent | Outcome::DryRun => true,
    }
}
