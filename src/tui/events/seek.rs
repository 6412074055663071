//! Jumps to an event: the next violation, the next failure, or the event of a time.

use std::time::Duration;

use crate::amplitude::time::{self, UnixMs};
use crate::limits::Code;
use crate::protocol::{Content, Outcome, Record};
use crate::text::duration;

/// The target of a jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seek {
    /// The next event that violates a limit: this one, or any.
    Violation(Direction, Option<Code>),
    /// The next event that can't be delivered or waits for a retry, or the next malformed frame.
    Failure(Direction),
    /// The next event.
    Next(Direction),
    /// The last event received up to this time.
    Time(UnixMs),
}

/// The direction from the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To older events.
    Older,
    /// To newer events.
    Newer,
}

impl Seek {
    /// Whether a record is a target.
    pub fn is(self, record: &Record) -> bool {
        match self {
            Self::Violation(_, code) => {
                let mut violations = record.story.violations.iter();
                let is_it = violations.any(|v| code.is_none_or(|code| v.code == code));
                is_it && !record.story.is_filtered_out()
            }
            Self::Failure(_) => matches!(
                (&record.content, &record.story.outcome),
                (Content::Malformed { .. }, _)
                    | (_, Outcome::Undelivered { .. } | Outcome::Waiting { .. })
            ),
            Self::Next(_) => true,
            Self::Time(at) => record.received_ms <= at,
        }
    }

    /// The direction of the jump.
    pub fn direction(self) -> Direction {
        match self {
            Self::Violation(direction, _) | Self::Failure(direction) | Self::Next(direction) => {
                direction
            }
            Self::Time(_) => Direction::Older,
        }
    }

    /// The notice if there is no such event; `event` says among which: `event in the ring`.
    pub fn not_found(self, event: &str) -> String {
        let side = match self.direction() {
            Direction::Older => "older",
            Direction::Newer => "newer",
        };
        match self {
            Self::Violation(_, Some(code)) => {
                format!("no {side} {event} violates {code}, the limit of the alert")
            }
            Self::Violation(_, None) => format!("no {side} {event} violates a limit"),
            Self::Failure(_) => format!("no {side} {event} failed"),
            Self::Next(_) => format!("no {side} {event}"),
            Self::Time(at) => format!(
                "the ring holds no event from {} or before",
                time::to_clock_seconds(at)
            ),
        }
    }
}

/// Parses a time as an operator writes it: `14:02`, `14:02:31`, `2026-11-25 14:02:31` (UTC), or an
/// age before `now`: `5m`.
pub fn parse_time(text: &str, now: UnixMs) -> Option<UnixMs> {
    const DAY: i64 = 86_400_000;
    let text = text.trim().trim_start_matches('-').trim();
    if text.contains(':') {
        let today = time::to_export(now);
        let day = today.get(..10)?;
        let seconds = match text.matches(':').count() {
            1 => ":00",
            _ => "",
        };
        let whole = if text.contains('-') {
            format!("{text}{seconds}")
        } else {
            // 7:59 is 07:59.
            let hour = if text.find(':') == Some(1) { "0" } else { "" };
            format!("{day} {hour}{text}{seconds}")
        };
        let at = time::parse(&format!("{whole:?}")).ok()?;
        // A time of day in the future means yesterday.
        return Some(if at > now && !text.contains('-') {
            at - DAY
        } else {
            at
        });
    }
    let ago: Duration = humantime::parse_duration(text.trim_end_matches("ago").trim()).ok()?;
    now.checked_sub(i64::try_from(ago.as_millis()).ok()?)
}

/// A time and its age: `14:02:31, 3 min ago`.
pub fn ago(at: UnixMs, now: UnixMs) -> String {
    format!(
        "{}, {} ago",
        time::to_clock_seconds(at),
        duration((now - at).max(0))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_spoken_of() {
        // 2027-01-15 08:00:00.
        let now = 1_800_000_000_000;
        for (text, ago_s) in [
            ("07:59", Some(60)),
            ("7:59:30", Some(30)),
            ("08:00:00", Some(0)),
            ("23:00", Some(9 * 3_600)),
            ("2027-01-14 08:00:00", Some(86_400)),
            ("2027-01-14 08:00", Some(86_400)),
            ("5m", Some(300)),
            ("-90s", Some(90)),
            (" 1h 5min ago ", Some(3_900)),
            ("soon", None),
            ("25:00", None),
            ("", None),
            ("9999999999999y", None),
        ] {
            let expected = ago_s.map(|s: i64| now - s * 1_000);
            assert_eq!(parse_time(text, now), expected, "{text}");
        }
    }
}
