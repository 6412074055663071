//! The throughput pane: received, accepted, delivered and rejected events per second, with their
//! history on one scale.

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::protocol::RATE_SECONDS;
use crate::protocol::series::{Extent, WINDOWS};
use crate::text::{duration, grouped};
use crate::tui::frame::focus::Pane;
use crate::tui::input::keymap::Command;
use crate::tui::range::time_range::TimeRange;
use crate::tui::state::State;
use crate::tui::throughput::axis::{Marker, axis, labelled};
use crate::tui::throughput::charts::{Histories, Marks};
use crate::tui::throughput::layout::{COLUMNS_BESIDE_HISTORY, PaneRows};
use crate::tui::throughput::state::Annotation;
use crate::tui::watches::view as watches;
use crate::tui::widget::theme::Theme;
use crate::tui::widget::{pane, text};

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let width = usize::from(area.width.saturating_sub(2));
    let series = &state.shown().series;
    let histories = Histories::of(series, state.extent(), points(width));
    let (title, right) = titles(state, histories.top, area.width);
    let inside = pane::frame(
        frame,
        area,
        pane::Title::both(&title, &right),
        state.has_focus(Pane::Throughput),
        theme,
    );
    let rows = usize::from(inside.height);
    let division = PaneRows::of(rows, state.watches.len());
    let marks = Marks {
        cursor: cursor(state, width),
        ranges: [state.chosen_range(), state.kept_range].map(|range| {
            let range = range?;
            range_points(range, state, points(width))
        }),
    };
    let mut lines = histories.lines(state.shown(), division.per_line, &marks, theme);
    if division.has_axis() {
        lines.push(time_axis(state, histories.top, points(width), theme));
    }
    // The line of the time cursor has priority over watches.
    let has_room = rows.saturating_sub(lines.len()) > state.watches.len();
    let happened = annotations(state, width, theme);
    let note = range(state, width, theme)
        .or_else(|| moment(state, &histories, width, theme))
        .or_else(|| kept(state, width, theme));
    match note {
        Some(note) => {
            let both = lines.len() + 2 + state.watches.len();
            lines.extend(happened.filter(|_| both <= rows));
            lines.push(note);
        }
        None if has_room => {
            lines.push(happened.unwrap_or_else(|| in_all(state, width, theme)));
        }
        None => {}
    }
    let room = rows.saturating_sub(lines.len());
    let watched = state.watches.iter().enumerate().take(room);
    lines.extend(watched.map(|(index, watch)| {
        let counts = state.shown_watch_counts().get(index);
        // Their history is that of the last seconds, and not of a range.
        let top = state.span.is_none().then_some(histories.top);
        watches::row(watch, counts, (width, top), theme)
    }));
    // If there is room, the other time spans are shown below.
    let others = (0..WINDOWS.len()).filter(|w| division.has_others && *w != state.window);
    for other in others {
        let histories = Histories::of(series, Extent::Window(other), points(width));
        let scale = scale(histories.top);
        let title = format!(" {scale} · {}", part_of(state, other));
        lines.push(Line::default());
        lines.push(Line::styled(title, theme.accent));
        lines.extend(histories.lines(state.shown(), 1, &Marks::default(), theme));
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

/// Points of a history in a pane of this inner width.
fn points(width: usize) -> usize {
    width.saturating_sub(COLUMNS_BESIDE_HISTORY)
}

/// The left and the right title: the time over which the rates are measured, the scale of the
/// histories, and their time span, as much as fits.
fn titles(state: &State, top: f64, columns: u16) -> (String, String) {
    let scale = scale(top);
    let short = short_span(state);
    let left = format!("Throughput over {RATE_SECONDS} s");
    if !state.watches.is_empty() {
        // Their rates are measured over another time.
        let watched = watches::RATE_SPAN;
        let both = format!("Throughput over {RATE_SECONDS} s, watches {watched}");
        let short_both = format!("Throughput {RATE_SECONDS} s, watches {watched}");
        let room = usize::from(columns).saturating_sub(7);
        let right = format!("{scale} · {short}");
        for left in [both, short_both] {
            if text::width(&left) + text::width(&right) <= room {
                return (left, right);
            }
        }
    }
    let (short_left, shortest_left) = (
        format!("Throughput {RATE_SECONDS} s"),
        format!("Rates, {RATE_SECONDS} s"),
    );
    let candidates = [
        (&left, format!("{scale} · {}", long_span(state))),
        (&left, format!("{scale} · {short}")),
        (&short_left, format!("{scale} · {short}")),
        (&shortest_left, format!("{scale} · {short}")),
        (&shortest_left, scale.clone()),
    ];
    let room = usize::from(columns).saturating_sub(7);
    let fits = |(left, right): &&(&String, String)| text::width(left) + text::width(right) <= room;
    let (left, right) = candidates.iter().find(fits).unwrap_or(&candidates[4]);
    ((*left).clone(), right.clone())
}

/// The time span of the charts: `10 m`, or the times of the range that they are zoomed into.
fn short_span(state: &State) -> String {
    match state.span {
        Some(range) => range.label(),
        None => WINDOWS[state.window].0.to_owned(),
    }
}

/// The time span of the charts with its length, or with the part of it that has passed.
fn long_span(state: &State) -> String {
    match state.span {
        Some(range) => format!("{}, {}", range.label(), duration(range.length_ms())),
        None => part_of(state, state.window),
    }
}

/// The scale of the histories: `top 1,204/s`.
fn scale(top: f64) -> String {
    format!("top {}", text::rate(top))
}

/// The scale of each chart, and the times below them.
fn time_axis(state: &State, top: f64, points: usize, theme: &Theme) -> Line<'static> {
    let series = &state.shown().series;
    let time_of = |point| {
        let time = series.time_of(state.extent(), points, point);
        time.map(|(from, _)| from)
    };
    let scale = format!(" each 0 to {}", text::rate(top));
    let scale = text::fit(&scale, COLUMNS_BESIDE_HISTORY - 1);
    let times = axis(points, time_of, theme.ascii);
    Line::styled(format!("{scale}{times}"), theme.dim)
}

/// The point under the time cursor.
fn cursor(state: &State, width: usize) -> Option<usize> {
    let series = &state.shown().series;
    let at = state.moment_ms?;
    series.point_at(state.extent(), points(width), at)
}

/// The points of a range that are visible.
fn range_points(range: TimeRange, state: &State, points: usize) -> Option<Range<usize>> {
    let series = &state.shown().series;
    let last = points.checked_sub(1)?;
    let (begin, _) = series.time_of(state.extent(), points, 0)?;
    let (_, end) = series.time_of(state.extent(), points, last)?;
    if range.to_ms <= begin || range.from_ms >= end {
        return None;
    }
    let at = |ms| series.point_at(state.extent(), points, ms);
    let from = at(range.from_ms).unwrap_or(0);
    let to = at(range.to_ms - 1).unwrap_or(last);
    Some(from..to + 1)
}

/// The figures of the chosen range.
fn range(state: &State, width: usize, theme: &Theme) -> Option<Line<'static>> {
    let chosen = state.range.as_ref()?;
    let counts = match &chosen.figures {
        None => "counting".to_owned(),
        Some(figures) => {
            let totals = &figures.totals;
            let [received, accepted, rejected] =
                [totals.received, totals.accepted, totals.rejected].map(grouped);
            format!("{received} received, {accepted} accepted, {rejected} rejected")
        }
    };
    let range = chosen.range;
    let message = format!(
        "range {}, {}: {counts}",
        range.label(),
        duration(range.length_ms())
    );
    let message = text::cut(&message, width.saturating_sub(2));
    Some(Line::styled(format!(" {message}"), theme.accent))
}

/// The range that is kept to be compared.
fn kept(state: &State, width: usize, theme: &Theme) -> Option<Line<'static>> {
    let range = state.kept_range?.label();
    let [left, begin] = [Command::Earlier, Command::Range].map(|does| state.key(does));
    let message = format!("{range} kept to compare: {left} and {begin} begin the other range");
    let message = text::cut(&message, width.saturating_sub(2));
    Some(Line::styled(format!(" {message}"), theme.accent))
}

/// Rates and incidents at the time under the cursor.
fn moment(
    state: &State,
    histories: &Histories,
    width: usize,
    theme: &Theme,
) -> Option<Line<'static>> {
    let points = points(width);
    let point = cursor(state, width)?;
    let series = &state.shown().series;
    let (from, to) = series.time_of(state.extent(), points, point)?;
    let then = state
        .annotations
        .iter()
        .filter(|a| (from..to).contains(&a.at_ms));
    let happened: Vec<&str> = then.map(|a| a.incident.description()).collect();
    let [received, accepted, _, rejected] = histories.at(point).map(text::rate);
    let clock = time::to_clock_seconds(from);
    let message = match happened.as_slice() {
        [] => format!("at {clock}  {received} received, {accepted} accepted, {rejected} rejected"),
        all => format!("at {clock}  {}", all.join(", ")),
    };
    let message = text::cut(&message, width.saturating_sub(2));
    Some(Line::styled(format!(" {message}"), theme.accent))
}

/// The incidents below the histories. None without incidents.
fn annotations(state: &State, width: usize, theme: &Theme) -> Option<Line<'static>> {
    let points = points(width);
    let series = &state.shown().series;
    // Frozen, it shows what had happened by then.
    let is_shown = |a: &&Annotation| a.at_ms <= state.shown().at_ms;
    let marker = |annotation: &Annotation| {
        let point = series.point_at(state.extent(), points, annotation.at_ms)?;
        Some(Marker {
            point,
            letter: annotation.incident.letter(),
            label: annotation.incident.description(),
        })
    };
    let shown = state.annotations.iter().filter(is_shown);
    let markers: Vec<Marker> = shown.filter_map(marker).collect();
    if markers.is_empty() {
        return None;
    }
    let last = state.annotations.iter().rfind(is_shown)?;
    let last = last.incident.description();
    let name = text::fit(last, COLUMNS_BESIDE_HISTORY - 3);
    Some(Line::from(vec![
        Span::styled(format!(" {name}  "), theme.dim),
        Span::styled(labelled(points, &markers), theme.warn),
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
