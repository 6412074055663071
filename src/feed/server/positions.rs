//! The message that each client acknowledged last: it resumes after it.
//!
//! Clients choose their names, so the number of positions is limited: those of clients that were not
//! seen for a month are forgotten, and beyond the limit those that were not seen for the longest
//! time. A forgotten client starts with new messages, like a new one, unless it names a message.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use crate::amplitude::time::UnixMs;
use crate::feed::log::Position;

/// Maximum number of positions.
pub(super) const MAX_POSITIONS: usize = 1_000;
/// Number of positions that are forgotten at once beyond the limit: one log line instead of one each.
const FORGOTTEN_AT_ONCE: usize = 50;
/// Time for which the position of an absent client is kept.
pub(super) const RETENTION: Duration = Duration::from_secs(30 * 86_400);

/// The positions of all clients by name.
#[derive(Debug, Default)]
pub(super) struct Positions(HashMap<String, Position>);

/// Names of the clients whose positions were forgotten.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Forgotten {
    /// Not seen for too long.
    pub(super) old: Vec<String>,
    /// Beyond the limit.
    pub(super) surplus: Vec<String>,
}

impl Positions {
    /// Restores the positions of an earlier run.
    pub(super) fn restored(positions: HashMap<String, Position>) -> Self {
        Self(positions)
    }

    /// The last message that a client acknowledged.
    pub(super) fn get(&self, name: &str) -> Option<Uuid> {
        self.0.get(name).map(|position| position.id)
    }

    /// Sets a client's position. Returns whether the message is a new one.
    pub(super) fn put(&mut self, name: &str, position: Position) -> bool {
        match self.0.get_mut(name) {
            Some(known) => std::mem::replace(known, position).id != position.id,
            None => {
                self.0.insert(name.to_owned(), position);
                true
            }
        }
    }

    /// Whether the limit is exceeded.
    pub(super) fn are_too_many(&self) -> bool {
        self.0.len() > MAX_POSITIONS
    }

    /// Records that a client connected or disconnected. Returns its position, if it has one.
    pub(super) fn touch(&mut self, name: &str, now_ms: UnixMs) -> Option<Position> {
        let known = self.0.get_mut(name)?;
        known.last_seen_ms = now_ms;
        Some(*known)
    }

    /// Forgets positions that are too old or beyond the limit, connected clients last.
    pub(super) fn prune(
        &mut self,
        now_ms: UnixMs,
        is_connected: impl Fn(&str) -> bool,
    ) -> Forgotten {
        let since = now_ms.saturating_sub_unsigned(RETENTION.as_millis() as u64);
        let mut forgotten = Forgotten::default();
        self.0.retain(|name, position| {
            let kept = position.last_seen_ms >= since || is_connected(name);
            if !kept {
                forgotten.old.push(name.clone());
            }
            kept
        });
        if self.are_too_many() {
            let mut by_age: Vec<_> = self
                .0
                .iter()
                .map(|(name, position)| (is_connected(name), position.last_seen_ms, name.clone()))
                .collect();
            by_age.sort_unstable();
            let surplus = by_age.len() - MAX_POSITIONS + FORGOTTEN_AT_ONCE;
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
    /// All names.
    pub(super) fn names(self) -> Vec<String> {
        let mut names = self.old;
        names.extend(self.surplus);
        names
    }

    /// Writes a log line about them.
    pub(super) fn log(&self) {
        match self.old.len() {
            0 => {}
            1 => tracing::info!("forgot the position of 1 client, which was not seen for 30 days"),
            count => tracing::info!(
                "forgot the positions of {count} clients, which were not seen for 30 days"
            ),
        }
        if !self.surplus.is_empty() {
            let count = self.surplus.len();
            tracing::warn!(
                "more than {MAX_POSITIONS} clients have positions: forgot the {count} that were not seen for the longest time; give each client one fixed X-Client-Name"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(last_seen_ms: UnixMs) -> Position {
        Position {
            id: Uuid::from_u128(last_seen_ms.unsigned_abs().into()),
            last_seen_ms,
        }
    }

    #[test]
    fn who_was_not_heard_of_for_a_month_is_forgotten_unless_it_is_connected() {
        let month = RETENTION.as_millis() as UnixMs;
        let mut positions = Positions::default();
        assert!(positions.put("gone", at(1)));
        assert!(positions.put("here", at(1)));
        assert!(positions.put("back", at(1)));
        assert!(!positions.put("back", at(1)), "the same message again");
        assert_eq!(
            positions.touch("back", 9),
            Some(Position {
                last_seen_ms: 9,
                ..at(1)
            })
        );
        assert_eq!(positions.touch("nobody", 9), None);
        let connected = |name: &str| name == "here";
        assert_eq!(positions.prune(month + 1, connected), Forgotten::default());
        let forgotten = positions.prune(month + 2, connected);
        assert_eq!(forgotten.names(), ["gone"]);
        assert_eq!(positions.get("gone"), None);
        assert!(positions.get("here").is_some() && positions.get("back").is_some());
    }

    #[test]
    fn beyond_the_limit_the_clients_not_seen_for_the_longest_time_are_forgotten() {
        let mut positions = Positions::default();
        for n in 0..=MAX_POSITIONS as UnixMs {
            positions.put(&format!("r-{n:04}"), at(n));
        }
        let forgotten = positions.prune(MAX_POSITIONS as UnixMs, |name| name == "r-0000");
        assert_eq!(
            positions.0.len(),
            MAX_POSITIONS + 1 - forgotten.surplus.len()
        );
        assert!(positions.0.len() <= MAX_POSITIONS);
        assert!(positions.get("r-0000").is_some(), "it is connected");
        assert_eq!(positions.get("r-0001"), None);
        assert!(positions.get("r-1000").is_some());
        assert!(forgotten.old.is_empty());
    }
}
