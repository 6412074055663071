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
}
