//! The latencies of the last minutes as a histogram.

use ratatui::text::Line;

use crate::protocol::LatencyBands;
use crate::text::counted;
use crate::tui::stages::view::percent;
use crate::tui::widget::sparkline::chart;
use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;

/// The upper bounds of the bands.
const NAMES: [&str; 12] = [
    "10 ms", "20 ms", "50 ms", "100 ms", "200 ms", "500 ms", "1 s", "2 s", "5 s", "10 s", "1 min",
    "longer",
];

/// Minimum and maximum columns of a band.
const COLUMNS: (usize, usize) = (8, 14);
/// Rows beside the bars: the heading, the shares, the bounds.
const ROWS_BESIDE_BARS: usize = 3;
/// Maximum rows of the bars.
const HIGHEST: usize = 6;

/// A band: the name of its upper bound, and its count.
type Band = (&'static str, u64);

/// The bands from the first to the last with a latency. Two become one where there are too many for
/// `most`.
fn bands(counts: LatencyBands, most: usize) -> Vec<Band> {
    let all: Vec<Band> = NAMES.into_iter().zip(counts).collect();
    let is_filled = |(_, count): &Band| *count > 0;
    let (Some(first), Some(last)) = (
        all.iter().position(is_filled),
        all.iter().rposition(is_filled),
    ) else {
        return Vec::new();
    };
    let shown = &all[first..=last];
    if shown.len() <= most {
        return shown.to_vec();
    }
    let (from, to) = (first / 2 * 2, (last + 1).div_ceil(2) * 2);
    let pair = |two: &[Band]| (two[1].0, two[0].1 + two[1].1);
    all[from..to].chunks_exact(2).map(pair).collect()
}

/// The histogram in `room` columns and at most `rows` rows. Nothing without room or latencies.
pub(super) fn lines(
    counts: LatencyBands,
    (room, rows): (usize, usize),
    theme: &Theme,
) -> Vec<Line<'static>> {
    let (least, most) = COLUMNS;
    let bands = bands(counts, room / least);
    let columns = room / bands.len().max(1);
    if bands.is_empty() || columns < least || rows <= ROWS_BESIDE_BARS {
        return Vec::new();
    }
    let columns = columns.min(most);
    let all: u64 = counts.iter().sum();
    let largest = bands.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let heights: Vec<f64> = bands
        .iter()
        .flat_map(|(_, count)| {
            // A space separates the bars.
            let bar = std::iter::repeat_n(*count as f64, columns - 1);
            bar.chain([0.0])
        })
        .collect();
    let bars = (rows - ROWS_BESIDE_BARS).min(HIGHEST);
    let events = counted(all, "event");
    let heading = format!(" Latency of the last 10 min, {events}; each band up to");
    let mut lines = vec![Line::styled(text::fit(&heading, room), theme.dim)];
    let drawn = chart(&heights, largest as f64, bars, theme.ascii);
    lines.extend(
        drawn
            .into_iter()
            .map(|row| Line::styled(format!(" {row}"), theme.good)),
    );
    let row = |of: &dyn Fn(&Band) -> String| {
        let cells = bands.iter().map(|band| text::fit(&of(band), columns));
        format!(" {}", cells.collect::<String>())
    };
    let share = |(_, count): &Band| match count {
        0 => "0".to_owned(),
        count => percent(*count as f64 / all as f64),
    };
    lines.push(Line::styled(row(&share), theme.text));
    lines.push(Line::styled(
        row(&|(name, _)| (*name).to_owned()),
        theme.dim,
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(counts: LatencyBands, room: (usize, usize)) -> Vec<String> {
        let lines = lines(counts, room, &Theme::plain(true));
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_band_has_a_bar_its_share_and_its_bound() {
        let mut counts = LatencyBands::default();
        (counts[2], counts[3], counts[5]) = (1, 8, 4_000);
        let lines = drawn(counts, (32, 5));
        assert_eq!(
            lines,
            [
                " Latency of the last 10 min, 4,…",
                "                         ####### ",
                " ....... .......         ####### ",
                " <0.1 %  0.2 %   0       99.8 %  ",
                " 50 ms   100 ms  200 ms  500 ms  ",
            ]
        );
    }

    #[test]
    fn bands_are_joined_where_the_pane_is_narrow_and_none_is_left_out() {
        let counts = [1; 12];
        assert_eq!(bands(counts, 12).len(), 12);
        let pairs = bands(counts, 8);
        assert_eq!(pairs.len(), 6);
        assert_eq!(pairs.iter().map(|(_, count)| count).sum::<u64>(), 12);
        assert_eq!(pairs[0].0, "20 ms");
        // The heading is useless without bars.
        assert!(drawn(counts, (100, 3)).is_empty());
        assert!(drawn(counts, (30, 9)).is_empty());
        assert!(drawn(LatencyBands::default(), (100, 9)).is_empty());
    }
}
