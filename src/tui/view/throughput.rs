//! Throughput: what is received, accepted, delivered and rejected a second, and its course.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::limits::{grouped, span};
use crate::telemetry::series::{Line as Course, WINDOWS};
use crate::tui::state::{Pane, State};
use crate::tui::theme::Theme;
use crate::tui::widget::sparkline::sparkline;
use crate::tui::widget::{pane, text};

use super::watches;

/// The rows of one window.
const ROWS: usize = 4;

pub(super) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let title = part_of(state, state.window);
    let inside = pane::frame(
        frame,
        area,
        "Throughput",
        &title,
        state.focus == Pane::Throughput,
        theme,
    );
    let width = usize::from(inside.width);
    let mut lines = window(state, state.window, width, theme);
    let room = usize::from(inside.height).saturating_sub(ROWS);
    if room > state.watches.len() {
        lines.push(in_all(state, width, theme));
    }
    let watched = state.watches.iter().enumerate().take(room);
    lines.extend(
        watched.map(|(index, watch)| watches::row(watch, state.seen.get(index), width, theme)),
    );
    // With room to spare, the other windows stand below.
    let needed = (ROWS + 2) * WINDOWS.len() + state.watches.len();
    if usize::from(inside.height) > needed {
        for other in (0..WINDOWS.len()).filter(|w| *w != state.window) {
            lines.push(Line::default());
            lines.push(Line::styled(
                format!(" {}", part_of(state, other)),
                theme.accent,
            ));
            lines.extend(window(state, other, width, theme));
        }
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

/// What was counted since the start.
fn in_all(state: &State, width: usize, theme: &Theme) -> Line<'static> {
    let t = &state.shown().totals;
    let [received, accepted] = [t.received, t.accepted].map(grouped);
    let says = format!("in all    {received} received, {accepted} accepted");
    Line::styled(
        format!(" {}", text::cut(&says, width.saturating_sub(2))),
        theme.dim,
    )
}

/// The window's name; until it has passed, what has: `45 s of 10 m`.
fn part_of(state: &State, window: usize) -> String {
    let (name, step_ms) = WINDOWS[window];
    let passed = state.shown().series.passed_ms(window);
    if passed >= step_ms * 599 {
        name.to_owned()
    } else {
        format!("{} of {name}", span(passed))
    }
}

fn window(state: &State, window: usize, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let shown = state.shown();
    let rates = &shown.rates;
    let rows: [(_, _, _, _); ROWS] = [
        ("received", rates.received, Course::Received, theme.accent),
        ("accepted", rates.accepted, Course::Accepted, theme.text),
        ("delivered", rates.delivered, Course::Delivered, theme.good),
        ("rejected", rates.rejected, Course::Rejected, theme.bad),
    ];
    let points = width.saturating_sub(22);
    // One scale for all, so that the lines can be compared; what is rejected has its own, or a
    // trickle would not be seen.
    let all = shown.series.course(Course::Received, window, points);
    let top = all.iter().copied().fold(1.0, f64::max);
    rows.into_iter()
        .map(|(name, rate, course, style)| {
            let values = shown.series.course(course, window, points);
            let least_top = if course == Course::Rejected { 1.0 } else { top };
            Line::from(vec![
                Span::styled(format!(" {name:<10}"), theme.dim),
                Span::styled(text::fit_right(&text::rate(rate), 8), theme.text),
                Span::raw("  "),
                Span::styled(sparkline(&values, least_top, theme.ascii), style),
            ])
        })
        .collect()
}
