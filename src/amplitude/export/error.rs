//! Errors of downloads.

use std::io;
use std::path::PathBuf;

use crate::network::ProxyError;

/// The reason why an hour can't be downloaded.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The keys are wrong.
    #[error(
        "Amplitude refuses the keys ({status}): use the project's API key and secret key, of the same region"
    )]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// Amplitude answered with another error.
    #[error("Amplitude answers {status} for {hour}: {message}{}", advice(*status))]
    Answered {
        /// The hour.
        hour: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer.
        message: String,
    },
    /// The connection failed, or broke.
    #[error("the download of {hour} broke off: {why}; start it again to continue there")]
    Broke {
        /// The hour.
        hour: String,
        /// The reason.
        why: String,
    },
    /// The downloaded file is not a zip.
    #[error("the download of {hour} is not a zip: {source}")]
    NoZip {
        /// The hour.
        hour: String,
        /// The reason.
        source: zip::result::ZipError,
    },
    /// The file can't be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The HTTP client can't be made.
    #[error("cannot connect to Amplitude: {0}")]
    Client(#[source] reqwest::Error),
    /// The proxy can't be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

impl ExportError {
    /// Whether a retry may succeed.
    pub(super) fn is_temporary(&self) -> bool {
        match self {
            Self::Answered { status, .. } => *status == 429 || *status >= 500,
            Self::Broke { .. } | Self::NoZip { .. } => true,
            _ => false,
        }
    }
}

/// The advice for an error status, to be appended to a sentence.
fn advice(status: u16) -> &'static str {
    match status {
        400 => {
            "; if the hour exceeds the 4 GB of one request, use Amplitude's export to Amazon S3, as an hour can't be divided"
        }
        408 | 504 => {
            "; it timed out: start it again later to continue there, or use Amplitude's export to Amazon S3"
        }
        429 => "; it allows only a few exports at a time: start it again later to continue there",
        _ => "",
    }
}
