//! What lies over everything: the help, questions, the palette, the drain.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::filter::Mode;
use crate::limits::grouped;
use crate::tui::frame::focus::Pane;
use crate::tui::history::Entry;
use crate::tui::keymap::Place;
use crate::tui::state::{Confirm, Palette, Popup, State};
use crate::tui::theme::{Sign, Theme};
use crate::tui::view::{editor, presets, watches};
use crate::tui::widget::list::scroll;
use crate::tui::widget::{pane, text};
use crate::tui::{copy, export};

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    if state.draining {
        draining(frame, area, state, theme);
        return;
    }
    match &state.popup {
        Some(Popup::Help(scroll)) => help(frame, area, *scroll, state, theme),
        Some(Popup::Confirm(confirm)) => question(frame, area, confirm, state, theme),
        Some(Popup::Rule(open)) => editor::render(frame, area, open, state, theme),
        Some(Popup::Copy) => {
            let choices = copy::CHOICES.iter().map(|(key, _, says)| (*key, *says));
            choice(frame, area, "Copy", choices, theme);
        }
        Some(Popup::Export) => {
            let choices = export::CHOICES.iter().copied();
            choice(frame, area, "Write events to a file", choices, theme);
        }
        Some(Popup::History(scroll)) => history(frame, area, *scroll, state, theme),
        Some(Popup::Watches(list)) => watches::render(frame, area, list, state, theme),
        Some(Popup::Presets(open)) => presets::render(frame, area, open, state, theme),
        Some(Popup::Palette(open)) => palette(frame, area, open, state, theme),
        Some(Popup::Find(_) | Popup::ForTime(_) | Popup::GoTo(_)) | None => {}
    }
}

/// The columns that the help has for a name.
const NAME: usize = 19;

fn help(frame: &mut Frame<'_>, area: Rect, scroll: usize, state: &State, theme: &Theme) {
    let room = pane::centred(area, 96, area.height.saturating_sub(2));
    let inside = pane::frame(
        frame,
        room,
        "Keys",
        "↑ ↓ scroll, any other key closes",
        true,
        theme,
    );
    let mut places = [
        ("Everywhere", Place::Anywhere),
        ("Send events", Place::In(Pane::Filters)),
        ("A draft of the filters", Place::Draft),
        ("Events", Place::In(Pane::Events)),
        ("Throughput", Place::In(Pane::Throughput)),
        ("While an event is inspected", Place::Inspector),
        ("The events of a person", Place::Person),
        ("Where a limit is broken", Place::Limit),
        ("The properties of a type", Place::Properties),
        ("Dead letters", Place::Letters),
    ];
    // Where one is comes first.
    let scene = state.scene();
    places.sort_by_key(|(_, place)| (!place.is_at(scene), place.width()));
    let width = usize::from(inside.width).max(40);
    let mut lines = Vec::new();
    for (name, place) in places {
        lines.push(Line::styled(format!(" {name}"), theme.accent));
        for binding in state.keymap.bindings().iter().filter(|b| b.place == place) {
            let keys = format!("   {}", text::fit(&binding.keys.join("  "), 14));
            let name = text::fit(&format!(":{}", binding.name), NAME);
            let room = width.saturating_sub(17 + NAME);
            for (index, says) in text::wrap(binding.help, room).into_iter().enumerate() {
                let (keys, name) = match index {
                    0 => (keys.clone(), name.clone()),
                    _ => (" ".repeat(17), " ".repeat(NAME)),
                };
                lines.push(Line::from(vec![
                    Span::styled(keys, theme.key),
                    Span::styled(name, theme.dim),
                    Span::styled(says, theme.text),
                ]));
            }
        }
        lines.push(Line::default());
    }
    lines.push(Line::styled(" Signs", theme.accent));
    for (sign, says) in [
        (Sign::Delivered, "delivered"),
        (Sign::OnItsWay, "accepted, on its way"),
        (Sign::Waiting, "an attempt failed, it will be tried again"),
        (Sign::Warned, "accepted, and breaks a limit that only warns"),
        (Sign::DryRun, "dry run: it would be sent"),
        (
            Sign::Filtered,
            "held back: its type is off, a rule, or the gate is shut",
        ),
        (
            Sign::Rejected,
            "a limit rejects it, or Customer.io refused it",
        ),
        (Sign::Malformed, "a frame that holds no event"),
    ] {
        lines.push(Line::from(vec![
            Span::styled(format!("   {}  ", theme.sign(sign)), theme.key),
            Span::styled(says, theme.text),
        ]));
    }
    let most = lines.len().saturating_sub(usize::from(inside.height));
    let scroll = scroll.min(most) as u16;
    frame.render_widget(Paragraph::new(lines).scroll((scroll, 0)), inside);
}

fn question(frame: &mut Frame<'_>, area: Rect, confirm: &Confirm, state: &State, theme: &Theme) {
    let (title, mut lines) = asked(confirm, state);
    lines.retain(|line| !line.is_empty());
    let widest = lines
        .iter()
        .map(|line| text::width(line))
        .max()
        .unwrap_or(0)
        .max(36) as u16;
    let room = pane::centred(
        area,
        (widest + 6).min(area.width - 4),
        lines.len() as u16 + 5,
    );
    let inside = pane::frame(frame, room, title, "", true, theme);
    let width = usize::from(inside.width).saturating_sub(4);
    let mut drawn = vec![Line::default()];
    drawn.extend(
        lines
            .iter()
            .map(|line| Line::styled(format!("  {}", text::cut(line, width)), theme.text)),
    );
    drawn.push(Line::default());
    drawn.push(Line::from(vec![
        Span::styled("  y", theme.key),
        Span::styled(" yes    ", theme.dim),
        Span::styled("n", theme.key),
        Span::styled(" no", theme.dim),
    ]));
    frame.render_widget(Paragraph::new(drawn), inside);
}

/// The question, and what the answer yes does.
fn asked(confirm: &Confirm, state: &State) -> (&'static str, Vec<String>) {
    let workspace = &state.labels.workspace;
    let destination = &state.labels.destination;
    match confirm {
        Confirm::Gate(Mode::Open) => (
            "Open the gate?",
            vec![
                format!("Events will be sent to {workspace}"),
                format!("({destination}),"),
                "and people can get messages because of them.".to_owned(),
                match state.snapshot.delivery.spool.items {
                    0 => String::new(),
                    items => format!("{} items in the spool go out first.", grouped(items)),
                },
            ],
        ),
        Confirm::Gate(Mode::Shut) => (
            "Shut the gate?",
            vec![
                format!("Nothing more will be sent to {workspace}."),
                "What is in the spool waits. Events that come by meanwhile".to_owned(),
                "are held back, not kept.".to_owned(),
            ],
        ),
        Confirm::Gate(Mode::DryRun) => (
            "Into dry run?",
            vec![
                format!("Events are decided and mapped; none is sent to {workspace}."),
                "What comes by meanwhile is not kept.".to_owned(),
            ],
        ),
        Confirm::Resume => (
            "Try again?",
            vec![
                state
                    .snapshot
                    .delivery
                    .breaker
                    .why()
                    .unwrap_or_default()
                    .to_owned(),
                format!(
                    "{} items wait in the spool for {workspace}.",
                    grouped(state.snapshot.delivery.spool.items)
                ),
            ],
        ),
        Confirm::RetryLetters(_, count) => (
            "Try them again?",
            vec![
                format!("{} dead letters go back into the spool,", grouped(*count)),
                format!("and to {workspace}."),
            ],
        ),
        Confirm::DiscardLetters(_, 1) => (
            "Discard the dead letter?",
            vec!["It is gone for good; e exports it first.".to_owned()],
        ),
        Confirm::DiscardLetters(_, count) => (
            "Discard the dead letters?",
            vec![
                format!("{} of them are gone for good.", grouped(*count)),
                "Their row can be exported first, with e.".to_owned(),
            ],
        ),
        Confirm::Quit => (
            "Quit?",
            vec![
                format!("Forwarding to {workspace} stops."),
                "What is under way is delivered first; what can't be now".to_owned(),
                "stays in the spool for the next start.".to_owned(),
            ],
        ),
    }
}

fn draining(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let delivery = &state.snapshot.delivery;
    let room = pane::centred(area, 64, 8);
    let inside = pane::frame(frame, room, "Draining", "", true, theme);
    let items = grouped(delivery.spool.items);
    let says = match delivery.breaker.why() {
        Some(_) => "Customer.io is down: what waits stays in the spool.",
        None if delivery.gate_shut => "The gate is not open: what waits stays in the spool.",
        None => "",
    };
    let lines = vec![
        Line::default(),
        Line::styled(
            format!(
                "  {items} items are in the spool, {} requests are out.",
                delivery.in_flight
            ),
            theme.text,
        ),
        Line::styled(format!("  {says}"), theme.warn),
        Line::default(),
        Line::from(vec![
            Span::styled("  q", theme.key),
            Span::styled(
                " leaves at once; the rest goes out at the next start",
                theme.dim,
            ),
        ]),
    ];
    frame.render_widget(Paragraph::new(lines), inside);
}

/// All that can be done, found by a few letters.
fn palette(frame: &mut Frame<'_>, area: Rect, open: &Palette, state: &State, theme: &Theme) {
    let rows = (area.height - 2).min(20);
    let room = pane::centred(area, 92.min(area.width.saturating_sub(2)), rows);
    let keys = "Enter does it, Esc closes";
    let inside = pane::frame(frame, room, "Commands", keys, true, theme);
    let width = usize::from(inside.width);
    let height = usize::from(inside.height).saturating_sub(1);
    let found = state.keymap.palette(open.input.value(), state.scene());
    let row = open.row.min(found.len().saturating_sub(1));
    let mut lines = vec![Line::from(vec![
        Span::styled(" : ", theme.key),
        Span::styled(
            text::cut(open.input.value(), width.saturating_sub(4)),
            theme.text,
        ),
    ])];
    let first = scroll(row, height, found.len());
    for (index, binding) in found.iter().enumerate().skip(first).take(height) {
        let line = Line::from(vec![
            Span::styled(
                format!(
                    " {}",
                    text::fit(binding.keys.first().map_or("", String::as_str), 10)
                ),
                theme.key,
            ),
            Span::styled(text::fit(binding.name, 18), theme.accent),
            Span::styled(
                text::fit(binding.help, width.saturating_sub(29)),
                theme.text,
            ),
        ]);
        let line = if index == row {
            line.patch_style(theme.selected)
        } else {
            line
        };
        lines.push(line);
    }
    if found.is_empty() {
        lines.push(Line::styled(" nothing is called so", theme.dim));
    }
    frame.render_widget(Paragraph::new(lines), inside);
    let column = (3 + open.input.visual_cursor()).min(width.saturating_sub(1)) as u16;
    frame.set_cursor_position((inside.x + column, inside.y));
}

/// A choice of a few, each with its key.
fn choice<'c>(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    choices: impl Iterator<Item = (char, &'c str)>,
    theme: &Theme,
) {
    let line = |(key, says): (char, &'c str)| {
        Line::from(vec![
            Span::styled(format!("  {key}"), theme.key),
            Span::styled(format!("  {says}"), theme.text),
        ])
    };
    let mut lines = vec![Line::default()];
    lines.extend(choices.map(line));
    let room = pane::centred(area, 56, lines.len() as u16 + 3);
    let inside = pane::frame(frame, room, title, "Esc closes", true, theme);
    frame.render_widget(Paragraph::new(lines), inside);
}

/// What was changed of the filters, the newest first.
fn history(frame: &mut Frame<'_>, area: Rect, scroll: usize, state: &State, theme: &Theme) {
    let log = state.history.log();
    let rows = (log.len() as u16 + 2).clamp(5, area.height - 2);
    let room = pane::centred(area, 108.min(area.width.saturating_sub(2)), rows);
    let title = "Changes of the filters";
    let keys = "s writes them to a file, u takes the last back, Esc closes";
    let inside = pane::frame(frame, room, title, keys, true, theme);
    if log.len() == 0 {
        let line = Line::styled(" none since the screen was opened", theme.dim);
        frame.render_widget(Paragraph::new(line), inside);
        return;
    }
    let width = usize::from(inside.width).saturating_sub(22);
    let height = usize::from(inside.height);
    let scroll = scroll.min(log.len().saturating_sub(height));
    let line = |entry: &Entry| {
        let clock = time::to_seconds(entry.at_ms);
        Line::from(vec![
            Span::styled(format!(" {clock} "), theme.dim),
            Span::styled(text::fit(entry.way.word(), 11), theme.accent),
            Span::styled(text::cut(&entry.says(), width), theme.text),
        ])
    };
    let lines: Vec<Line<'_>> = log.rev().skip(scroll).take(height).map(line).collect();
    frame.render_widget(Paragraph::new(lines), inside);
}
