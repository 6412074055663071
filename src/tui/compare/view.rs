//! The popup of a comparison: labels on the left, the values of both beside each other.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::tui::compare::state::{Compare, Pair};
use crate::tui::compare::table::{Row, Section, Table};
use crate::tui::frame::focus::PopupKind;
use crate::tui::input::keymap::{Command, Keymap};
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

/// Maximum columns of the popup.
const WIDEST: u16 = 132;

/// Columns of a change.
const CHANGE: usize = 15;

/// Rows beside the lines of the table: the border, and the names of both.
const AROUND: u16 = 3;

/// The area of the popup.
pub(crate) fn area_of(screen: Rect, open: &Compare) -> Rect {
    let lines = open.table.as_ref().map_or(1, Table::lines);
    let rows = u16::try_from(lines).map_or(u16::MAX, |lines| lines.saturating_add(AROUND));
    let columns = WIDEST.min(screen.width.saturating_sub(2));
    pane::centred(screen, columns, rows.min(screen.height.saturating_sub(2)))
}

/// Rows for lines of the table.
pub(crate) fn rows_of(screen: Rect, open: &Compare) -> usize {
    usize::from(area_of(screen, open).height.saturating_sub(AROUND))
}

pub(crate) fn render(
    frame: &mut Frame<'_>,
    screen: Rect,
    open: &Compare,
    keymap: &Keymap,
    theme: &Theme,
) {
    let room = area_of(screen, open);
    let title = title(open, theme);
    let closes = keymap.popup_hints(PopupKind::Compare, &[Command::Back]);
    let keys = match &open.table {
        Some(table) if table.lines() > rows_of(screen, open) => format!("↑ ↓ scroll, {closes}"),
        _ => closes,
    };
    let inside = pane::frame(frame, room, pane::Title::both(&title, &keys), true, theme);
    let Some(table) = &open.table else {
        let wait = match open.pair {
            Pair::Events(_) => " the events are loaded",
            Pair::Ranges(_) => " the events of both ranges are counted",
        };
        frame.render_widget(Line::styled(wait, theme.dim), inside);
        return;
    };
    let columns = Columns::of(usize::from(inside.width), table.has_changes);
    let mut lines = vec![columns.names(table, theme)];
    let rows = usize::from(inside.height).saturating_sub(1);
    let from = open.scroll.min(table.lines().saturating_sub(rows));
    let visible = entries(table).skip(from).take(rows);
    lines.extend(visible.map(|entry| columns.line(entry, theme)));
    frame.render_widget(Paragraph::new(lines), inside);
}

fn title(open: &Compare, theme: &Theme) -> String {
    let pair = match open.pair {
        Pair::Events(_) => "Two events",
        Pair::Ranges(_) => "Two ranges",
    };
    let dash = theme.sign(Sign::Dash);
    if open.table.is_none() {
        return pair.to_owned();
    }
    let clock = time::to_clock_seconds(open.as_of_ms);
    format!("{pair} {dash} as of {clock}")
}

/// A line of the table.
#[derive(Clone, Copy)]
enum Entry<'t> {
    Note(&'t str),
    Gap,
    Heading(&'t Section),
    Row(&'t Row),
}

/// The lines of a table. An event can have thousands: only the visible ones are drawn.
fn entries(table: &Table) -> impl Iterator<Item = Entry<'_>> {
    let notes = table.notes.iter().map(|note| Entry::Note(note));
    let sections = table.sections.iter().enumerate();
    notes.chain(sections.flat_map(|(index, section)| {
        let gap = (index > 0).then_some(Entry::Gap).into_iter();
        let rows = section.rows.iter().map(Entry::Row);
        gap.chain([Entry::Heading(section)]).chain(rows)
    }))
}

/// The widths of the columns.
struct Columns {
    width: usize,
    label: usize,
    value: usize,
    change: usize,
}

impl Columns {
    fn of(width: usize, has_changes: bool) -> Self {
        let change = if has_changes { CHANGE } else { 0 };
        let label = (width * 3 / 10).clamp(19, 38);
        // A space in front, and two before each value.
        let value = width.saturating_sub(1 + label + change + 4) / 2;
        Self {
            width,
            label,
            value,
            change,
        }
    }

    fn names(&self, table: &Table, theme: &Theme) -> Line<'static> {
        let mut spans = vec![Span::raw(" ".repeat(self.label + 1))];
        for name in &table.names {
            let name = text::fit(name, self.value);
            spans.push(Span::styled(format!("  {name}"), theme.title));
        }
        Line::from(spans)
    }

    fn line(&self, entry: Entry<'_>, theme: &Theme) -> Line<'static> {
        match entry {
            Entry::Note(note) => {
                let note = text::cut(note, self.width.saturating_sub(2));
                Line::styled(format!(" {note}"), theme.warn)
            }
            Entry::Gap => Line::default(),
            Entry::Heading(section) => self.heading(section, theme),
            Entry::Row(row) => self.row(row, theme),
        }
    }

    fn heading(&self, section: &Section, theme: &Theme) -> Line<'static> {
        let title = text::cut(&section.title, self.width.saturating_sub(2));
        Line::styled(format!(" {title}"), theme.accent)
    }

    fn row(&self, row: &Row, theme: &Theme) -> Line<'static> {
        let (label, value) = if row.is_different {
            (theme.text, theme.warn)
        } else {
            (theme.dim, theme.dim)
        };
        let [a, b] = cut_alike(&row.values, self.value);
        let mut spans = vec![
            Span::styled(
                format!(
                    " {}",
                    text::fit(&cut_path(&row.label, self.label), self.label)
                ),
                label,
            ),
            Span::styled(format!("  {}", text::fit(&a, self.value)), value),
            Span::styled(format!("  {}", text::fit(&b, self.value)), value),
        ];
        if self.change > 0 {
            let change = text::fit_right(&row.change, self.change.saturating_sub(1));
            spans.push(Span::styled(change, theme.text));
        }
        Line::from(spans)
    }
}

/// A label in at most `room` columns. Of a path its end is kept, of anything else the beginning.
fn cut_path(label: &str, room: usize) -> String {
    if label.contains('.') && !label.contains(' ') {
        text::cut_start(label, room)
    } else {
        text::cut_name(label, room)
    }
}

/// Two values in at most `room` columns each. Values that begin alike are cut where they begin, so
/// that their difference is visible.
fn cut_alike(values: &[String; 2], room: usize) -> [String; 2] {
    /// Columns kept before the first difference.
    const BEFORE: usize = 6;
    let [a, b] = values;
    let is_cut = |value: &String| text::width(value) > room;
    let both = a.chars().zip(b.chars());
    let alike = both.take_while(|(a, b)| a == b).count();
    let skipped = alike.saturating_sub(BEFORE);
    if (!is_cut(a) && !is_cut(b)) || a == b || a.is_empty() || b.is_empty() || skipped < 2 {
        return [a.clone(), b.clone()];
    }
    values
        .each_ref()
        .map(|value| format!("…{}", value.chars().skip(skipped).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_begin_alike_are_cut_at_their_difference() {
        let cut = |a: &str, b: &str, room| cut_alike(&[a.to_owned(), b.to_owned()], room);
        assert_eq!(
            cut("0123456789abcX", "0123456789abcY", 8),
            ["…789abcX", "…789abcY"]
        );
        assert_eq!(cut("0123456789", "0123", 10), ["0123456789", "0123"]);
        assert_eq!(cut("abcdefgh", "", 4), ["abcdefgh", ""]);
        assert_eq!(cut("xabcdefgh", "yabcdefgh", 4), ["xabcdefgh", "yabcdefgh"]);
    }
}
