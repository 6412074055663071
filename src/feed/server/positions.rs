//! Where each reader goes on when it comes back: the message that it acknowledged last.
//!
//! Names come from outside, so what is known of them is bounded: a reader that was not heard of for
//! a month is forgotten, and where there are too many, those not heard of for the longest time. One
//! that is forgotten goes on with what comes next, as a new one does, unless it names a message.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use crate::amplitude::time::UnixMs;
use crate::feed::log::Position;

/// The most readers whose positions are kept.
pub(super) const MOST: usize = 1_000;
/// Positions that are forgotten together where there are more: one line in the log, not one each.
const AT_ONCE: usize = 50;
/// A position is kept so long after its reader was last heard of.
pub(super) const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// The positions of all readers, by name.
#[derive(Debug, Default)]
pub(super) struct Positions(HashMap<String, Position>);

/// Positions that were forgotten.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Forgotten {
    /// Their readers were not heard of for too long.
    pub(super) old: Vec<String>,
    /// There were too many.
    pub(super) surplus: Vec<String>,
}

impl Positions {
    /// Those of an earlier run.
    pub(super) fn of(known: HashMap<String, Position>) -> Self {
        Self(known)
    }

    /// The message behind which a reader goes on.
    pub(super) fn get(&self, name: &str) -> Option<Uuid> {
        self.0.get(name).map(|position| position.id)
    }

    /// A reader has acknowledged a message; whether that is news.
    pub(super) fn put(&mut self, name: &str, position: Position) -> bool {
        match self.0.get_mut(name) {
            Some(known) => std::mem::replace(known, position).id != position.id,
            None => {
                self.0.insert(name.to_owned(), position);
                true
            }
        }
    }

    /// Whether there are more than are kept.
    pub(super) fn are_too_many(&self) -> bool {
        self.0.len() > MOST
    }

    /// A reader came or went; its position, where it has one.
    pub(super) fn hear_of(&mut self, name: &str, now_ms: UnixMs) -> Option<Position> {
        let known = self.0.get_mut(name)?;
        known.heard_ms = now_ms;
        Some(*known)
    }

    /// Forgets what is too old, or too much; readers that are here come last.
    pub(super) fn prune(&mut self, now_ms: UnixMs, is_here: impl Fn(&str) -> bool) -> Forgotten {
        let since = now_ms.saturating_sub_unsigned(KEPT.as_millis() as u64);
        let mut forgotten = Forgotten::default();
        self.0.retain(|name, position| {
            let kept = position.heard_ms >= since || is_here(name);
            if !kept {
                forgotten.old.push(name.clone());
            }
            kept
        });
        if self.are_too_many() {
            let mut by_age: Vec<_> = self
                .0
                .iter()
                .map(|(name, position)| (is_here(name), position.heard_ms, name.clone()))
                .collect();
            by_age.sort_unstable();
            let surplus = by_age.len() - MOST + AT_ONCE;
            let names = by_age.into_iter().take(surplus).map(|(_, _, name)| name);
            forgotten.surplus.extend(names);
            for name in &forgotten.surplus {
                self.0.remove(name);
            }
        }
        forgotten
    }
}

impl Forgotten {
    /// All of them.
    pub(super) fn names(self) -> Vec<String> {
        let mut names = self.old;
        names.extend(self.surplus);
        names
    }

    /// Says so in the log.
    pub(super) fn tell(&self) {
        match self.old.len() {
            0 => {}
            1 => tracing::info!(
                "the position of a reader was forgotten: it was not heard of for 30 days"
            ),
            count => tracing::info!(
                "the positions of {count} readers were forgotten: they were not heard of for 30 days"
            ),
        }
        if !self.surplus.is_empty() {
            let count = self.surplus.len();
            tracing::warn!(
                "more than {MOST} readers have acknowledged messages: the positions of the {count} not heard of for the longest time were forgotten; give each reader one X-Client-Name, and the same each time"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(heard_ms: UnixMs) -> Position {
        Position {
            id: Uuid::from_u128(heard_ms.unsigned_abs().into()),
            heard_ms,
        }
    }

    #[test]
    fn who_was_not_heard_of_for_a_month_is_forgotten_unless_it_is_here() {
        let month = KEPT.as_millis() as UnixMs;
        let mut positions = Positions::default();
        assert!(positions.put("gone", at(1)));
        assert!(positions.put("here", at(1)));
        assert!(positions.put("back", at(1)));
        assert!(!positions.put("back", at(1)), "that is no news");
        assert_eq!(
            positions.hear_of("back", 9),
            Some(Position {
                heard_ms: 9,
                ..at(1)
            })
        );
        assert_eq!(positions.hear_of("nobody", 9), None);
        let here = |name: &str| name == "here";
        assert_eq!(positions.prune(month + 1, here), Forgotten::default());
        let forgotten = positions.prune(month + 2, here);
        assert_eq!(forgotten.names(), ["gone"]);
        assert_eq!(positions.get("gone"), None);
        assert!(positions.get("here").is_some() && positions.get("back").is_some());
    }

    #[test]
    fn of_too_many_those_not_heard_of_for_the_longest_time_are_forgotten() {
        let mut positions = Positions::default();
        for n in 0..=MOST as UnixMs {
            positions.put(&format!("r-{n:04}"), at(n));
        }
        let forgotten = positions.prune(MOST as UnixMs, |name| name == "r-0000");
        assert_eq!(positions.0.len(), MOST + 1 - forgotten.surplus.len());
        assert!(positions.0.len() <= MOST);
        assert!(positions.get("r-0000").is_some(), "it is here");
        assert_eq!(positions.get("r-0001"), None);
        assert!(positions.get("r-1000").is_some());
        assert!(forgotten.old.is_empty());
    }
}
