//! The popup about a conflict: who changed the filters, what they and the draft change, and the choices.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::filter::change::Change;
use crate::filter::rebase::is_of_the_same;
use crate::text::counted;
use crate::tui::filters::conflict::state::Conflict;
use crate::tui::frame::focus::PopupKind;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::state::State;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

/// Columns of the popup.
const COLUMNS: u16 = 100;
/// Maximum people and changes that are named at the top.
const MAX_NAMED: usize = 3;
const CHOICES: [&str; 3] = [
    "apply the draft's changes on top of these filters",
    "take the other changes into the draft, and go on editing it",
    "discard the draft",
];

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    open: &Conflict,
    state: &State,
    theme: &Theme,
) {
    let Some(draft) = &state.draft else {
        return;
    };
    let columns = COLUMNS.min(area.width.saturating_sub(2));
    let width = usize::from(columns).saturating_sub(2);
    let (base, seen) = (&draft.base, &state.filters);
    let theirs = state.changes(&base.filters, seen);
    let mine = state.changes(&base.filters, &draft.filters);
    let mut lines = people(open, width, theme);
    let last = choices(state, theme);
    // Both lists share what is left.
    let room = usize::from(area.height).saturating_sub(2 + lines.len() + last.len() + 2);
    let half = (room / 2).max(1);
    let of_theirs = theirs
        .len()
        .clamp(1, half.max(room.saturating_sub(mine.len())));
    let title = format!("Changed by others, now version {}", state.filters_version);
    let of_mine = room.saturating_sub(of_theirs).max(1);
    lines.extend(list(&title, (&theirs, &[]), (width, of_theirs), theme));
    let title = format!("Changed by your draft of {}", version(base.version));
    lines.extend(list(&title, (&mine, &theirs), (width, of_mine), theme));
    lines.extend(last);
    let rows = (lines.len() as u16 + 2).min(area.height);
    let room = pane::centred(area, columns, rows);
    let title = "The filters were changed since your draft was opened";
    let inside = pane::frame(frame, room, pane::Title::left(title), true, theme);
    frame.render_widget(Paragraph::new(lines), inside);
}

fn version(version: u64) -> String {
    match version {
        0 => "an earlier run".to_owned(),
        version => format!("version {version}"),
    }
}

/// Who changed the filters, and when.
fn people(open: &Conflict, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let newest = open.changes.iter().rev().take(MAX_NAMED);
    let mut lines: Vec<Line<'static>> = newest
        .map(|change| {
            let clock = time::to_clock_seconds(change.at_ms);
            let who = format!("{} ({})", change.author.name, change.author.from);
            let room = width.saturating_sub(12 + text::width(&who));
            Line::from(vec![
                Span::styled(format!(" {clock} "), theme.dim),
                Span::styled(format!("{who}  "), theme.accent),
                Span::styled(text::cut(&change.what, room), theme.text),
            ])
        })
        .collect();
    let others = open.changes.len().saturating_sub(MAX_NAMED);
    if others > 0 {
        let message = format!(" and {} before", counted(others as u64, "change"));
        lines.push(Line::styled(message, theme.dim));
    }
    if lines.is_empty() {
        let message = " nobody is recorded: the forwarder was started again since";
        lines.push(Line::styled(message, theme.dim));
    }
    lines
}

/// The changes below a title, in `rows` rows. Those that are of the same thing as one of `others` are
/// marked.
fn list(
    title: &str,
    (changes, others): (&[Change], &[Change]),
    (width, rows): (usize, usize),
    theme: &Theme,
) -> Vec<Line<'static>> {
    let dash = theme.sign(Sign::Dash);
    let head = format!("{dash} {title} ");
    let fill = dash.repeat(width.saturating_sub(text::width(&head)));
    let mut lines = vec![Line::styled(format!("{head}{fill}"), theme.dim)];
    let shown = if changes.len() > rows { rows - 1 } else { rows };
    for change in changes.iter().take(shown) {
        let same = others.iter().find(|other| is_of_the_same(other, change));
        lines.push(line(change, same, width, theme));
    }
    let left = changes.len().saturating_sub(shown);
    if left > 0 {
        let message = format!("   and {left} more");
        lines.push(Line::styled(message, theme.dim));
    }
    if changes.is_empty() {
        let message = "   nothing any more: the filters are again what they were";
        lines.push(Line::styled(message, theme.dim));
    }
    lines
}

/// A change; `theirs` is one of the same thing.
fn line(change: &Change, theirs: Option<&Change>, width: usize, theme: &Theme) -> Line<'static> {
    let (sign, style, note) = match theirs {
        None => (" ", theme.text, ""),
        Some(theirs) if theirs == change => (" ", theme.dim, "  they did the same"),
        Some(_) => {
            let sign = theme.sign(Sign::Attention);
            (sign, theme.warn, "  both changed it: yours replaces theirs")
        }
    };
    let room = width.saturating_sub(4 + note.len());
    Line::from(vec![
        Span::styled(format!(" {sign} "), style),
        Span::styled(text::cut(&change.to_string(), room), theme.text),
        Span::styled(note, style),
    ])
}

/// The choices with their keys.
fn choices(state: &State, theme: &Theme) -> Vec<Line<'static>> {
    let key = |does| state.keymap.popup_key(does, PopupKind::Conflict);
    let line = |does, message: &str, style: Style| {
        Line::from(vec![
            Span::styled(format!("  {}", text::fit(key(does), 5)), theme.key),
            Span::styled(message.to_owned(), style),
        ])
    };
    let mut lines = vec![Line::default()];
    for (number, message) in CHOICES.iter().enumerate() {
        let does = Command::InPopup(PopupCommand::Choice(number as u8));
        lines.push(line(does, message, theme.text));
    }
    let stays = "close; the draft stays open as it is";
    lines.push(line(Command::Back, stays, theme.dim));
    lines
}
