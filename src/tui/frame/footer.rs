//! The footer: the keys of the current context, or a prompt.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::events::find_view;
use crate::tui::frame::focus::PopupKind;
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::input::list_find::labels::labels;
use crate::tui::input::list_find::state::ListFind;
use crate::tui::row::retry::can_retry;
use crate::tui::state::State;
use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;

/// The keys of the rule editor.
const EDITOR: [(PopupCommand, &str); 4] = [
    (PopupCommand::Accept, "apply"),
    (PopupCommand::Cancel, "discard"),
    (PopupCommand::Complete, "complete, or next field"),
    (PopupCommand::Earlier, "earlier conditions"),
];

/// Columns between two keys.
const GAP: u16 = 3;

/// A key in the footer.
struct Hint<'s> {
    command: Command,
    key: &'s str,
    text: &'s str,
    /// The first column.
    column: u16,
}

impl Hint<'_> {
    /// Columns of the key and its text.
    fn width(&self) -> u16 {
        (text::width(self.key) + 1 + text::width(self.text)) as u16
    }
}

/// The command whose key is written at a column of the footer.
pub(crate) fn command_at(state: &State, column: u16) -> Option<Command> {
    let is_at = |hint: &Hint<'_>| (hint.column..hint.column + hint.width()).contains(&column);
    let hints = hints(state, usize::from(state.size.0));
    hints.into_iter().find(is_at).map(|hint| hint.command)
}

/// The keys that fit in `width` columns.
fn hints(state: &State, width: usize) -> Vec<Hint<'_>> {
    let keymap = &state.keymap;
    let all: Vec<(Command, &str, &str)> = match &state.popup {
        Some(Popup::Rule(_)) => {
            let hint = |(does, text): (PopupCommand, &'static str)| {
                let does = Command::InPopup(does);
                (does, keymap.popup_key(does, PopupKind::Text), text)
            };
            EDITOR.map(hint).into()
        }
        // Whatever else is open names its own keys, and takes no others.
        Some(_) => Vec::new(),
        None => keymap
            .footer(state.input_context())
            .into_iter()
            .filter(|binding| binding.command != Command::RetryEvent || can_retry(state))
            .map(|binding| (binding.command, binding.keys[0].as_str(), binding.footer))
            .collect(),
    };
    let mut hints: Vec<Hint<'_>> = all
        .into_iter()
        .map(|(command, key, text)| Hint {
            command,
            key,
            text,
            column: 0,
        })
        .collect();
    keep_fitting(&mut hints, width);
    let mut column = 1;
    for hint in &mut hints {
        hint.column = column;
        column += hint.width() + GAP;
    }
    hints
}

/// Keeps the hints that fit in `width` columns, from the left. The way out (`Esc`) stays: others give way
/// to it.
fn keep_fitting(hints: &mut Vec<Hint<'_>>, width: usize) {
    let needs = |hint: &Hint<'_>| usize::from(hint.width() + GAP);
    let is_way_out = |hint: &Hint<'_>| hint.key == "Esc";
    let mut reserved = hints.iter().find(|hint| is_way_out(hint)).map_or(0, needs);
    // A column in front, and none behind the last hint.
    let mut left = (width + usize::from(GAP)).saturating_sub(1);
    let mut is_full = false;
    hints.retain(|hint| {
        if is_way_out(hint) {
            reserved = 0;
        } else if is_full || needs(hint) + reserved > left {
            is_full = true;
            return false;
        }
        let fits = needs(hint) <= left;
        left = left.saturating_sub(needs(hint));
        fits
    });
}

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let width = usize::from(area.width);
    if let Some((line, column)) = prompt(state, width, theme) {
        frame.render_widget(Paragraph::new(line), area);
        frame.set_cursor_position((area.x + column.min(area.width.saturating_sub(1)), area.y));
        return;
    }
    let mut spans = vec![Span::raw(" ")];
    for hint in hints(state, width) {
        spans.push(Span::styled(hint.key, theme.key));
        spans.push(Span::styled(format!(" {}   ", hint.text), theme.dim));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// The prompt in the footer, and the column of its cursor.
fn prompt(state: &State, width: usize, theme: &Theme) -> Option<(Line<'static>, u16)> {
    let (sign, input, hint) = match &state.popup {
        Some(Popup::Find(prompt)) => ("/", &*prompt.text, find_view::hint(prompt).to_owned()),
        Some(Popup::ListFind(prompt)) => ("/", &prompt.input, list_find(prompt, state)),
        Some(Popup::ForTime(input)) => {
            let hint = "15min, 2h, 1day; then it is undone".to_owned();
            ("apply for ", input, hint)
        }
        Some(Popup::Why(input)) => {
            let hint = "a person's ID, an email, an event's ID or name, or an ID and a name";
            ("why? ", input, hint.to_owned())
        }
        Some(Popup::GoTo(input)) => (
            "go to ",
            input,
            "14:02:31 (UTC), 2026-11-25 14:02, or an age such as 5min".to_owned(),
        ),
        _ => return None,
    };
    let room = width.saturating_sub(3 + sign.len());
    let scroll = input.visual_scroll(room);
    let typed: String = input.value().chars().skip(scroll).collect();
    let column = input.visual_cursor().saturating_sub(scroll) + 1 + sign.len();
    let typed = text::cut(&typed, room);
    let left = room.saturating_sub(text::width(&typed) + 3);
    let line = Line::from(vec![
        Span::styled(format!(" {sign}"), theme.key),
        Span::styled(typed, theme.text),
        Span::styled(format!("   {}", text::cut(&hint, left)), theme.dim),
    ]);
    Some((line, column as u16))
}

/// The hint of the type-ahead: how many rows of the list match.
fn list_find(prompt: &ListFind, state: &State) -> String {
    let Some(list) = labels(state) else {
        return String::new();
    };
    let (name, count) = (list.name, list.rows.len());
    if prompt.input.value().is_empty() {
        return format!("a part of the name, among {count} {name}; ↓ next, Esc back");
    }
    // Counted anew each time: rows come and go.
    match list.matches(prompt.input.value()) {
        0 => format!("no match among {count} {name}"),
        matches => format!("{matches} of {count} {name} match; ↓ next, Esc back"),
    }
}
