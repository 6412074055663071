//! The palette: what was typed, and the commands that match.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::input::palette::obstacle::obstacle;
use crate::tui::input::palette::state::Palette;
use crate::tui::state::State;
use crate::tui::widget::list::visible;
use crate::tui::widget::theme::Theme;
use crate::tui::widget::{pane, text};

/// The area of the popup.
pub(crate) fn area_of(area: Rect) -> Rect {
    let rows = (area.height.saturating_sub(2)).min(20);
    pane::centred(area, 92.min(area.width.saturating_sub(2)), rows)
}

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    open: &Palette,
    state: &State,
    theme: &Theme,
) {
    let room = area_of(area);
    let keys = "Enter runs it, Esc closes";
    let inside = pane::frame(
        frame,
        room,
        pane::Title::both("Commands", keys),
        true,
        theme,
    );
    let width = usize::from(inside.width);
    let height = usize::from(inside.height).saturating_sub(1);
    let found = state
        .keymap
        .palette(open.input.value(), state.input_context());
    let row = open.row.min(found.len().saturating_sub(1));
    let mut lines = vec![Line::from(vec![
        Span::styled(" : ", theme.key),
        Span::styled(
            text::cut(open.input.value(), width.saturating_sub(4)),
            theme.text,
        ),
    ])];
    for (index, binding) in visible(&found, row, height) {
        let key = text::fit(binding.keys.first().map_or("", String::as_str), 10);
        let room = width.saturating_sub(29);
        // A command that can't act now says why, in the place of its help.
        let (name_style, help, help_style) = match obstacle(state, binding) {
            Some(why) => (
                theme.dim,
                text::fit(&format!("not now: {why}"), room),
                theme.dim,
            ),
            None => (theme.accent, text::fit(binding.help, room), theme.text),
        };
        let line = Line::from(vec![
            Span::styled(format!(" {key}"), theme.key),
            Span::styled(text::fit(binding.name, 18), name_style),
            Span::styled(help, help_style),
        ]);
        let line = if index == row {
            theme.select(line)
        } else {
            line
        };
        lines.push(line);
    }
    if found.is_empty() {
        lines.push(Line::styled(
            " no such command: try another word, or fewer letters",
            theme.dim,
        ));
    }
    frame.render_widget(Paragraph::new(lines), inside);
    let column = (3 + open.input.visual_cursor()).min(width.saturating_sub(1)) as u16;
    frame.set_cursor_position((inside.x + column, inside.y));
}
