//! The delivery pane: outcomes and latency of accepted events, queued and running requests.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::delivery::BreakerState;
use crate::protocol::Snapshot;
use crate::text::{duration, grouped};
use crate::tui::dead_letters::row;
use crate::tui::delivery::histogram;
use crate::tui::delivery::verification;
use crate::tui::frame::focus::Pane;
use crate::tui::state::State;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let shown = state.shown();
    let title = format!("Delivery {} since start", theme.sign(Sign::Dash));
    let requests = format!("{} req/min", grouped(shown.requests_per_minute));
    let right = match verification::title(shown, area.width) {
        Some(verified) => format!("{verified} · {requests}"),
        None => requests,
    };
    let inside = pane::frame(
        frame,
        area,
        pane::Title::both(&title, &right),
        state.has_focus(Pane::Delivery),
        theme,
    );
    let room = usize::from(inside.width).saturating_sub(1);
    let rows = usize::from(inside.height);
    let whole = whole(shown, room, theme);
    let mut lines = if whole.len() <= rows {
        whole
    } else {
        brief(shown, room, rows, theme)
    };
    let left = (room, rows.saturating_sub(lines.len()));
    lines.extend(histogram::lines(shown.latency_bands, left, theme));
    frame.render_widget(Paragraph::new(lines), inside);
}

/// The most important lines if room is short. A problem takes the place of less important figures.
fn brief(shown: &Snapshot, room: usize, rows: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = vec![row(&rates(shown), room, theme)];
    let trouble = trouble(shown, room, theme);
    if trouble.is_empty() {
        lines.push(row(&latencies(shown, room), room, theme));
    }
    lines.extend(trouble.into_iter().take(rows.saturating_sub(3)));
    lines.push(row(&spool(shown), room, theme));
    lines.push(row(&under_way(shown), room, theme));
    lines.push(answers(shown, room, theme));
    lines.truncate(rows);
    lines
}

/// All lines.
fn whole(shown: &Snapshot, room: usize, theme: &Theme) -> Vec<Line<'static>> {
    let heading = |name: &'static str| Line::styled(format!(" {name}"), theme.title);
    let mut lines = vec![
        row(&rates(shown), room, theme),
        row(&latencies(shown, room), room, theme),
        row(&undelivered(shown), room, theme),
        Line::default(),
        heading("Spool"),
    ];
    lines.push(row(&spool(shown), room, theme));
    lines.push(row(&quota(shown), room, theme));
    if let Some(fault) = &shown.delivery.spool.fault {
        lines.extend(wrapped(fault, room, theme.bad));
    }
    lines.push(Line::default());
    lines.push(heading("Destination"));
    lines.push(row(&destination(shown), room, theme));
    if let Some(why) = shown.delivery.breaker.why() {
        lines.extend(wrapped(why, room, theme.bad));
    }
    lines.push(row(&under_way(shown), room, theme));
    lines.push(answers(shown, room, theme));
    lines.extend(shown.answers.iter().map(|(answer, count)| {
        let name = text::fit(answer, 12);
        row(&[cell(&name, grouped(*count), Tone::Plain)], room, theme)
    }));
    lines.push(Line::default());
    lines.push(heading("Sampled events at Customer.io"));
    lines.extend(verification::lines(shown, room, theme));
    lines.push(Line::default());
    lines.push(heading("Dead letters by reason"));
    if shown.dead_letters.is_empty() {
        lines.push(Line::styled(" none", theme.dim));
    }
    for letter in shown.dead_letters.iter() {
        lines.push(row::line(letter, false, room, theme));
    }
    lines
}

/// The problem that blocks delivery or the feed.
fn trouble(shown: &Snapshot, room: usize, theme: &Theme) -> Vec<Line<'static>> {
    let delivery = &shown.delivery;
    if let Some(fault) = &delivery.spool.fault {
        return wrapped(fault, room, theme.bad);
    }
    if delivery.spool.full {
        let message =
            "the spool has reached its quota: the feed is paused until items are delivered";
        return wrapped(message, room, theme.bad);
    }
    match &delivery.breaker {
        BreakerState::Refused { why, .. } => return wrapped(why, room, theme.bad),
        BreakerState::Open { why, since_ms, .. } => {
            let since = duration((shown.at_ms - since_ms).max(0));
            return wrapped(&format!("down for {since}: {why}"), room, theme.bad);
        }
        BreakerState::Closed => {}
    }
    if let Some(until) = delivery.throttled_until_ms {
        let left = duration((until - shown.at_ms).max(0));
        let message = format!("Customer.io throttles (429): retry in {left}");
        return wrapped(&message, room, theme.warn);
    }
    if delivery.gate_shut && delivery.spool.items > 0 {
        let message = "the gate is not open: items in the spool stay queued";
        return wrapped(message, room, theme.warn);
    }
    Vec::new()
}

fn wrapped(message: &str, room: usize, style: Style) -> Vec<Line<'static>> {
    text::wrap(message, room)
        .into_iter()
        .map(|line| Line::styled(format!(" {line}"), style))
        .collect()
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
        .map_or_else(|| "–".to_owned(), text::percent_of_all);
    let tone = if t.not_delivered() > 0 {
        Tone::Warn
    } else {
        Tone::Plain
    };
    vec![
        cell("delivered", rate, tone),
        cell(
            "first attempt",
            grouped(t.success_on_first_attempt),
            Tone::Plain,
        ),
        cell("after retry", grouped(t.success_after_retry), Tone::Plain),
    ]
}

/// Latencies of the last minutes. A narrow pane names the time in fewer words.
fn latencies(shown: &Snapshot, room: usize) -> Vec<Cell> {
    let l = &shown.latency;
    let none = if l.count == 0 {
        Some("–".to_owned())
    } else {
        None
    };
    let ms = |ms: u64| none.clone().unwrap_or_else(|| duration(ms as i64));
    let lag = shown.feed_lag_ms.map_or_else(|| "–".to_owned(), duration);
    vec![
        cell(
            match room {
                0..50 => "10 m: p50",
                50..70 => "10 min: p50",
                _ => "last 10 min: p50",
            },
            ms(l.p50_ms),
            Tone::Plain,
        ),
        cell("p95", ms(l.p95_ms), Tone::Plain),
        cell("p99", ms(l.p99_ms), Tone::Plain),
        cell("feed lag", lag, Tone::Plain),
    ]
}

fn spool(shown: &Snapshot) -> Vec<Cell> {
    let spool = &shown.delivery.spool;
    let oldest_ms = spool.oldest_ms.map_or(0, |at| (shown.at_ms - at).max(0));
    // Items normally wait up to a second for their batch.
    let oldest = if spool.items > 0 && oldest_ms >= 1_000 {
        format!(", oldest {}", duration(oldest_ms))
    } else {
        String::new()
    };
    let tone = above_zero(u64::from(oldest_ms >= 60_000) * spool.items, Tone::Warn);
    vec![
        cell("spool", format!("{}{oldest}", grouped(spool.items)), tone),
        cell(
            "dead letters",
            match spool.dead_letters {
                0 => "0".to_owned(),
                letters => format!("{} (l lists)", grouped(letters)),
            },
            above_zero(spool.dead_letters, Tone::Bad),
        ),
    ]
}

fn quota(shown: &Snapshot) -> Vec<Cell> {
    let spool = &shown.delivery.spool;
    let size = |n: u64| text::bytes(n as usize);
    let tone = if spool.full {
        Tone::Bad
    } else if spool.is_nearly_full() {
        Tone::Warn
    } else {
        Tone::Plain
    };
    let used = format!("{} of {}", size(spool.bytes), size(spool.quota_bytes));
    vec![
        cell("on disk", used, tone),
        cell("dead letters", size(spool.dead_letter_bytes), Tone::Plain),
        cell("full", format!("{} %", spool.percent()), tone),
        cell("carried over", grouped(spool.carried), Tone::Plain),
        cell(
            "lost",
            grouped(spool.lost),
            above_zero(spool.lost, Tone::Bad),
        ),
    ]
}

fn destination(shown: &Snapshot) -> Vec<Cell> {
    let delivery = &shown.delivery;
    let (breaker, tone) = match &delivery.breaker {
        BreakerState::Closed => ("closed: requests are sent".to_owned(), Tone::Plain),
        BreakerState::Open {
            since_ms, probe_ms, ..
        } => {
            let since = duration((shown.at_ms - since_ms).max(0));
            let next = duration((probe_ms - shown.at_ms).max(0));
            (format!("open for {since}, retry in {next}"), Tone::Bad)
        }
        BreakerState::Refused { since_ms, .. } => {
            let since = duration((shown.at_ms - since_ms).max(0));
            (
                format!("open for {since}, until the credentials change or T"),
                Tone::Bad,
            )
        }
    };
    vec![
        cell(
            "server",
            delivery.server.clone().unwrap_or_else(|| "–".to_owned()),
            Tone::Plain,
        ),
        cell("breaker", breaker, tone),
    ]
}

fn undelivered(shown: &Snapshot) -> Vec<Cell> {
    let t = &shown.totals;
    vec![
        cell("events delivered", grouped(t.delivered), Tone::Plain),
        cell(
            "expired",
            grouped(t.expired),
            above_zero(t.expired, Tone::Bad),
        ),
        cell(
            "discarded",
            grouped(t.discarded),
            above_zero(t.discarded, Tone::Bad),
        ),
    ]
}

fn under_way(shown: &Snapshot) -> Vec<Cell> {
    let delivery = &shown.delivery;
    let next = delivery
        .next_retry_ms
        .map(|at| format!(", next in {}", duration((at - shown.at_ms).max(0))))
        .unwrap_or_default();
    let limit = f64::from(delivery.rate_limit);
    let rate = if delivery.rate < limit {
        (format!("{:.1} of {limit}/s", delivery.rate), Tone::Warn)
    } else {
        (format!("{limit}/s"), Tone::Plain)
    };
    let mut cells = vec![
        cell(
            "retrying",
            format!("{}{next}", grouped(delivery.retrying)),
            above_zero(delivery.retrying, Tone::Warn),
        ),
        cell("in flight", delivery.in_flight.to_string(), Tone::Plain),
        cell("rate limit", rate.0, rate.1),
    ];
    // A rate that was learned from 429s slows delivery down: it comes first, where it is never cut.
    if delivery.rate < limit {
        cells.rotate_right(1);
    }
    cells
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

/// The answers by status, with a bar for the share of 200.
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
