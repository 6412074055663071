//! The screen of a terminal that is too small for the panes: one row per subject, the most important
//! first. Rows that don't fit are left out. Events fill the room that is left.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::protocol::RATE_SECONDS;
use crate::text::grouped;
use crate::tui::frame::header::{self, Part};
use crate::tui::frame::layout::LEAST;
use crate::tui::input::keymap::Command;
use crate::tui::state::State;
use crate::tui::widget::headline::headline;
use crate::tui::widget::text;
use crate::tui::widget::theme::{Sign, Theme};

/// Minimum width for two subjects in a row.
const TWO_COLUMNS: usize = 36;

/// Draws the rows in `area`.
pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let width = usize::from(area.width);
    let mut lines = vec![top(state, width, theme), gate(state, width, theme)];
    lines.extend(alert(state, width, theme));
    lines.extend(rows(&counts(state, theme), width));
    lines.extend(rows(&rates(state, theme), width));
    let (feed, style) = header::feed(state, theme, width);
    lines.push(Line::styled(
        format!(" {}", text::cut(&feed, width.saturating_sub(1))),
        style,
    ));
    lines.push(hint(state, width, theme));
    frame.render_widget(Paragraph::new(lines), area);
}

/// Workspace and time.
fn top(state: &State, width: usize, theme: &Theme) -> Line<'static> {
    let clock = format!("{}Z ", time::to_clock_seconds(state.snapshot.at_ms));
    let room = width.saturating_sub(clock.len() + 4);
    let workspace = format!(" {}", text::cut(&state.labels.workspace, room));
    let mut parts = vec![(workspace, theme.accent)];
    if state.frozen.is_some() {
        parts.push((" FROZEN ".to_owned(), theme.shut));
    }
    headline(parts, (clock, theme.dim), width)
}

/// The gate, and the destination's trouble if there is one.
fn gate(state: &State, width: usize, theme: &Theme) -> Line<'static> {
    let destination = header::destination(state, theme, width);
    let taken = destination
        .as_ref()
        .map_or(0, |(text, _)| text::width(text) + 1);
    let (gate, style) = header::gate(state, theme, width.saturating_sub(taken + 1));
    let mut spans = vec![Span::raw(" "), Span::styled(gate, style)];
    if let Some((destination, style)) = destination {
        spans.push(Span::raw(" "));
        spans.push(Span::styled(destination, style));
    }
    Line::from(spans)
}

/// The alert, in two rows at most.
fn alert(state: &State, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let Some(alert) = state.alert else {
        return Vec::new();
    };
    let sign = theme.sign(Sign::Attention);
    let description = alert.kind.description(state.alert_inputs());
    let since = time::to_clock_seconds(alert.since_ms);
    let wrapped = text::wrap(
        &format!("{sign} {description}, since {since}"),
        width.saturating_sub(2).max(1),
    );
    let lines = wrapped.into_iter().take(2);
    lines
        .map(|line| Line::styled(format!(" {line}"), theme.bad))
        .collect()
}

/// Queued items, violations, and what is under way.
fn counts(state: &State, theme: &Theme) -> Vec<Part> {
    let delivery = &state.shown().delivery;
    let mut parts = vec![header::spool(state, theme)];
    parts.extend(header::rejecting(state, theme, true));
    let count = |name: &str, count: u64, style: Style| {
        let style = if count > 0 { style } else { theme.dim };
        (format!("{name} {}", grouped(count)), style)
    };
    parts.push(count("retrying", delivery.retrying, theme.warn));
    parts.push(count(
        "dead letters",
        delivery.spool.dead_letters,
        theme.bad,
    ));
    parts
}

fn rates(state: &State, theme: &Theme) -> Vec<Part> {
    let rates = &state.shown().rates;
    let rate = |name: &str, rate: f64| {
        let message = format!("{name} {}", text::rate(rate));
        (message, theme.text)
    };
    vec![
        rate("received", rates.received),
        rate("accepted", rates.accepted),
        rate("delivered", rates.delivered),
        rate("rejected", rates.rejected),
        (format!("over {RATE_SECONDS} s"), theme.dim),
    ]
}

/// Parts in rows, two in a row if there is room.
fn rows(parts: &[Part], width: usize) -> Vec<Line<'static>> {
    let columns = if width >= TWO_COLUMNS { 2 } else { 1 };
    let room = width.saturating_sub(1) / columns;
    let row = |parts: &[Part]| {
        let spans = parts.iter().map(|(content, style)| {
            Span::styled(text::fit(content, room.saturating_sub(1)) + " ", *style)
        });
        let lead = std::iter::once(Span::raw(" "));
        lead.chain(spans).collect::<Line<'_>>()
    };
    parts.chunks(columns).map(row).collect()
}

/// The keys that matter, and the size that has room for more.
fn hint(state: &State, width: usize, theme: &Theme) -> Line<'static> {
    let [gate, help, quit] =
        [Command::Gate, Command::Help, Command::Quit].map(|does| state.key(does));
    let (columns, rows) = LEAST;
    let message = format!(" {gate} gate  {help} help  {quit} quit  panes: {columns}×{rows}");
    Line::styled(text::cut(&message, width), theme.dim)
}
