//! The losses from damage to a log, as numbers and as text.

use std::path::Path;

use serde::Serialize;

use crate::text::grouped;

/// The losses from damage to a log since the server started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Number of lost messages, as far as they could be counted.
    pub lost: u64,
    /// Whether more may be lost than could be counted.
    pub is_uncertain: bool,
    /// Number of lost client positions.
    pub positions: u64,
    /// The last damage as text: its cause, what was saved, and where the damaged file is.
    #[serde(rename = "told")]
    pub description: Option<String>,
}

/// The result of one salvage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Salvaged {
    pub(super) messages: u64,
    /// Number of lost messages; none if the number before the damage is unknown.
    pub(super) lost: Option<u64>,
    pub(super) positions_lost: u64,
}

impl Damage {
    /// Whether messages or client positions were lost.
    pub fn is_loss(&self) -> bool {
        self.lost > 0 || self.is_uncertain || self.positions > 0
    }

    /// The loss in a few words; none without a loss.
    pub fn summary(&self) -> Option<String> {
        match (self.lost, self.is_uncertain, self.positions) {
            (0, false, 0) => None,
            (0, true, _) => Some("messages lost".to_owned()),
            (lost, true, _) => Some(format!("more than {} messages lost", grouped(lost))),
            (1, false, _) => Some("1 message lost".to_owned()),
            (lost @ 1.., false, _) => Some(format!("{} messages lost", grouped(lost))),
            (0, false, _) => Some("positions of clients lost".to_owned()),
        }
    }

    pub(super) fn add(&mut self, salvaged: Salvaged, why: &str, damaged_file: &Path) {
        self.lost += salvaged.lost.unwrap_or(0);
        self.is_uncertain |= salvaged.lost.is_none();
        self.positions += salvaged.positions_lost;
        let saved = count(salvaged.messages, "message");
        let lost = match salvaged.lost {
            None => "an unknown number is lost".to_owned(),
            Some(0) => "none is lost".to_owned(),
            Some(1) => "1 is lost".to_owned(),
            Some(lost) => format!("{} are lost", grouped(lost)),
        };
        let positions = match salvaged.positions_lost {
            0 => String::new(),
            1 => ", and the position of 1 client is lost".to_owned(),
            lost => format!(", and the positions of {} clients are lost", grouped(lost)),
        };
        self.description = Some(format!(
            "the log of messages was damaged ({why}): {saved} saved, {lost}{positions}; \
             the damaged file is kept as {}",
            damaged_file.display()
        ));
    }
}

fn count(count: u64, name: &str) -> String {
    match count {
        1 => format!("1 {name} was"),
        _ => format!("{} {name}s were", grouped(count)),
    }
}
