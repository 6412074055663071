//! Delivery: what became of what was accepted, how long it took, what is under way.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::limits::{grouped, span};
use crate::protocol::Snapshot;
use crate::tui::state::{Pane, State};
use crate::tui::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

pub(super) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let shown = state.shown();
    let right = format!("{} req/min", grouped(shown.requests_per_minute));
    let inside = pane::frame(
        frame,
        area,
        "Delivery",
        &right,
        state.focus == Pane::Delivery,
        theme,
    );
    let room = usize::from(inside.width).saturating_sub(1);
    let mut lines = vec![
        row(&rates(shown), room, theme),
        row(&latencies(shown), room, theme),
        row(&under_way(shown), room, theme),
        answers(shown, room, theme),
    ];
    if let Some(why) = &shown.standing.halted {
        // What has to be mended matters more than what is under way, which is nothing.
        let told = text::wrap(why, room).into_iter().take(2);
        lines.truncate(2);
        lines.extend(told.map(|line| Line::styled(format!(" {line}"), theme.bad)));
    } else if let Some(until) = shown.standing.throttled_until_ms {
        let left = span((until - shown.at_ms).max(0));
        lines[3] = Line::styled(
            format!(" Customer.io asks for quiet: 429, again in {left}"),
            theme.warn,
        );
    }
    if inside.height > 6 {
        lines.push(Line::default());
        lines.extend(shown.answers.iter().map(|(answer, count)| {
            row(
                &[(answer.clone(), grouped(*count), Tone::Plain)],
                room,
                theme,
            )
        }));
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

#[derive(Clone, Copy)]
enum Tone {
    Plain,
    Warn,
    Bad,
}

type Cell = (String, String, Tone);

fn cell(name: &str, value: impl Into<String>, tone: Tone) -> Cell {
    (name.to_owned(), value.into(), tone)
}

fn above_zero(count: u64, tone: Tone) -> Tone {
    if count > 0 { tone } else { Tone::Plain }
}

fn rates(shown: &Snapshot) -> Vec<Cell> {
    let t = &shown.totals;
    let rate = t
        .delivery_rate()
        .map_or_else(|| "–".to_owned(), |rate| format!("{rate:.2} %"));
    let tone = if t.not_delivered() > 0 {
        Tone::Warn
    } else {
        Tone::Plain
    };
    vec![
        cell("rate", rate, tone),
        cell(
            "first attempt",
            grouped(t.success_on_first_attempt),
            Tone::Plain,
        ),
        cell("after retry", grouped(t.success_after_retry), Tone::Plain),
    ]
}

fn latencies(shown: &Snapshot) -> Vec<Cell> {
    let l = &shown.latency;
    let none = if l.count == 0 {
        Some("–".to_owned())
    } else {
        None
    };
    let ms = |ms: u64| none.clone().unwrap_or_else(|| span(ms as i64));
    let lag = shown.feed_lag_ms.map_or_else(|| "–".to_owned(), span);
    vec![
        cell("p50", ms(l.p50_ms), Tone::Plain),
        cell("p95", ms(l.p95_ms), Tone::Plain),
        cell("p99", ms(l.p99_ms), Tone::Plain),
        cell("feed lag", lag, Tone::Plain),
    ]
}

fn under_way(shown: &Snapshot) -> Vec<Cell> {
    let (t, standing) = (&shown.totals, &shown.standing);
    let next = standing
        .next_retry_ms
        .map(|at| format!(" in {}", span((at - shown.at_ms).max(0))))
        .unwrap_or_default();
    vec![
        cell("in flight", standing.in_flight.to_string(), Tone::Plain),
        cell(
            "retrying",
            format!("{}{next}", grouped(standing.retrying)),
            above_zero(standing.retrying, Tone::Warn),
        ),
        cell(
            "dead letters",
            grouped(shown.dead_letters),
            above_zero(shown.dead_letters, Tone::Bad),
        ),
        cell(
            "expired",
            grouped(t.expired),
            above_zero(t.expired, Tone::Bad),
        ),
    ]
}

fn row(cells: &[Cell], room: usize, theme: &Theme) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    let mut left = room;
    for (name, value, tone) in cells {
        let needs = text::width(name) + 1 + text::width(value);
        if needs > left {
            break;
        }
        left = left.saturating_sub(needs + 3);
        let style = match tone {
            Tone::Plain => theme.text,
            Tone::Warn => theme.warn,
            Tone::Bad => theme.bad,
        };
        spans.push(Span::styled(format!("{name} "), theme.dim));
        spans.push(Span::styled(format!("{value}   "), style));
    }
    Line::from(spans)
}

/// Answers by status, with a bar for the part that is 200.
fn answers(shown: &Snapshot, room: usize, theme: &Theme) -> Line<'static> {
    let of = |label: &str| shown.answers.get(label).copied().unwrap_or(0);
    let class = |first: char| -> u64 {
        shown
            .answers
            .iter()
            .filter(|(label, _)| label.starts_with(first))
            .map(|(_, n)| n)
            .sum()
    };
    let all: u64 = shown.answers.values().sum();
    let good = of("200");
    let bar_room = room.saturating_sub(50).min(12);
    let filled = (good * bar_room as u64).checked_div(all).unwrap_or(0) as usize;
    let bar = theme.sign(Sign::Bar).repeat(filled);
    let style = |count: u64, tone: Style| if count > 0 { tone } else { theme.text };
    let parts = [
        ("200", good, theme.good),
        ("207", of("207"), theme.warn),
        ("429", of("429"), theme.warn),
        ("4xx", class('4') - of("429"), theme.bad),
        ("5xx", class('5'), theme.bad),
        ("none", of("no answer"), theme.bad),
    ];
    let mut spans = vec![Span::raw(" ")];
    let mut left = room;
    for (i, (label, count, tone)) in parts.into_iter().enumerate() {
        let value = grouped(count);
        let needs = label.len() + value.len() + 1 + if i == 0 { filled + 1 } else { 0 };
        if needs > left {
            break;
        }
        left = left.saturating_sub(needs + 3);
        spans.push(Span::styled(format!("{label} "), theme.dim));
        if i == 0 && filled > 0 {
            spans.push(Span::styled(format!("{bar} "), theme.good));
        }
        spans.push(Span::styled(format!("{value}   "), style(count, tone)));
    }
    Line::from(spans)
}
