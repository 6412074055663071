//! Why the App API gave no answer to a question, in words.

use std::time::Duration;

use crate::network::ProxyError;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppError {
    /// There is no key.
    #[error(
        "Customer.io can't be asked without an App API key: set verify.app_api_key or verify.app_api_key_file (Customer.io: Settings, Account settings, API credentials, App API keys)"
    )]
    NoKey,
    /// The key is refused.
    #[error(
        "Customer.io refuses the key in verify.app_api_key ({status}): it takes an App API key of this workspace, not the Track API's key"
    )]
    WrongKey {
        /// The HTTP status.
        status: u16,
    },
    /// Too many requests.
    #[error("Customer.io allows no more requests now (429): ask again in {}", seconds(*.after))]
    RateLimited {
        /// The pause.
        after: Duration,
    },
    /// The person can't be asked about.
    #[error("{0}")]
    NotAskable(String),
    /// Customer.io refuses the question.
    #[error("Customer.io refuses the question ({status}): {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its message.
        message: String,
    },
    /// Nothing came.
    #[error("Customer.io's App API can't be reached: {0}")]
    Unreachable(String),
    /// The answer isn't Customer.io's, or it has trouble.
    #[error("no usable answer from Customer.io's App API: {0}")]
    Strange(String),
}

/// Why a client can't be created.
#[derive(Debug, thiserror::Error)]
pub enum AppClientError {
    /// The key contains a character that is invalid in a header.
    #[error("verify.app_api_key contains a character that no HTTP header can contain")]
    Key,
    /// TLS can't be set up.
    #[error("cannot create the client of the App API: {0}")]
    Http(#[from] reqwest::Error),
    /// The proxy can't be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

fn seconds(time: Duration) -> String {
    crate::text::duration(time.as_millis() as i64)
}
