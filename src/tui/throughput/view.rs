//! The throughput pane: received, accepted, delivered and rejected events per second, with their
//! history on one scale.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::protocol::RATE_SECONDS;
use crate::protocol::series::{Line as SeriesLine, WINDOWS};
use crate::text::{duration, grouped};
use crate::tui::frame::focus::Pane;
use crate::tui::state::State;
use crate::tui::throughput::layout::COLUMNS_BESIDE_HISTORY;
use crate::tui::throughput::state::Annotation;
use crate::tui::watches::view as watches;
use crate::tui::widget::sparkline::scaled;
use crate::tui::widget::theme::Theme;
use crate::tui::widget::{pane, text};

/// Rows of one time span.
const ROWS: usize = 4;

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let (title, right) = titles(state, area.width);
    let inside = pane::frame(
        frame,
        area,
        pane::Title::both(&title, &right),
        state.has_focus(Pane::Throughput),
        theme,
    );
    let width = usize::from(inside.width);
    let mut lines = window(state, state.window, width, theme);
    let rows = usize::from(inside.height);
    // The line of the time cursor has priority over watches.
    let has_room = rows.saturating_sub(ROWS) > state.watches.len();
    let note = moment(state, width, theme).or_else(|| {
        let happened = || annotations(state, width, theme);
        has_room.then(|| happened().unwrap_or_else(|| in_all(state, width, theme)))
    });
    lines.extend(note);
    let room = rows.saturating_sub(lines.len());
    let watched = state.watches.iter().enumerate().take(room);
    let top = top(state, state.window, points(width));
    lines.extend(watched.map(|(index, watch)| {
        let counts = state.shown_watch_counts().get(index);
        watches::row(watch, counts, (width, top), theme)
    }));
    // If there is room, the other time spans are shown below.
    let needed = (ROWS + 2) * WINDOWS.len() + state.watches.len();
    if rows > needed {
        for other in (0..WINDOWS.len()).filter(|w| *w != state.window) {
            lines.push(Line::default());
            let scale = scale(state, other, points(width));
            lines.push(Line::styled(
                format!(" {scale} · {}", part_of(state, other)),
                theme.accent,
            ));
            lines.extend(window(state, other, width, theme));
        }
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

/// Points of a history in a pane of this inner width.
fn points(width: usize) -> usize {
    width.saturating_sub(COLUMNS_BESIDE_HISTORY)
}

/// The left and the right title: the time over which the rates are measured, the scale of the
/// histories, and their time span, as much as fits.
fn titles(state: &State, columns: u16) -> (String, String) {
    let inside = usize::from(columns).saturating_sub(2);
    let scale = scale(state, state.window, points(inside));
    let (short, _) = WINDOWS[state.window];
    let left = format!("Throughput over {RATE_SECONDS} s");
    let candidates = [
        (
            left.as_str(),
            format!("{scale} · {}", part_of(state, state.window)),
        ),
        (left.as_str(), format!("{scale} · {short}")),
        ("Throughput", format!("{scale} · {short}")),
        ("Throughput", scale.clone()),
    ];
    let room = usize::from(columns).saturating_sub(7);
    let fits = |(left, right): &&(&str, String)| text::width(left) + text::width(right) <= room;
    let (left, right) = candidates.iter().find(fits).unwrap_or(&candidates[3]);
    ((*left).to_owned(), right.clone())
}

/// The highest rate of all lines in a time span: the full height of their histories.
fn top(state: &State, window: usize, points: usize) -> f64 {
    let series = &state.shown().series;
    let lines = [
        SeriesLine::Received,
        SeriesLine::Accepted,
        SeriesLine::Delivered,
        SeriesLine::Rejected,
    ];
    lines
        .into_iter()
        .flat_map(|line| series.history(line, window, points))
        .fold(1.0, f64::max)
}

/// The scale of the histories: `top 1,204/s`.
fn scale(state: &State, window: usize, points: usize) -> String {
    format!("top {}", text::rate(top(state, window, points)))
}

/// The point under the time cursor.
fn cursor(state: &State, width: usize) -> Option<usize> {
    let series = &state.shown().series;
    let at = state.moment_ms?;
    series.point_at(state.window, points(width), at)
}

/// Rates and incidents at the time under the cursor.
fn moment(state: &State, width: usize, theme: &Theme) -> Option<Line<'static>> {
    let points = points(width);
    let point = cursor(state, width)?;
    let series = &state.shown().series;
    let (from, to) = series.time_of(state.window, points, point)?;
    let then = state
        .annotations
        .iter()
        .filter(|a| (from..to).contains(&a.at_ms));
    let happened: Vec<&str> = then.map(|a| a.incident.description()).collect();
    let rate = |course| {
        let values = series.history(course, state.window, points);
        text::rate(values.get(point).copied().unwrap_or_default())
    };
    let clock = time::to_clock_seconds(from);
    let message = match happened.as_slice() {
        [] => format!(
            "at {clock}  {} received, {} accepted, {} rejected",
            rate(SeriesLine::Received),
            rate(SeriesLine::Accepted),
            rate(SeriesLine::Rejected)
        ),
        all => format!("at {clock}  {}", all.join(", ")),
    };
    let message = text::cut(&message, width.saturating_sub(2));
    Some(Line::styled(format!(" {message}"), theme.accent))
}

/// The time axis with the letters of incidents. None without incidents.
fn annotations(state: &State, width: usize, theme: &Theme) -> Option<Line<'static>> {
    let points = points(width);
    let series = &state.shown().series;
    let mut letters = vec![" "; points];
    // Frozen, it shows what had happened by then.
    let is_shown = |a: &&Annotation| a.at_ms <= state.shown().at_ms;
    for annotation in state.annotations.iter().filter(is_shown) {
        if let Some(point) = series.point_at(state.window, points, annotation.at_ms) {
            letters[point] = annotation.incident.letter();
        }
    }
    if letters.iter().all(|letter| *letter == " ") {
        return None;
    }
    let last = state.annotations.iter().rfind(is_shown)?;
    let last = last.incident.description();
    let name = text::fit(last, COLUMNS_BESIDE_HISTORY - 3);
    Some(Line::from(vec![
        Span::styled(format!(" {name}  "), theme.dim),
        Span::styled(letters.concat(), theme.warn),
    ]))
}

/// Totals since the start.
fn in_all(state: &State, width: usize, theme: &Theme) -> Line<'static> {
    let t = &state.shown().totals;
    let [received, accepted] = [t.received, t.accepted].map(grouped);
    let message = format!("since start  {received} received, {accepted} accepted");
    Line::styled(
        format!(" {}", text::cut(&message, width.saturating_sub(2))),
        theme.dim,
    )
}

/// The name of a time span. Before it has passed, with the elapsed part: `45 s of 10 m`.
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
        (
            "received",
            rates.received,
            SeriesLine::Received,
            theme.accent,
        ),
        ("accepted", rates.accepted, SeriesLine::Accepted, theme.text),
        (
            "delivered",
            rates.delivered,
            SeriesLine::Delivered,
            theme.good,
        ),
        ("rejected", rates.rejected, SeriesLine::Rejected, theme.bad),
    ];
    let points = points(width);
    let cursor = cursor(state, width).filter(|_| window == state.window);
    // One scale for all lines, so that they can be compared. The title names it.
    let top = top(state, window, points);
    rows.into_iter()
        .map(|(name, rate, course, style)| {
            let values = shown.series.history(course, window, points);
            let mut spans = vec![
                Span::styled(format!(" {name:<10}"), theme.dim),
                Span::styled(text::fit_right(&text::rate(rate), 8), theme.text),
                Span::raw("  "),
            ];
            let course = scaled(&values, top, theme.ascii);
            // One character per point. The one under the cursor is reversed.
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
