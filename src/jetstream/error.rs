//! Why a group can't be used.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::timeout;

/// An error of a group.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// The server can't be reached, or refuses the client.
    #[error("cannot connect to {server}: {why}")]
    Connect {
        /// The server, without secrets.
        server: String,
        /// The reason.
        why: String,
    },
    /// A file of `[nats]` can't be read.
    #[error("cannot read {path} ({setting}): {source}")]
    File {
        /// The setting that names it.
        setting: &'static str,
        /// Its path.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// There is no such group.
    #[error("there is no group at {0}: create it with `sluicegate nats init {0}`")]
    NoGroup(String),
    /// The group was made by another version of this program.
    #[error(
        "the group has layout {found}, and this version knows {known}: use the same version of sluicegate everywhere"
    )]
    Layout {
        /// Its layout.
        found: u32,
        /// The layout of this version.
        known: u32,
    },
    /// The number of partitions of a group can't be changed.
    #[error(
        "the group has {found} partitions, and events of a person must stay in one: \
         to have {wanted}, create a group with another prefix"
    )]
    Partitions {
        /// Its partitions.
        found: u16,
        /// The partitions that were asked for.
        wanted: u16,
    },
    /// Somebody else changed the same thing.
    #[error("it was changed by another member meanwhile")]
    Conflict,
    /// The server takes no messages of this size.
    #[error(
        "an event has {bytes} bytes, and the NATS server takes at most {max_bytes} (max_payload)"
    )]
    TooLarge {
        /// The event's size.
        bytes: usize,
        /// The server's limit.
        max_bytes: usize,
    },
    /// A request failed.
    #[error("NATS: cannot {what}: {why}")]
    Request {
        /// What was asked for, as a verb phrase.
        what: &'static str,
        /// The reason.
        why: String,
    },
}

impl GroupError {
    /// A request to do `what` that failed.
    pub(super) fn failed(what: &'static str, why: impl Display) -> Self {
        Self::Request {
            what,
            why: why.to_string(),
        }
    }
}

/// The result of a request to do `what`, which must be there within `patience`.
pub(super) async fn in_time<T, E: From<GroupError>>(
    patience: Duration,
    what: &'static str,
    request: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match timeout(patience, request).await {
        Ok(result) => result,
        Err(_) => Err(GroupError::failed(what, "no answer").into()),
    }
}

/// Adds what was asked for to an error of the NATS client.
pub(super) trait InGroup<T> {
    /// The result, with the error of a request to do `what`.
    fn in_group(self, what: &'static str) -> Result<T, GroupError>;
}

impl<T, E: Display> InGroup<T> for Result<T, E> {
    fn in_group(self, what: &'static str) -> Result<T, GroupError> {
        self.map_err(|error| GroupError::failed(what, error))
    }
}
