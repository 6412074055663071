//! The filters and the mode that all members of a group share.

use super::connection::Connection;
use super::error::{GroupError, InGroup as _};
use super::lease::LeaseError;
use super::names::FILTERS;
use super::records::SharedFilters;

/// The filters of a group, with their revision in the bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterChange {
    /// The revision, which every change makes higher.
    pub revision: u64,
    /// The filters.
    pub shared: SharedFilters,
}

/// The filters that a member applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Their revision.
    pub revision: u64,
    /// Their version, without changes of the mode.
    pub version: u64,
    /// Why not the newest ones, if it doesn't apply these.
    pub error: Option<String>,
}

impl Connection {
    /// The filters of the group; none if nobody has set them.
    pub async fn filters(&self) -> Result<Option<FilterChange>, GroupError> {
        let entry = self.bucket.entry(FILTERS).await;
        let Some(entry) = entry.in_group("read the group's filters")? else {
            return Ok(None);
        };
        let shared = serde_json::from_slice(&entry.value);
        Ok(Some(FilterChange {
            revision: entry.revision,
            shared: shared.in_group("read the group's filters")?,
        }))
    }

    /// Replaces the filters of the group if they still have the revision `base`, which is 0 for the
    /// first ones. Returns the new revision.
    pub async fn set_filters(&self, base: u64, new: &SharedFilters) -> Result<u64, GroupError> {
        let written = self.put(FILTERS, new, base).await;
        written.map_err(|error| match error {
            LeaseError::Group(error) => error,
            LeaseError::Taken | LeaseError::RanOut => GroupError::Conflict,
        })
    }
}
