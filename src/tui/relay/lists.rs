//! The lists of senders and clients.

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::feed::server::{ClientStatus, display_name};
use crate::relay::sources::SourceStatus;
use crate::text::{duration, grouped};
use crate::tui::relay::layout::RelayPane;
use crate::tui::relay::state::RelayState;
use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;

/// Lag from which on a client is highlighted, in milliseconds.
pub(crate) const LATE_MS: i64 = 60_000;

pub(crate) fn senders(frame: &mut Frame<'_>, area: Rect, state: &RelayState, theme: &Theme) {
    let room = usize::from(area.width);
    // Path, address, user agent, four figures; and the last refusal if there is room.
    let figures = [8, 11, 8, 8];
    let taken = 10 + 15 + figures.iter().sum::<usize>() + 8;
    let left = room.saturating_sub(taken);
    let (agent, why) = match left {
        50.. => (24, left - 26),
        _ => (left, 0),
    };
    let columns = [
        10, 15, agent, figures[0], figures[1], figures[2], figures[3], why,
    ];
    let line = |message: [Cow<'_, str>; 8], styles: [Style; 8]| {
        let shown = if why > 0 { 8 } else { 7 };
        let cells = message.into_iter().zip(columns).zip(styles).take(shown);
        let cells: Vec<_> = cells
            .map(|((message, room), style)| Cell(message, room, style))
            .collect();
        let mut line = row(&cells[..7], 3);
        if let [Cell(message, room, style)] = &cells[7..] {
            let message = text::fit(message, *room);
            line.push_span(Span::styled(format!("  {message}"), *style));
        }
        line
    };
    let head = [
        "path",
        "address",
        "user agent",
        "events/s",
        "events",
        "refused",
        "last",
        "last refusal",
    ];
    let mut lines = vec![line(head.map(Cow::Borrowed), [theme.dim; 8])];
    let sources = &state.status.sources;
    let rows = state.shown(RelayPane::Sources);
    for source in &sources[rows] {
        lines.push(line(sender(source, state), sender_styles(source, theme)));
    }
    if sources.is_empty() {
        let message = format!("no sender yet: POST {}/webhook", state.labels.url);
        lines.push(Line::styled(
            format!(" {}", text::cut(&message, room)),
            theme.dim,
        ));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn sender<'s>(source: &'s SourceStatus, state: &RelayState) -> [Cow<'s, str>; 8] {
    let refusal = source.last_refusal.as_ref();
    let refusal = refusal.map_or_else(String::new, |(status, why)| format!("{status} {why}"));
    [
        source.endpoint.path().into(),
        source.address.to_string().into(),
        source.agent.as_str().into(),
        text::rate(state.rate_of(source)).into(),
        grouped(source.events).into(),
        grouped(source.refused).into(),
        duration((state.status.at_ms - source.last_ms).max(0)).into(),
        refusal.into(),
    ]
}

fn sender_styles(source: &SourceStatus, theme: &Theme) -> [Style; 8] {
    let refused = if source.refused > 0 {
        theme.warn
    } else {
        theme.dim
    };
    let text = theme.text;
    [
        text, text, theme.dim, text, text, refused, theme.dim, refused,
    ]
}

pub(crate) fn readers(frame: &mut Frame<'_>, area: Rect, state: &RelayState, theme: &Theme) {
    let room = usize::from(area.width);
    let figures = [9, 12, 10, 9, 9, 9];
    let name = room.saturating_sub(figures.iter().sum::<usize>() + 8);
    let line = |message: [Cow<'_, str>; 7], styles: [Style; 7]| {
        let columns = std::iter::once(name).chain(figures);
        let cells = message.into_iter().zip(columns).zip(styles);
        let cells: Vec<_> = cells
            .map(|((message, room), style)| Cell(message, room, style))
            .collect();
        row(&cells, 1)
    };
    let head = [
        "name or address",
        "events/s",
        "sent",
        "behind",
        "lag",
        "acked",
        "connected",
    ];
    let mut lines = vec![line(head.map(Cow::Borrowed), [theme.dim; 7])];
    let clients = &state.status.clients;
    let rows = state.shown(RelayPane::Clients);
    for client in &clients[rows] {
        let late = if client.lag_ms >= LATE_MS {
            theme.warn
        } else {
            theme.text
        };
        let styles = [
            theme.text, theme.text, theme.text, late, late, theme.dim, theme.dim,
        ];
        lines.push(line(reader(client, state), styles));
    }
    if clients.is_empty() {
        let message = format!("no client: feed.url = \"{}\"", state.labels.feed_url);
        lines.push(Line::styled(
            format!(" {}", text::cut(&message, room)),
            theme.dim,
        ));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn reader<'c>(client: &'c ClientStatus, state: &RelayState) -> [Cow<'c, str>; 7] {
    let name = display_name(&client.name);
    let behind = client.behind.map_or("in log".into(), grouped);
    let lag = match client.lag_ms {
        0 => "none".to_owned(),
        ms => duration(ms),
    };
    let acknowledged = client.acknowledged_ms.map_or("never".into(), duration);
    [
        name.into(),
        text::rate(state.rate_to(client)).into(),
        grouped(client.sent).into(),
        behind.into(),
        lag.into(),
        acknowledged.into(),
        duration((state.status.at_ms - client.since_ms).max(0)).into(),
    ]
}

/// A cell of a table: text, width in columns, style.
struct Cell<'t>(Cow<'t, str>, usize, Style);

fn row(cells: &[Cell<'_>], left: usize) -> Line<'static> {
    let spans = cells
        .iter()
        .enumerate()
        .map(|(index, Cell(message, room, style))| {
            let message = if index < left {
                text::fit(message, *room)
            } else {
                text::fit_right(message, *room)
            };
            Span::styled(format!(" {message}"), *style)
        });
    Line::from(spans.collect::<Vec<_>>())
}
