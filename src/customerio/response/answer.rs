//! Answers to requests, as delivery acts on them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::error_body::Refusal;
use super::foreign::{ForeignReply, ForeignSender};

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200: all items are accepted.
    Accepted,
    /// 207: all items are accepted except these, by their index in the batch.
    Partly(BTreeMap<usize, Refusal>),
    /// 400 or 422: the request as a whole is refused.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The errors that Customer.io names.
        refusal: Refusal,
    },
    /// 401 or 403: the credentials are refused.
    Unauthorized {
        /// The HTTP status.
        status: u16,
        /// The message of Customer.io.
        message: String,
    },
    /// 413: the request is too large.
    TooLarge,
    /// 429: too many requests.
    Throttled {
        /// The delay that the answer demands, if any.
        after: Option<Duration>,
    },
    /// 408 or 5xx, or a 207 that can't be matched with the items: retry.
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// The message of the server.
        message: String,
        /// The delay that the answer demands, if any.
        after: Option<Duration>,
    },
    /// No answer came: no connection, a timeout, or a broken connection.
    NoAnswer {
        /// The reason.
        message: String,
    },
    /// A server other than Customer.io answered: the items may or may not have arrived.
    Foreign(ForeignReply),
    /// The task that sent the request panicked: a bug in this program.
    Panicked {
        /// The reason.
        message: String,
    },
}

impl Answer {
    /// A short label for counts and traces: `200`, `503`, `no answer`.
    pub fn label(&self) -> String {
        match self {
            Self::Accepted => "200".to_owned(),
            Self::Partly(_) => "207".to_owned(),
            Self::Unavailable { status: 207, .. } => "unreadable 207".to_owned(),
            Self::Refused { status, .. }
            | Self::Unauthorized { status, .. }
            | Self::Unavailable { status, .. } => status.to_string(),
            Self::TooLarge => "413".to_owned(),
            Self::Throttled { .. } => "429".to_owned(),
            Self::NoAnswer { .. } => "no answer".to_owned(),
            Self::Foreign(ForeignReply { sender, .. }) => match sender {
                ForeignSender::Server => "another server".to_owned(),
                ForeignSender::Proxy => "a proxy".to_owned(),
            },
            Self::Panicked { .. } => "a fault".to_owned(),
        }
    }

    /// The message of the answer; empty if it has none.
    pub fn message(&self) -> String {
        match self {
            Self::Refused { refusal, .. } => refusal.message.clone(),
            Self::Unauthorized { message, .. }
            | Self::Unavailable { message, .. }
            | Self::NoAnswer { message }
            | Self::Panicked { message } => message.clone(),
            Self::Foreign(foreign) => foreign.to_string(),
            Self::Throttled { .. } => "too many requests".to_owned(),
            Self::TooLarge => "the request is too large".to_owned(),
            Self::Partly(refusals) => match refusals.len() {
                1 => "1 item is refused".to_owned(),
                count => format!("{count} items are refused"),
            },
            Self::Accepted => String::new(),
        }
    }
}
