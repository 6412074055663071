//! What was found wrong with a log, in figures and in words.
use crate::text::grouped;

use std::path::Path;

use serde::Serialize;

/// What the damage of a log cost since the server started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Messages that are lost, as far as they could be counted.
    pub lost: u64,
    /// Whether more may be lost than could be counted.
    pub is_uncertain: bool,
    /// Positions of readers that are lost.
    pub positions: u64,
    /// In words: what was damaged last, what was saved, where the rest is.
    pub told: Option<String>,
}

/// The result of one salvage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Salvaged {
    pub(super) messages: u64,
    /// Messages that are lost; nothing where nobody knows how many there were.
    pub(super) lost: Option<u64>,
    pub(super) positions_lost: u64,
}

impl Damage {
    /// Whether messages, or positions of readers, are lost.
    pub fn is_loss(&self) -> bool {
        self.lost > 0 || self.is_uncertain || self.positions > 0
    }

    /// What is lost, in a few words; nothing where nothing is.
    pub fn in_short(&self) -> Option<String> {
        match (self.lost, self.is_uncertain, self.positions) {
            (0, false, 0) => None,
            (0, true, _) => Some("messages lost".to_owned()),
            (lost, true, _) => Some(format!("more than {} messages lost", grouped(lost))),
            (1, false, _) => Some("1 message lost".to_owned()),
            (lost @ 1.., false, _) => Some(format!("{} messages lost", grouped(lost))),
            (0, false, _) => Some("positions of readers lost".to_owned()),
        }
    }

    pub(super) fn add(&mut self, salvaged: Salvaged, why: &str, aside: &Path) {
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
            1 => ", and the position of 1 reader is lost".to_owned(),
            lost => format!(", and the positions of {} readers are lost", grouped(lost)),
        };
        self.told = Some(format!(
            "the log of messages was damaged ({why}): {saved} saved, {lost}{positions}; \
             the damaged file is kept as {}",
            aside.display()
        ));
    }
}

fn count(count: u64, name: &str) -> String {
    match count {
        1 => format!("1 {name} was"),
        _ => format!("{} {name}s were", grouped(count)),
    }
}
