//! The versions of a client and of a forwarder, which may be of different releases.

use serde::{Deserialize, Serialize};

use super::about::PROTOCOL;

/// The version of what an attached screen is sent. Its form may change more often than the API.
pub const SCREEN_FORMAT: u32 = 1;

/// The path at which every version of a forwarder tells its versions.
pub(super) const PATH: &str = "/version";

/// What a program speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The version of the API.
    pub protocol: u32,
    /// The version of what an attached screen is sent.
    #[serde(default = "first_format")]
    pub screen: u32,
    /// The version of the program.
    pub version: String,
}

fn first_format() -> u32 {
    1
}

/// A forwarder of another version than this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct VersionMismatch(String);

impl Versions {
    /// The versions of this program.
    pub fn this() -> Self {
        Self {
            protocol: PROTOCOL,
            screen: SCREEN_FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Whether the forwarder or relay at `place`, which has these versions, can be asked by this program.
    pub fn check_api(&self, place: &str) -> Result<(), VersionMismatch> {
        self.check(place, "of the control API", |versions| versions.protocol)
    }

    /// Whether a screen of this program can be attached to it too.
    pub fn check_screen(&self, place: &str) -> Result<(), VersionMismatch> {
        self.check_api(place)?;
        let of = "of what attached screens are sent";
        self.check(place, of, |versions| versions.screen)
    }

    fn check(
        &self,
        place: &str,
        of: &'static str,
        number: fn(&Self) -> u32,
    ) -> Result<(), VersionMismatch> {
        let this = Self::this();
        let (theirs, ours) = (number(self), number(&this));
        if theirs == ours {
            return Ok(());
        }
        Err(VersionMismatch(format!(
            "the forwarder at {place} is sluicegate {}, which speaks version {theirs} {of}; this is sluicegate {}, which speaks version {ours}; {}",
            self.version,
            this.version,
            if theirs > ours {
                "this one is older: update sluicegate here"
            } else {
                "the forwarder is older: update it there and start it again"
            }
        )))
    }
}

/// Why this forwarder has no such path, and what to update if the path is of another version.
pub(super) fn unknown_path(path: &str) -> String {
    let this = env!("CARGO_PKG_VERSION");
    let speaks =
        format!("this is sluicegate {this}, which speaks version {PROTOCOL} of the control API");
    let first = path.trim_start_matches('/').split('/').next();
    let asked = first.and_then(|first| first.strip_prefix('v'));
    match asked.and_then(|number| number.parse::<u32>().ok()) {
        Some(asked) if asked < PROTOCOL => {
            format!("there is no {path}: {speaks}; the client is older: update it")
        }
        Some(asked) if asked > PROTOCOL => {
            format!(
                "there is no {path}: {speaks}; the forwarder is older: update it and start it again"
            )
        }
        _ => format!("there is no {path}: {speaks}; its paths begin with /v{PROTOCOL}/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_needs_the_same_format_and_a_request_does_not() {
        let mut theirs = Versions::this();
        assert!(theirs.check_screen("here").is_ok());
        theirs.screen += 1;
        theirs.version = "9.0.0".to_owned();
        assert!(theirs.check_api("here").is_ok());
        let why = theirs.check_screen("here").unwrap_err().to_string();
        assert!(
            why.contains(
                "sluicegate 9.0.0, which speaks version 2 of what attached screens are sent"
            ) && why.contains("update sluicegate here"),
            "{why}"
        );
        // A forwarder from before there were formats has the first one.
        let old = r#"{"protocol":1,"version":"0.1.0"}"#;
        let old: Versions = serde_json::from_str(old).unwrap();
        assert!(old.check_screen("here").is_ok());
    }
}
