//! Positions in archives.

use std::fmt;
use std::sync::Arc;

use crate::text::visible;

/// A position in an archive: `export.zip:3_2026-11-24.json.gz:5`. It is displayed with visible
/// characters only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The file, and the member of a zip.
    pub(super) source: Arc<Source>,
    /// The line, from 1; 0 for the whole file or member.
    pub(super) line: u64,
}

/// A file, or a member of a zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) file: String,
    pub(super) member: Option<String>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = self.member.iter().flat_map(|member| [":", member]);
        for part in std::iter::once(self.file.as_str()).chain(member) {
            for c in part.chars() {
                fmt::Write::write_char(f, visible(c))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source)?;
        match self.line {
            0 => Ok(()),
            line => write!(f, ":{line}"),
        }
    }
}
