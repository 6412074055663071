//! Errors of an audit.

use crate::amplitude::archive::ArchiveError;
use crate::filter::RuleError;
use crate::ledger::LedgerError;

/// An audit that can't be made.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The ledger can't be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No ledger is named.
    #[error("no ledger is named")]
    NoLedger,
    /// A rule is invalid.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A file of the export can't be read to its end.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The operator stopped it.
    #[error("the audit was stopped")]
    Stopped,
    /// A temporary file can't be used.
    #[error("the audit can't use its temporary files: {0}")]
    Spill(#[from] std::io::Error),
}
