//! The gate: the compiled filters, and the mode.
//!
//! A [`Gate`] is immutable. A change replaces it as a whole between two events; the rules that stay
//! the same keep their counts.

use std::sync::Arc;

use crate::amplitude::Reading;

use super::compiled_filters::CompiledFilters;
use super::decision::BlockedBy;
use super::filters::Filters;
use super::mode::Mode;
use super::rule::RuleError;
use super::rule_counts::RuleTally;

/// The compiled filters, and the mode.
#[derive(Debug, Clone)]
pub struct Gate {
    mode: Mode,
    compiled: Arc<CompiledFilters>,
}

impl Gate {
    /// Compiles `filters`. Fails if one of the rules is invalid.
    pub fn new(mode: Mode, filters: Filters) -> Result<Self, RuleError> {
        Ok(Self {
            mode,
            compiled: Arc::new(CompiledFilters::compile(filters)?),
        })
    }

    /// Creates the same gate in another mode.
    #[must_use]
    pub(super) fn with_mode(&self, mode: Mode) -> Self {
        Self {
            mode,
            compiled: self.compiled.clone(),
        }
    }

    /// Creates a gate in the same mode with other filters; rules that both have keep their counts.
    #[must_use]
    pub(super) fn with_filters(&self, filters: CompiledFilters) -> Self {
        Self {
            mode: self.mode,
            compiled: Arc::new(filters.with_counts_of(&self.compiled)),
        }
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The filters.
    pub fn filters(&self) -> &Filters {
        self.compiled.filters()
    }

    /// The counts of the rules, in their order.
    pub fn tallies(&self) -> Vec<RuleTally> {
        self.compiled.tallies()
    }

    /// Returns the reason why an event is filtered out, if it is: its type, else the first rule,
    /// else a shut gate.
    pub fn blocked_by(
        &self,
        reading: &Reading<'_>,
        event_type: &str,
        send_users: bool,
    ) -> Option<BlockedBy> {
        self.compiled
            .blocked_by(reading, event_type, send_users)
            .or_else(|| (self.mode == Mode::Shut).then_some(BlockedBy::Shut))
    }
}

#[cfg(test)]
mod tests;
