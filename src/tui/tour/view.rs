//! The tour, in the lower right corner: the panes that it explains stay visible.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::input::keymap::Command;
use crate::tui::state::State;
use crate::tui::tour::state::{STEPS, Tour};
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

/// Columns of the tour, with its border.
const COLUMNS: u16 = 72;
/// Columns for a key or a name.
const NAME: usize = 14;

/// The area of the tour at its step.
pub(crate) fn area_of(area: Rect, tour: Tour, state: &State) -> Rect {
    let theme = Theme::plain(false);
    let (_, rows) = step(tour, state, &theme);
    area_for(area, lines(rows, &theme).len())
}

/// The area for this number of lines: above the footer, whose keys are a part of what there is to
/// see.
fn area_for(area: Rect, lines: usize) -> Rect {
    let height = (lines as u16 + 3).min(area.height.saturating_sub(3));
    let columns = COLUMNS.min(area.width);
    Rect::new(
        area.right().saturating_sub(columns + 1),
        area.bottom().saturating_sub(height + 2),
        columns,
        height,
    )
}

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, tour: Tour, state: &State, theme: &Theme) {
    let (title, rows) = step(tour, state, theme);
    let lines = lines(rows, theme);
    let room = area_for(area, lines.len());
    let next = if tour.step + 1 < STEPS {
        "next"
    } else {
        "ends the tour"
    };
    let keys = format!("{} of {STEPS}, Enter {next}, Esc closes", tour.step + 1);
    let inside = pane::frame(frame, room, pane::Title::both(title, &keys), true, theme);
    frame.render_widget(Paragraph::new(lines), inside);
}

/// The rows, wrapped.
fn lines(rows: Vec<(String, String)>, theme: &Theme) -> Vec<Line<'static>> {
    let width = usize::from(COLUMNS) - NAME - 4;
    let mut lines = vec![Line::default()];
    for (name, what) in rows {
        for (index, part) in text::wrap(&what, width).into_iter().enumerate() {
            let name = if index == 0 { name.as_str() } else { "" };
            lines.push(Line::from(vec![
                Span::styled(format!(" {}", text::fit(name, NAME)), theme.key),
                Span::styled(part, theme.text),
            ]));
        }
    }
    lines
}

/// The title of a step, and its rows: a name or a key, and what it is.
fn step(tour: Tour, state: &State, theme: &Theme) -> (&'static str, Vec<(String, String)>) {
    match tour.step {
        0 => ("What you see", what_you_see(theme)),
        1 => ("Try this", try_this(state)),
        _ => ("Find your way", find_your_way(state)),
    }
}

fn row(name: &str, what: &str) -> (String, String) {
    (name.to_owned(), what.to_owned())
}

fn what_you_see(theme: &Theme) -> Vec<(String, String)> {
    let sign = |sign| theme.sign(sign);
    let signs = format!(
        "one row per event, the newest on top: {} delivered, {} filtered out, {} rejected by a limit",
        sign(Sign::Delivered),
        sign(Sign::Filtered),
        sign(Sign::Rejected)
    );
    vec![
        row(
            "Throughput",
            "made-up events per second; they go to a sandbox in this program, never to Customer.io",
        ),
        row("Delivery", "what became of the events that were accepted"),
        row("Event types", "what is sent: types and rules, on or off"),
        ("Events".to_owned(), signs),
        row("Violations", "Customer.io's limits that events broke"),
    ]
}

fn try_this(state: &State) -> Vec<(String, String)> {
    let key = |does| state.key(does).to_owned();
    let filters = format!(
        "{}, then {}",
        key(Command::FocusFilters),
        key(Command::Toggle)
    );
    let event = format!("{}, then {}", key(Command::Down), key(Command::Open));
    vec![
        (
            filters,
            format!(
                "drafts a change of the filters and shows what it would change; {} discards it",
                key(Command::DiscardDraft)
            ),
        ),
        (
            key(Command::Find),
            "finds events: type user_id == \"u-00007\", or any text".to_owned(),
        ),
        row("", "These keys work now; the first one closes the tour."),
        (
            event,
            "opens an event, once the tour is closed: its decision, its request, each attempt"
                .to_owned(),
        ),
    ]
}

fn find_your_way(state: &State) -> Vec<(String, String)> {
    let key = |does| state.key(does).to_owned();
    vec![
        (
            key(Command::Help),
            "leaves the tour for the keys of the pane that you are in".to_owned(),
        ),
        (
            key(Command::Palette),
            "finds any command by a few letters; “tour” shows this again".to_owned(),
        ),
        (
            key(Command::Gate),
            "opens and shuts the gate; shut drops new events".to_owned(),
        ),
        (
            key(Command::Quit),
            "delivers what is queued, then quits".to_owned(),
        ),
    ]
}
