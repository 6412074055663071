//! Throughput: what is received, accepted, delivered and rejected a second, and its course.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::protocol::series::{Line as Course, WINDOWS};
use crate::text::{duration, grouped};
use crate::tui::frame::focus::Pane;
use crate::tui::state::State;
use crate::tui::throughput::layout::BESIDE;
use crate::tui::watches::view as watches;
use crate::tui::widget::sparkline::sparkline;
use crate::tui::widget::theme::Theme;
use crate::tui::widget::{pane, text};

/// The rows of one window.
const ROWS: usize = 4;

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
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
    let rows = usize::from(inside.height);
    // What was asked for with the cursor goes before what is watched.
    let has_room = rows.saturating_sub(ROWS) > state.watches.len();
    let told = moment(state, width, theme).or_else(|| {
        let happened = || annotations(state, width, theme);
        has_room.then(|| happened().unwrap_or_else(|| in_all(state, width, theme)))
    });
    lines.extend(told);
    let room = rows.saturating_sub(lines.len());
    let watched = state.watches.iter().enumerate().take(room);
    lines.extend(
        watched.map(|(index, watch)| watches::row(watch, state.seen.get(index), width, theme)),
    );
    // With room to spare, the other windows stand below.
    let needed = (ROWS + 2) * WINDOWS.len() + state.watches.len();
    if rows > needed {
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

/// The point that the cursor is on.
fn cursor(state: &State, width: usize) -> Option<usize> {
    let series = &state.shown().series;
    let at = state.moment_ms?;
    series.point_at(state.window, width.saturating_sub(BESIDE), at)
}

/// What was at the time under the cursor, and what happened then.
fn moment(state: &State, width: usize, theme: &Theme) -> Option<Line<'static>> {
    let points = width.saturating_sub(BESIDE);
    let point = cursor(state, width)?;
    let series = &state.shown().series;
    let (from, to) = series.time_of(state.window, points, point)?;
    let then = state
        .annotations
        .iter()
        .filter(|a| (from..to).contains(&a.at_ms));
    let happened: Vec<&str> = then.map(|a| a.what.says()).collect();
    let rate = |course| {
        let values = series.history(course, state.window, points);
        text::rate(values.get(point).copied().unwrap_or_default())
    };
    let clock = time::to_clock_seconds(from);
    let says = match happened.as_slice() {
        [] => format!(
            "at {clock}  {} received, {} accepted, {} rejected",
            rate(Course::Received),
            rate(Course::Accepted),
            rate(Course::Rejected)
        ),
        all => format!("at {clock}  {}", all.join(", ")),
    };
    let says = text::cut(&says, width.saturating_sub(2));
    Some(Line::styled(format!(" {says}"), theme.accent))
}

/// What happened to the stream, a letter at its time; none where nothing did.
fn annotations(state: &State, width: usize, theme: &Theme) -> Option<Line<'static>> {
    let points = width.saturating_sub(BESIDE);
    let series = &state.shown().series;
    let mut letters = vec![" "; points];
    for annotation in &state.annotations {
        if let Some(point) = series.point_at(state.window, points, annotation.at_ms) {
            letters[point] = annotation.what.letter();
        }
    }
    if letters.iter().all(|letter| *letter == " ") {
        return None;
    }
    let last = state.annotations.back()?.what.says();
    let name = text::fit(last, BESIDE - 3);
    Some(Line::from(vec![
        Span::styled(format!(" {name}  "), theme.dim),
        Span::styled(letters.concat(), theme.warn),
    ]))
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
        format!("{} of {name}", duration(passed))
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
    let points = width.saturating_sub(BESIDE);
    let cursor = cursor(state, width).filter(|_| window == state.window);
    // One scale for all, so that the lines can be compared; what is rejected has its own, or a
    // trickle would not be seen.
    let all = shown.series.history(Course::Received, window, points);
    let top = all.iter().copied().fold(1.0, f64::max);
    rows.into_iter()
        .map(|(name, rate, course, style)| {
            let values = shown.series.history(course, window, points);
            let least_top = if course == Course::Rejected { 1.0 } else { top };
            let mut spans = vec![
                Span::styled(format!(" {name:<10}"), theme.dim),
                Span::styled(text::fit_right(&text::rate(rate), 8), theme.text),
                Span::raw("  "),
            ];
            let course = sparkline(&values, least_top, theme.ascii);
            // One sign a point: the one under the cursor stands out.
            for (point, sign) in course.chars().enumerate() {
                let style = if cursor == Some(point) {
                    style.add_modifier(Modifier::REVERSED)
                } else {
                    style
                };
                match spans.last_mut() {
                    Some(last) if point > 0 && last.style == style => {
                        last.content.to_mut().push(sign);
                    }
                    _ => spans.push(Span::styled(sign.to_string(), style)),
                }
            }
            Line::from(spans)
        })
        .collect()
}
