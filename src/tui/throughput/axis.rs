//! The time axis of the charts.

use crate::amplitude::time::{self, UnixMs};
use crate::tui::widget::text;

/// Columns from one time to the next.
const STEP: usize = 14;
/// Columns of a time with its mark: `╵12:04:31`.
const LABEL: usize = 9;

/// The times below `points` points of a history. Each has a mark below its point, and stands to the right
/// of it; that of the newest point stands to the left.
pub(super) fn axis(
    points: usize,
    time_of: impl Fn(usize) -> Option<UnixMs>,
    ascii: bool,
) -> String {
    let Some(last) = points.checked_sub(LABEL) else {
        return String::new();
    };
    let mark = if ascii { '|' } else { '╵' };
    let label = |point| time_of(point).map_or_else(String::new, time::to_clock_seconds);
    let mut out = String::new();
    for point in (0..points).step_by(STEP) {
        if point + LABEL >= last {
            break;
        }
        out.push(mark);
        out.push_str(&text::fit(&label(point), STEP - 1));
    }
    let used = out.chars().count();
    let out: String = out.chars().take(last).collect();
    let gap = " ".repeat(last.saturating_sub(used));
    format!("{out}{gap}{}{mark}", label(points - 1))
}

/// An incident on the time axis.
pub(super) struct Marker {
    /// Its point.
    pub(super) point: usize,
    /// Its letter.
    pub(super) letter: &'static str,
    /// Its description.
    pub(super) label: &'static str,
}

/// The letters of incidents below `points` points of a history, with as many of their descriptions as
/// have room beside them. The newest come first.
pub(super) fn labelled(points: usize, markers: &[Marker]) -> String {
    let mut signs = vec![' '; points];
    for marker in markers {
        if let Some(sign) = signs.get_mut(marker.point) {
            *sign = marker.letter.chars().next().unwrap_or(' ');
        }
    }
    for marker in markers.iter().rev().filter(|m| m.point < points) {
        let length = marker.label.chars().count();
        let is_free = |from: usize, to: usize| {
            to <= points && signs[from..to].iter().all(|sign| *sign == ' ')
        };
        // A space separates a description from its letter, and from the next sign.
        let right = marker.point + 1;
        let left = marker.point.checked_sub(length + 2);
        let start = if is_free(right, (right + length + 2).min(points)) && right + length < points {
            right + 1
        } else if let Some(left) = left.filter(|left| is_free(*left, marker.point)) {
            left + 1
        } else {
            continue;
        };
        let places = signs[start..start + length].iter_mut();
        for (place, sign) in places.zip(marker.label.chars()) {
            *place = sign;
        }
    }
    signs.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stand_at_their_marks_and_the_newest_point_has_one() {
        let time_of = |point: usize| Some(point as i64 * 1_000);
        for (points, expected) in [
            (34, "|00:00:00     |00:00:14  00:00:33|"),
            (33, "|00:00:00     |00:00:14 00:00:32|"),
            (32, "|00:00:00              00:00:31|"),
            (14, "     00:00:13|"),
            (9, "00:00:08|"),
            (8, ""),
            (0, ""),
        ] {
            assert_eq!(axis(points, time_of, true), expected);
        }
        assert!(axis(9, time_of, false).ends_with("08╵"));
    }

    #[test]
    fn incidents_have_their_descriptions_where_there_is_room() {
        let marker = |point, letter, label| Marker {
            point,
            letter,
            label,
        };
        for (markers, expected) in [
            (vec![], "                    "),
            (vec![marker(0, "f", "filters")], "f filters           "),
            (vec![marker(19, "g", "gate")], "              gate g"),
            (
                vec![marker(3, "x", "feed down"), marker(5, "o", "feed live")],
                "   x o feed live    ",
            ),
            (
                vec![marker(0, "x", "down"), marker(12, "o", "up")],
                "x down      o up    ",
            ),
            (vec![marker(99, "x", "down")], "                    "),
        ] {
            assert_eq!(labelled(20, &markers), expected);
        }
        assert_eq!(labelled(0, &[marker(0, "x", "down")]), "");
        assert_eq!(labelled(1, &[marker(0, "x", "down")]), "x");
    }
}
