//! The results of commands: what a change made, and why one was not made.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::filter::Filters;

use super::author::ChangeRecord;

/// A command that was carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// A message for whoever gave the command; it may be empty.
    pub message: String,
    /// The version of the filters in force after it.
    pub filters_version: u64,
}

/// Filters with their version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VersionedFilters {
    /// The version, from 1: each change of the filters makes a new one.
    pub version: u64,
    /// The filters.
    pub filters: Arc<Filters>,
}

/// The filters are no longer those that a change was made from: nothing was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FiltersConflict {
    /// The version of the filters in force.
    #[serde(rename = "filters_version")]
    pub version: u64,
    /// The filters in force.
    pub filters: Arc<Filters>,
    /// The changes since the version that the change was made from, the newest last; older ones may
    /// be forgotten.
    pub changes: Vec<ChangeRecord>,
}

impl fmt::Display for FiltersConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the filters were changed meanwhile")?;
        if let Some(last) = self.changes.last() {
            let (name, from) = (&last.author.name, &last.author.from);
            write!(f, " by {name} ({from}): {}", last.what)?;
        }
        write!(
            f,
            "; they are version {} now, and nothing is changed",
            self.version
        )
    }
}
