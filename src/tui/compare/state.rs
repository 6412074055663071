//! The state of the comparison.

use crate::amplitude::time::UnixMs;
use crate::tui::compare::table::Table;
use crate::tui::range::time_range::TimeRange;

/// An open comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Compare {
    /// The two that are compared.
    pub pair: Pair,
    /// Their differences. None while the events are loaded or counted.
    pub table: Option<Table>,
    /// When the differences were taken.
    pub as_of_ms: UnixMs,
    /// Rows that the table is scrolled down.
    pub scroll: usize,
}

/// The two that are compared, the earlier one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    /// Two events, by their sequence numbers.
    Events([u64; 2]),
    /// Two ranges of time.
    Ranges([TimeRange; 2]),
}

impl Compare {
    /// A comparison whose table is still to come.
    pub fn new(pair: Pair) -> Self {
        Self {
            pair,
            table: None,
            as_of_ms: 0,
            scroll: 0,
        }
    }

    /// The ranges that are compared.
    pub fn ranges(&self) -> Option<[TimeRange; 2]> {
        match self.pair {
            Pair::Ranges(ranges) => Some(ranges),
            Pair::Events(_) => None,
        }
    }
}
