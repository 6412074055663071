//! A popup with a few choices, each with its key.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::widget::pane;
use crate::tui::widget::theme::Theme;

/// Draws the choices.
pub(crate) fn choice<'c>(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    choices: impl Iterator<Item = (char, &'c str)>,
    theme: &Theme,
) {
    let line = |(key, message): (char, &'c str)| {
        Line::from(vec![
            Span::styled(format!("  {key}"), theme.key),
            Span::styled(format!("  {message}"), theme.text),
        ])
    };
    let mut lines = vec![Line::default()];
    lines.extend(choices.map(line));
    let room = pane::centred(area, 56, lines.len() as u16 + 3);
    let inside = pane::frame(
        frame,
        room,
        pane::Title::both(title, "Esc closes"),
        true,
        theme,
    );
    frame.render_widget(Paragraph::new(lines), inside);
}
