//! The preview: totals before and after, and the events that would pass or be filtered out.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::filter::RuleTally;
use crate::filter::preview::{ChangedEvents, Example, Preview};
use crate::text::{counted, duration, grouped};
use crate::tui::state::State;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

/// Columns for a side without changes.
const NARROW: usize = 24;
/// Below this width titles are short, in columns.
const NARROW_PANE: u16 = 72;
/// From this width on an example shows its time.
const TIMED: usize = 36;
/// From this width on an example shows what filters it out.
const WIDE: usize = 62;

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let count = state.changes(state.edited_from(), state.edited()).len();
    let dash = theme.sign(Sign::Dash);
    let s = if count == 1 { "" } else { "s" };
    let is_narrow = area.width < NARROW_PANE;
    let state_of_it = match (state.frozen.is_some(), is_narrow) {
        _ if state.has_outdated_draft() && is_narrow => ", filters changed since",
        _ if state.has_outdated_draft() => "; the filters were changed since",
        (true, true) => ", live",
        (true, false) => ", not applied; the preview is live",
        (false, true) => "",
        (false, false) => ", not applied",
    };
    let title = format!("Draft {dash} {count} change{s}{state_of_it}");
    let measured = match &state.preview {
        Some(shown) if is_narrow => counted(shown.events, "event"),
        Some(shown) => measured(shown),
        None => String::new(),
    };
    let inside = pane::frame(
        frame,
        area,
        pane::Title::both(&title, &measured),
        false,
        theme,
    );
    let (width, height) = (usize::from(inside.width), usize::from(inside.height));
    let lines = lines(state.preview.as_ref(), width, height, theme);
    frame.render_widget(Paragraph::new(lines), inside);
}

/// The number of events that the preview is based on, and their time span.
pub(crate) fn measured(shown: &Preview) -> String {
    let time = duration(shown.span_ms);
    if shown.is_whole() {
        format!("on the last {}, {time}", counted(shown.events, "event"))
    } else {
        format!(
            "on {} of {} events",
            grouped(shown.events),
            grouped(shown.of)
        )
    }
}

/// The preview in an area of this width and height.
pub(crate) fn lines(
    shown: Option<&Preview>,
    width: usize,
    height: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let Some(shown) = shown else {
        return vec![Line::styled(" reading the events in the ring", theme.dim)];
    };
    let mut lines = figures(shown, width, theme);
    lines.extend(errors(shown, width, theme));
    let columns = [
        column("would pass now", &shown.newly_passing, theme.good),
        column("would be filtered", &shown.newly_filtered_out, theme.warn),
    ];
    // A side without changes gives its width to the other.
    let left = match (shown.newly_passing.events, shown.newly_filtered_out.events) {
        (0, 1..) => NARROW.min(width / 2),
        (1.., 0) => width.saturating_sub(NARROW + 1).max(width / 2),
        _ => width.saturating_sub(1) / 2,
    };
    let areas = [left, width.saturating_sub(left + 1)];
    let height = height.saturating_sub(lines.len());
    let [mut first, second] = [0, 1].map(|side| columns[side].lines(areas[side], height, theme));
    for (line, right) in first.iter_mut().zip(second) {
        line.spans.push(Span::raw(" "));
        line.spans.extend(right.spans);
    }
    lines.extend(first);
    lines
}

/// The rules whose condition can't be evaluated on some events: there it counts as no match.
fn errors(shown: &Preview, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    /// Maximum rules that are named.
    const NAMED: usize = 3;
    let failed = shown.rules.iter().enumerate().filter(|(_, t)| t.errors > 0);
    let line = |(index, tally): (usize, &RuleTally)| {
        let (errors, reached) = (grouped(tally.errors), counted(tally.reached, "event"));
        let why = tally.last_error.as_deref().unwrap_or_default();
        let sign = theme.sign(Sign::Attention);
        let number = index + 1;
        let message = format!(" {sign} rule {number} fails on {errors} of {reached}: {why}");
        Line::styled(text::cut(&message, width), theme.bad)
    };
    failed.take(NAMED).map(line).collect()
}

/// Totals before and after: events, persons and requests.
fn figures(shown: &Preview, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let arrow = theme.sign(Sign::Arrow);
    let rate = |count| shown.per_second(count).map(text::rate);
    let rates = |before, after| match (rate(before), rate(after)) {
        (Some(before), Some(after)) => format!("{before} {arrow} {after}"),
        _ => String::new(),
    };
    let (before, after) = (shown.before, shown.after);
    let row = |name: &str, before: u64, after: u64, more: String| {
        let difference = after.cast_signed() - before.cast_signed();
        let sign = match difference {
            0 => "",
            1.. => theme.sign(Sign::Includes),
            _ => theme.sign(Sign::Excludes),
        };
        let share = if before > 0 && difference != 0 {
            format!(
                " ({sign}{})",
                text::percent(difference.unsigned_abs(), before)
            )
        } else {
            String::new()
        };
        let change = format!("{sign}{}{share}", grouped(difference.unsigned_abs()));
        let style = match difference {
            0 => theme.dim,
            1.. => theme.good,
            _ => theme.warn,
        };
        let fits = text::width(&more) + 48 <= width;
        let counts = format!("{} {arrow} {}", grouped(before), grouped(after));
        Line::from(vec![
            Span::styled(format!(" {name:<9}"), theme.dim),
            Span::styled(text::fit(&counts, 19), theme.text),
            Span::styled(text::fit(&change, 19), style),
            // A cut rate would be misleading.
            Span::styled(if fits { more } else { String::new() }, theme.dim),
        ])
    };
    vec![
        row(
            "pass",
            before.events,
            after.events,
            rates(before.events, after.events),
        ),
        row("persons", before.persons, after.persons, String::new()),
        row(
            "requests",
            before.requests,
            after.requests,
            rates(before.requests, after.requests),
        ),
    ]
}

/// The events that change in one direction.
struct Column<'a> {
    title: &'static str,
    moved: &'a ChangedEvents,
    style: Style,
}

fn column<'a>(title: &'static str, moved: &'a ChangedEvents, style: Style) -> Column<'a> {
    Column {
        title,
        moved,
        style,
    }
}

impl Column<'_> {
    /// Exactly `height` lines of `width` columns: a count, event types, and examples.
    fn lines(&self, width: usize, height: usize, theme: &Theme) -> Vec<Line<'static>> {
        let moved = self.moved;
        let dash = theme.sign(Sign::Dash);
        let title = format!("{dash} {} {} ", self.title, grouped(moved.events));
        let fill = dash.repeat(width.saturating_sub(text::width(&title)));
        let style = if moved.events > 0 {
            self.style
        } else {
            theme.dim
        };
        let heading = text::fit(&format!("{title}{fill}"), width);
        // The style of a span, not of the line, because the other column shares the line.
        let mut lines = vec![Line::from(Span::styled(heading, style))];
        // Types matter more than examples: they get up to two thirds of the rows.
        let room = height.saturating_sub(1);
        let types = moved.types.len().min((room * 2).div_ceil(3));
        for (name, count) in moved.types.iter().take(types) {
            let count = text::fit_right(&grouped(*count), 8);
            let name = text::fit_name(name, width.saturating_sub(10));
            lines.push(Line::from(vec![
                Span::styled(format!(" {name}"), theme.text),
                Span::styled(format!("{count} "), theme.dim),
            ]));
        }
        let examples = moved.examples.iter().take(room - types.min(room));
        lines.extend(examples.map(|one| example(one, width, theme)));
        lines.resize(height, Line::raw(" ".repeat(width)));
        lines
    }
}

fn example(example: &Example, width: usize, theme: &Theme) -> Line<'static> {
    let clock = time::to_clock_seconds(example.received_ms);
    let clock = if width >= TIMED {
        format!("{clock} ")
    } else {
        String::new()
    };
    let rest = width.saturating_sub(2 + clock.len());
    let (name, person, by) = if width >= WIDE {
        (rest * 40 / 100, rest * 25 / 100, rest - rest * 65 / 100)
    } else {
        (rest * 60 / 100, rest - rest * 60 / 100, 0)
    };
    let by_words = example.by.to_string();
    Line::from(vec![
        Span::styled(format!(" {clock}"), theme.dim),
        Span::styled(
            format!("{} ", text::fit(&example.event_type, name)),
            theme.text,
        ),
        Span::styled(text::fit(&example.person, person), theme.text),
        Span::styled(text::fit(&by_words, by), theme.dim),
    ])
}
