//! The histories of received, accepted, delivered and rejected events as charts on one scale.

use std::ops::Range;

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::protocol::series::{Extent, Line as SeriesLine, Series};
use crate::protocol::{Rates, Snapshot};
use crate::tui::throughput::layout::LINES;
use crate::tui::widget::sparkline::chart;
use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;

/// The lines, from top to bottom.
const ORDER: [SeriesLine; LINES] = [
    SeriesLine::Received,
    SeriesLine::Accepted,
    SeriesLine::Delivered,
    SeriesLine::Rejected,
];

/// The points that are marked in all charts.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// The point under the time cursor.
    pub(super) cursor: Option<usize>,
    /// The points of the chosen range, and of the one that is kept to be compared.
    pub(super) ranges: [Option<Range<usize>>; 2],
}

/// The histories of all lines over a time span.
pub(super) struct Histories {
    lines: [Vec<f64>; LINES],
    /// The highest rate of all lines: the full height of each chart, so that they can be compared.
    pub(super) top: f64,
}

impl Histories {
    /// The histories with `points` points.
    pub(super) fn of(series: &Series, extent: Extent, points: usize) -> Self {
        let lines = ORDER.map(|line| series.history(line, extent, points));
        let top = lines.iter().flatten().copied().fold(1.0, f64::max);
        Self { lines, top }
    }

    /// The rates at a point.
    pub(super) fn at(&self, point: usize) -> [f64; LINES] {
        let rate = |line: &Vec<f64>| line.get(point).copied().unwrap_or_default();
        self.lines.each_ref().map(rate)
    }

    /// The charts below each other, each with its name, its present rate and its highest rate.
    pub(super) fn lines(
        &self,
        shown: &Snapshot,
        rows: usize,
        marks: &Marks,
        theme: &Theme,
    ) -> Vec<Line<'static>> {
        let labels = labels(&shown.rates, theme);
        let mut all = Vec::with_capacity(LINES * rows);
        for ((name, rate, style), values) in labels.into_iter().zip(&self.lines) {
            let highest = values.iter().copied().fold(0.0, f64::max);
            let drawn = chart(values, self.top, rows, theme.ascii);
            for (row, signs) in drawn.iter().enumerate() {
                let mut spans = match row {
                    0 => vec![
                        Span::styled(format!(" {name:<10}"), theme.dim),
                        Span::styled(text::fit_right(&text::rate(rate), 8), theme.text),
                        Span::raw("  "),
                    ],
                    1 => {
                        let label = format!(" highest {}", text::rate(highest));
                        vec![Span::styled(text::fit(&label, 21), theme.dim)]
                    }
                    _ => vec![Span::raw(" ".repeat(21))],
                };
                let is_lowest = row + 1 == drawn.len();
                spans.extend(marked(signs, style, marks, is_lowest));
                all.push(Line::from(spans));
            }
        }
        all
    }
}

/// The name, the present rate and the style of each line.
fn labels(rates: &Rates, theme: &Theme) -> [(&'static str, f64, Style); LINES] {
    [
        ("received", rates.received, theme.accent),
        ("accepted", rates.accepted, theme.text),
        ("delivered", rates.delivered, theme.good),
        ("rejected", rates.rejected, theme.bad),
    ]
}

/// A row of a chart, one character per point. The one under the cursor is reversed. In the lowest row the
/// range is underlined.
fn marked(signs: &str, style: Style, marks: &Marks, is_lowest: bool) -> Vec<Span<'static>> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    for (point, sign) in signs.chars().enumerate() {
        let is_in_range = |range: &Range<usize>| is_lowest && range.contains(&point);
        let style = if marks.cursor == Some(point) {
            style.add_modifier(Modifier::REVERSED)
        } else if marks.ranges.iter().flatten().any(is_in_range) {
            style.add_modifier(Modifier::UNDERLINED)
        } else {
            style
        };
        match spans.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push(sign),
            _ => spans.push(Span::styled(sign.to_string(), style)),
        }
    }
    spans
}
