//! Drawing the screen of a relay.
//!
//! ```text
//! ┌ header ──────────────────────────────────┐  address, state, clients, the time
//! ├ events ────────────┬ kept ───────────────┤  rates and history │ ring and log
//! ├ sources ───────────┴─────────────────────┤  the senders
//! ├ clients ─────────────────────────────────┤  the readers, and their lag
//! ├ log ─────────────────────────────────────┤  log messages
//! └ footer ──────────────────────────────────┘  keys
//! ```

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::feed::usage::Usage;
use crate::text::{counted, duration, grouped};
use crate::tui::relay::layout::{RelayPane, areas};
use crate::tui::relay::lists::{readers, senders};
use crate::tui::relay::state::RelayState;
use crate::tui::widget::ascii::to_ascii;
use crate::tui::widget::headline::headline;
use crate::tui::widget::sparkline::sparkline;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::too_small::too_small;
use crate::tui::widget::{pane, text};

/// Minimum size for the panes, in columns and rows.
const LEAST: (u16, u16) = (80, 24);

const KEYS: [(&str, &str); 5] = [
    ("Tab", "pane"),
    ("↑↓", "scroll"),
    ("C", "colours"),
    ("?", "help"),
    ("q", "quit"),
];

/// Draws the screen.
pub fn draw(frame: &mut Frame<'_>, state: &RelayState, theme: &Theme) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(frame, LEAST, theme);
    } else {
        panes(frame, area, state, theme);
    }
    if theme.ascii {
        to_ascii(frame.buffer_mut());
    }
}

fn panes(frame: &mut Frame<'_>, area: Rect, state: &RelayState, theme: &Theme) {
    let [top, upper, sources, clients, log, bottom] = areas(area);
    let [coming, kept] =
        Layout::horizontal([Constraint::Percentage(44), Constraint::Percentage(56)]).areas(upper);
    header(frame, top, state, theme);
    events_in(frame, coming, state, theme);
    keeps(frame, kept, state, theme);
    let inside = list(frame, sources, RelayPane::Sources, state, theme);
    senders(frame, inside, state, theme);
    let inside = list(frame, clients, RelayPane::Clients, state, theme);
    readers(frame, inside, state, theme);
    let inside = list(frame, log, RelayPane::Log, state, theme);
    happened(frame, inside, state, theme);
    footer(frame, bottom, state, theme);
    if state.help {
        help(frame, area, state, theme);
    }
}

fn header(frame: &mut Frame<'_>, area: Rect, state: &RelayState, theme: &Theme) {
    let own = &state.status;
    let clock = format!("{}Z ", time::to_clock_seconds(own.at_ms));
    let fault = own.log.as_ref().and_then(|log| log.fault.as_ref());
    let lost = own.log.as_ref().and_then(|log| log.damage.summary());
    let attention = theme.sign(Sign::Attention);
    let serving = match (fault, lost) {
        (Some(_), _) => (
            format!(" {attention} THE LOG CAN'T BE WRITTEN "),
            theme.shut,
        ),
        (None, Some(lost)) => (format!(" {attention} {} ", lost.to_uppercase()), theme.shut),
        (None, None) => (format!("{} serving", theme.sign(Sign::Live)), theme.good),
    };
    let up = duration((own.at_ms - own.since_ms).max(0));
    let parts = [
        (" relay".to_owned(), theme.accent),
        (state.labels.url.clone(), theme.text),
        serving,
        (clients(own.clients.len()), theme.text),
        (format!("up {up}"), theme.dim),
    ];
    let line = headline(parts, (clock, theme.dim), usize::from(area.width));
    frame.render_widget(Paragraph::new(line), area);
}

fn clients(count: usize) -> String {
    match count {
        1 => "1 client".to_owned(),
        _ => format!("{count} clients"),
    }
}

fn events_in(frame: &mut Frame<'_>, area: Rect, state: &RelayState, theme: &Theme) {
    let inside = pane::frame(frame, area, pane::Title::left("Events"), false, theme);
    let own = &state.status;
    let room = usize::from(inside.width).saturating_sub(2);
    let points = state.history.len().saturating_sub(room);
    let history: Vec<f64> = state.history.iter().skip(points).copied().collect();
    let refused = if own.refused > 0 {
        theme.warn
    } else {
        theme.text
    };
    let pair = |name: &'static str, value: String, style: Style| {
        [
            Span::styled(format!(" {name} "), theme.dim),
            Span::styled(text::fit(&value, 10), style),
        ]
    };
    let mut rates = Vec::from(pair("in", text::rate(state.rate_in()), theme.text));
    rates.extend(pair("out", text::rate(state.rate_out()), theme.text));
    let mut totals = Vec::from(pair("received", grouped(own.received), theme.text));
    totals.extend(pair("refused", grouped(own.refused), refused));
    let lines = vec![
        Line::from(rates),
        Line::styled(
            format!(" {}", sparkline(&history, 5.0, theme.ascii)),
            theme.good,
        ),
        Line::from(totals),
        Line::styled(
            format!(" {}", text::cut(&state.labels.asks, room)),
            theme.dim,
        ),
    ];
    frame.render_widget(Paragraph::new(lines), inside);
}

/// Draws the messages kept for clients that reconnect.
fn keeps(frame: &mut Frame<'_>, area: Rect, state: &RelayState, theme: &Theme) {
    let inside = pane::frame(
        frame,
        area,
        pane::Title::left("Kept for reconnecting clients"),
        false,
        theme,
    );
    let own = &state.status;
    let room = usize::from(inside.width).saturating_sub(2);
    let mut lines = vec![usage_line("ring", &own.ring, room, theme)];
    match &own.log {
        None => {
            let message =
                "nothing on disk: messages that leave the ring are gone (--retain 24h keeps them)";
            lines.extend(wrapped(message, room, theme.dim));
        }
        Some(log) => {
            lines.push(usage_line("log", &log.usage, room, theme));
            match log.fault.as_ref().or(log.damage.description.as_ref()) {
                Some(why) => lines.extend(wrapped(why, room, theme.bad)),
                None => {
                    let keep = duration(log.retention_ms as i64);
                    let message = format!("on disk for {keep}; confirmed events are safe");
                    lines.extend(wrapped(&message, room, theme.dim));
                }
            }
        }
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

fn wrapped(message: &str, room: usize, style: Style) -> Vec<Line<'static>> {
    let lines = text::wrap(message, room).into_iter();
    lines
        .map(|line| Line::styled(format!(" {line}"), style))
        .collect()
}

/// The usage of a store: a bar, its size, the age of its oldest message.
fn usage_line(name: &str, usage: &Usage, room: usize, theme: &Theme) -> Line<'static> {
    let size = |bytes: u64| text::bytes(bytes as usize);
    let sizes = format!("{} of {}", size(usage.bytes), size(usage.max_bytes));
    let back = format!("{} back", duration(usage.age_ms));
    let message = format!("{sizes}  {}, {back}", counted(usage.messages, "message"));
    // If room is short, the bar matters more than the number of messages.
    let message = if message.len() + 14 <= room {
        message
    } else {
        format!("{sizes}, {back}")
    };
    let bar_room = room.saturating_sub(text::width(&message) + 7).min(24);
    let share = usage.bytes as f64 / usage.max_bytes.max(1) as f64;
    let filled = ((share * bar_room as f64).ceil() as usize).min(bar_room);
    let bar = theme.sign(Sign::Bar).repeat(filled);
    let rest = theme.sign(Sign::Filtered).repeat(bar_room - filled);
    Line::from(vec![
        Span::styled(format!(" {name:<5}"), theme.dim),
        Span::styled(bar, theme.accent),
        Span::styled(rest, theme.dim),
        Span::styled(
            format!(" {}", text::cut(&message, room.saturating_sub(6))),
            theme.text,
        ),
    ])
}

/// Draws the border of a list, with the visible range.
fn list(
    frame: &mut Frame<'_>,
    area: Rect,
    which: RelayPane,
    state: &RelayState,
    theme: &Theme,
) -> Rect {
    let own = &state.status;
    let (title, count) = match which {
        RelayPane::Sources => ("Sources", own.sources.len()),
        RelayPane::Clients => ("Clients", own.clients.len()),
        RelayPane::Log => ("Log", state.lines.len()),
    };
    let shown = state.shown(which);
    let right = match shown.len() {
        all if all == count => String::new(),
        _ => format!("{}-{} of {count}", shown.start + 1, shown.end),
    };
    pane::frame(
        frame,
        area,
        pane::Title::both(title, &right),
        state.focus == which,
        theme,
    )
}

fn happened(frame: &mut Frame<'_>, area: Rect, state: &RelayState, theme: &Theme) {
    let room = usize::from(area.width).saturating_sub(11);
    let rows = state.shown(RelayPane::Log);
    let lines = state.lines[rows].iter().map(|line| {
        let style = match line.text.split(' ').next() {
            Some("ERROR") => theme.bad,
            Some("WARN") => theme.warn,
            _ => theme.text,
        };
        Line::from(vec![
            Span::styled(
                format!(" {} ", time::to_clock_seconds(line.at_ms)),
                theme.dim,
            ),
            Span::styled(text::cut(&line.text, room), style),
        ])
    });
    let lines: Vec<Line<'_>> = lines.collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn footer(frame: &mut Frame<'_>, area: Rect, state: &RelayState, theme: &Theme) {
    if state.leaving {
        let clients = clients(state.status.clients.len());
        let message = format!(" {clients} on this feed: quit anyway? y/n");
        frame.render_widget(Paragraph::new(Line::styled(message, theme.warn)), area);
        return;
    }
    let spans = KEYS.iter().flat_map(|(key, message)| {
        [
            Span::styled(format!(" {key}"), theme.key),
            Span::styled(format!(" {message}  "), theme.dim),
        ]
    });
    frame.render_widget(Paragraph::new(spans.collect::<Line<'_>>()), area);
}

fn help(frame: &mut Frame<'_>, area: Rect, state: &RelayState, theme: &Theme) {
    let webhook = format!("{}/webhook", state.labels.url);
    let sdks = format!("{}/2/httpapi or /batch", state.labels.url);
    let message = [
        ("webhooks", webhook.as_str()),
        ("SDKs", &sdks),
        ("the feed", &state.labels.feed_url),
        (
            "",
            "?types=A,B is for only these, ?last_received=ID goes on",
        ),
        ("", "behind a message, X-Client-Name names who reads"),
        ("", ""),
        (
            "behind",
            "messages that a client was not sent yet; “in log”: it",
        ),
        ("", "is sent what was kept on disk"),
        ("lag", "how old the oldest of those is"),
        ("acked", "how old what it has said to be safe is"),
        ("", ""),
        ("Tab", "to the next list"),
        ("↑ ↓", "scroll it; PgUp, PgDn, Home, End"),
        ("C", "other colours"),
        ("q", "quit: clients are sent what is there"),
    ];
    let room = pane::centred(area, 74, message.len() as u16 + 2);
    let inside = pane::frame(
        frame,
        room,
        pane::Title::both("Relay", "any key closes"),
        true,
        theme,
    );
    let width = usize::from(inside.width).saturating_sub(12);
    let lines = message.iter().map(|(name, message)| {
        Line::from(vec![
            Span::styled(format!(" {} ", text::fit(name, 9)), theme.key),
            Span::styled(text::cut(message, width), theme.text),
        ])
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inside);
}
