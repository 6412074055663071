//! Drawing a relay's screen.
//!
//! ```text
//! ┌ header ──────────────────────────────────┐  where it is, events, clients, the time
//! ├ events in ─────────┬ kept ───────────────┤  rates and their course │ ring and log
//! ├ sources ───────────┴─────────────────────┤  who sends
//! ├ clients ─────────────────────────────────┤  who reads, and how far behind
//! ├ log ─────────────────────────────────────┤  what happened
//! └ footer ──────────────────────────────────┘  keys
//! ```

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::feed::usage::Usage;
use crate::text::{duration, grouped};
use crate::tui::relay::layout::{Pane, rooms};
use crate::tui::relay::lists::{readers, senders};
use crate::tui::relay::state::State;
use crate::tui::widget::ascii::to_ascii;
use crate::tui::widget::headline::headline;
use crate::tui::widget::sparkline::sparkline;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::too_small::too_small;
use crate::tui::widget::{pane, text};

/// Below this the panes can't be told apart.
const LEAST: (u16, u16) = (80, 24);

const KEYS: [(&str, &str); 5] = [
    ("Tab", "pane"),
    ("↑↓", "scroll"),
    ("C", "colours"),
    ("?", "help"),
    ("q", "quit"),
];

/// Draws the screen.
pub fn draw(frame: &mut Frame<'_>, state: &State, theme: &Theme) {
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

fn panes(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let [top, upper, sources, clients, log, bottom] = rooms(area);
    let [coming, kept] =
        Layout::horizontal([Constraint::Percentage(44), Constraint::Percentage(56)]).areas(upper);
    header(frame, top, state, theme);
    events_in(frame, coming, state, theme);
    keeps(frame, kept, state, theme);
    let inside = list(frame, sources, Pane::Sources, state, theme);
    senders(frame, inside, state, theme);
    let inside = list(frame, clients, Pane::Clients, state, theme);
    readers(frame, inside, state, theme);
    let inside = list(frame, log, Pane::Log, state, theme);
    happened(frame, inside, state, theme);
    footer(frame, bottom, state, theme);
    if state.help {
        help(frame, area, state, theme);
    }
}

fn header(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let own = &state.standing;
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

fn events_in(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let inside = pane::frame(frame, area, "Events", "", false, theme);
    let own = &state.standing;
    let room = usize::from(inside.width).saturating_sub(2);
    let points = state.course.len().saturating_sub(room);
    let course: Vec<f64> = state.course.iter().skip(points).copied().collect();
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
            format!(" {}", sparkline(&course, 5.0, theme.ascii)),
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

/// What is kept for clients that come back.
fn keeps(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let inside = pane::frame(frame, area, "Kept for who comes back", "", false, theme);
    let own = &state.standing;
    let room = usize::from(inside.width).saturating_sub(2);
    let mut lines = vec![usage_line("ring", &own.ring, room, theme)];
    match &own.log {
        None => {
            let says = "nothing on disk: what has left the ring is gone (--retain 24h keeps it)";
            lines.extend(told(says, room, theme.dim));
        }
        Some(log) => {
            lines.push(usage_line("log", &log.usage, room, theme));
            match log.fault.as_ref().or(log.damage.description.as_ref()) {
                Some(why) => lines.extend(told(why, room, theme.bad)),
                None => {
                    let keep = duration(log.retention_ms as i64);
                    let says = format!("on disk for {keep}; what was answered is safe");
                    lines.extend(told(&says, room, theme.dim));
                }
            }
        }
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

fn told(says: &str, room: usize, style: Style) -> Vec<Line<'static>> {
    let lines = text::wrap(says, room).into_iter();
    lines
        .map(|line| Line::styled(format!(" {line}"), style))
        .collect()
}

/// How full something is: a bar, its size, how far it goes back.
fn usage_line(name: &str, usage: &Usage, room: usize, theme: &Theme) -> Line<'static> {
    let size = |bytes: u64| text::bytes(bytes as usize);
    let sizes = format!("{} of {}", size(usage.bytes), size(usage.max_bytes));
    let back = format!("{} back", duration(usage.age_ms));
    let says = format!("{sizes}  {} messages, {back}", grouped(usage.messages));
    // A bar tells more at a glance than how many messages there are.
    let says = if says.len() + 14 <= room {
        says
    } else {
        format!("{sizes}, {back}")
    };
    let bar_room = room.saturating_sub(text::width(&says) + 7).min(24);
    let share = usage.bytes as f64 / usage.max_bytes.max(1) as f64;
    let filled = ((share * bar_room as f64).ceil() as usize).min(bar_room);
    let bar = theme.sign(Sign::Bar).repeat(filled);
    let rest = theme.sign(Sign::Filtered).repeat(bar_room - filled);
    Line::from(vec![
        Span::styled(format!(" {name:<5}"), theme.dim),
        Span::styled(bar, theme.accent),
        Span::styled(rest, theme.dim),
        Span::styled(
            format!(" {}", text::cut(&says, room.saturating_sub(6))),
            theme.text,
        ),
    ])
}

/// The frame of a list, with how many there are of it.
fn list(frame: &mut Frame<'_>, area: Rect, which: Pane, state: &State, theme: &Theme) -> Rect {
    let own = &state.standing;
    let (title, count) = match which {
        Pane::Sources => ("Sources", own.sources.len()),
        Pane::Clients => ("Clients", own.clients.len()),
        Pane::Log => ("Log", state.lines.len()),
    };
    let shown = state.shown(which);
    let right = match shown.len() {
        all if all == count => String::new(),
        _ => format!("{}-{} of {count}", shown.start + 1, shown.end),
    };
    pane::frame(frame, area, title, &right, state.focus == which, theme)
}

fn happened(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let room = usize::from(area.width).saturating_sub(11);
    let rows = state.shown(Pane::Log);
    let lines = state.lines[rows].iter().map(|line| {
        let style = match line.says.split(' ').next() {
            Some("ERROR") => theme.bad,
            Some("WARN") => theme.warn,
            _ => theme.text,
        };
        Line::from(vec![
            Span::styled(
                format!(" {} ", time::to_clock_seconds(line.at_ms)),
                theme.dim,
            ),
            Span::styled(text::cut(&line.says, room), style),
        ])
    });
    let lines: Vec<Line<'_>> = lines.collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn footer(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    if state.leaving {
        let clients = clients(state.standing.clients.len());
        let says = format!(" {clients} on this feed: leave them without it? y/n");
        frame.render_widget(Paragraph::new(Line::styled(says, theme.warn)), area);
        return;
    }
    let spans = KEYS.iter().flat_map(|(key, says)| {
        [
            Span::styled(format!(" {key}"), theme.key),
            Span::styled(format!(" {says}  "), theme.dim),
        ]
    });
    frame.render_widget(Paragraph::new(spans.collect::<Line<'_>>()), area);
}

fn help(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let webhook = format!("{}/webhook", state.labels.url);
    let sdks = format!("{}/2/httpapi or /batch", state.labels.url);
    let says = [
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
    let room = pane::centred(area, 74, says.len() as u16 + 2);
    let inside = pane::frame(frame, room, "Relay", "any key closes", true, theme);
    let width = usize::from(inside.width).saturating_sub(12);
    let lines = says.iter().map(|(name, says)| {
        Line::from(vec![
            Span::styled(format!(" {} ", text::fit(name, 9)), theme.key),
            Span::styled(text::cut(says, width), theme.text),
        ])
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inside);
}
