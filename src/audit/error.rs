//! Errors of an audit.

use crate::filter::RuleError;
use crate::ledger::LedgerError;

/// An audit that can't be made.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The ledger can't be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A rule is invalid.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A temporary file can't be used.
    #[error("the audit can't use its temporary files: {0}")]
    Spill(#[from] std::io::Error),
}
