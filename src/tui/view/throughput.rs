//! Throughput: what is received, accepted, delivered and rejected a second, and its course.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::limits::span;
use crate::telemetry::series::{Line as Course, WINDOWS};
use crate::tui::state::{Pane, State};
use crate::tui::theme::Theme;
use crate::tui::widget::sparkline::sparkline;
use crate::tui::widget::{pane, text};

pub(super) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let (window, step_ms) = WINDOWS[state.window];
    let shown = state.shown();
    // Until the window has passed, its course is of what has.
    let passed = shown.series.passed_ms(state.window);
    let whole = passed >= step_ms * 599;
    let right = if whole {
        window.to_owned()
    } else {
        format!("{} of {window}", span(passed))
    };
    let inside = pane::frame(
        frame,
        area,
        "Throughput",
        &right,
        state.focus == Pane::Throughput,
        theme,
    );
    let rates = &shown.rates;
    let rows = [
        ("received", rates.received, Course::Received, theme.accent),
        ("accepted", rates.accepted, Course::Accepted, theme.text),
        ("delivered", rates.delivered, Course::Delivered, theme.good),
        ("rejected", rates.rejected, Course::Rejected, theme.bad),
    ];
    let points = usize::from(inside.width).saturating_sub(22);
    // One scale for all, so that the lines can be compared; what is rejected has its own, or a
    // trickle would not be seen.
    let all = shown.series.course(Course::Received, state.window, points);
    let top = all.iter().copied().fold(1.0, f64::max);
    let lines: Vec<Line<'_>> = rows
        .into_iter()
        .map(|(name, rate, course, style)| {
            let values = shown.series.course(course, state.window, points);
            let least_top = if course == Course::Rejected { 1.0 } else { top };
            Line::from(vec![
                Span::styled(format!(" {name:<10}"), theme.dim),
                Span::styled(text::fit_right(&text::rate(rate), 8), theme.text),
                Span::raw("  "),
                Span::styled(sparkline(&values, least_top, theme.ascii), style),
            ])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inside);
}
