//! Hours, the unit of a download.

use std::str::FromStr;

use crate::amplitude::time::{self, UnixMs};

const HOUR_MS: i64 = 3_600_000;
/// Hours until the export of an hour is complete: Export API, considerations.
const LATE_HOURS: i64 = 2;

/// An hour, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hour(i64);

impl Hour {
    /// The hour of this time.
    pub fn of(ms: UnixMs) -> Self {
        Self(ms.div_euclid(HOUR_MS))
    }

    /// Its number, from the first hour of 1970.
    pub fn number(self) -> i64 {
        self.0
    }

    /// The last hour whose export is complete at `now_ms`.
    pub fn last_complete(now_ms: UnixMs) -> Self {
        Self(Self::of(now_ms).0 - LATE_HOURS - 1)
    }

    /// The form of the API: `20261125T09`.
    pub fn name(self) -> String {
        let digits = time::to_digits(self.0 * HOUR_MS, 10);
        format!("{}T{}", &digits[..8], &digits[8..])
    }

    /// The hours from this one to `last`, both included.
    pub fn upto(self, last: Self) -> impl ExactSizeIterator<Item = Self> + Clone {
        let count = (last.0 - self.0 + 1).max(0) as usize;
        (0..count).map(move |n| Self(self.0 + n as i64))
    }
}

impl FromStr for Hour {
    type Err = String;

    /// Parses `2026-11-25T09`, `2026-11-25 09:00`, `20261125T09`, or a day: its first hour.
    fn from_str(text: &str) -> Result<Self, String> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let is_plain = text
            .chars()
            .all(|c| c.is_ascii_digit() || "-T: ".contains(c));
        let hour = match digits.len() {
            8 => "00",
            10 | 12 | 14 => &digits[8..10],
            _ => "",
        };
        let error = || format!("{text:?} is not an hour; write 2026-11-25T09, or 2026-11-25");
        if !is_plain || hour.is_empty() {
            return Err(error());
        }
        let (year, month, day) = (&digits[..4], &digits[4..6], &digits[6..8]);
        let stamp = format!("\"{year}-{month}-{day} {hour}:00:00\"");
        time::parse(&stamp).map(Self::of).map_err(|_| error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_complete_two_hours_after_its_end() {
        let at = |text: &str| time::parse(&format!("\"2026-11-25 {text}\"")).unwrap();
        let last = |text: &str| Hour::last_complete(at(text)).name();
        assert_eq!(last("12:00:00"), "20261125T09");
        assert_eq!(last("11:59:59"), "20261125T08");
    }

    #[test]
    fn hours_are_parsed_in_many_forms_and_written_in_one() {
        for (text, name) in [
            ("2026-11-25T09", "20261125T09"),
            ("20261125T09", "20261125T09"),
            ("2026-11-25 09:00", "20261125T09"),
            ("2026-11-25T09:30:00", "20261125T09"),
            ("2026-11-25", "20261125T00"),
        ] {
            assert_eq!(text.parse::<Hour>().unwrap().name(), name, "{text}");
        }
        for wrong in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-11-25T25",
            "2026-11",
            "1.5",
        ] {
            assert!(wrong.parse::<Hour>().is_err(), "{wrong}");
        }
        let hour = |text: &str| text.parse::<Hour>().unwrap();
        let names: Vec<String> = hour("2026-12-31T22")
            .upto(hour("2027-01-01T01"))
            .map(Hour::name)
            .collect();
        assert_eq!(
            names,
            ["20261231T22", "20261231T23", "20270101T00", "20270101T01"]
        );
        assert_eq!(hour("2027-01-01").upto(hour("2026-01-01")).len(), 0);
    }
}
