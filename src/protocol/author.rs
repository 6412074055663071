//! Who changes something, and what was changed.

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;

/// Maximum length of an author's name, in characters.
const MAX_NAME: usize = 64;

/// Who makes a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The name: of a token, or of the user on this machine.
    pub name: String,
    /// Where the change comes from: the address of a client, or the part of this process.
    pub from: String,
}

impl Author {
    /// The screen of the process itself, as the part that a change comes from.
    pub const SCREEN: &str = "the screen";

    /// An author of this name, which may come from outside and is cut to a reasonable length.
    pub fn new(name: &str, from: impl Into<String>) -> Self {
        let name: String = name.chars().filter(|c| !c.is_control()).collect();
        let name = name.trim().chars().take(MAX_NAME).collect::<String>();
        Self {
            name: if name.is_empty() {
                "unknown".to_owned()
            } else {
                name
            },
            from: from.into(),
        }
    }

    /// The user who runs this process, by part of it: `"the screen"`.
    pub fn here(part: &str) -> Self {
        let name = ["USER", "LOGNAME", "USERNAME"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
        Self::new(name.as_deref().unwrap_or_default(), part)
    }
}

/// A change that somebody made to a running pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRecord {
    /// When it was made.
    pub at_ms: UnixMs,
    /// Who made it.
    pub author: Author,
    /// The version of the filters after it.
    pub filters_version: u64,
    /// What it was, in words.
    pub what: String,
}

impl ChangeRecord {
    /// Whether it was a change of the filters.
    pub fn is_of_filters(&self) -> bool {
        self.what.starts_with("filters")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_outside_is_short_and_has_no_control_characters() {
        assert_eq!(Author::new(" ann\x1b[31m ", "a").name, "ann[31m");
        assert_eq!(Author::new(&"x".repeat(999), "a").name.len(), MAX_NAME);
        assert_eq!(Author::new("\n", "a").name, "unknown");
    }
}
