//! Draws the last notice on the lower border of the panes, where it covers neither text nor keys.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::tui::frame::notice::Notice;
use crate::tui::widget::text;
use crate::tui::widget::theme::{Sign, Theme};

/// Draws a notice on the row above the `footer`.
pub(crate) fn render(frame: &mut Frame<'_>, footer: Rect, notice: &Notice, theme: &Theme) {
    let (sign, style) = if notice.is_error {
        (format!("{} ", theme.sign(Sign::Attention)), theme.bad)
    } else {
        (String::new(), theme.accent)
    };
    let room = usize::from(footer.width).saturating_sub(6 + text::width(&sign));
    let line = format!(" {sign}{} ", text::cut(&notice.text, room));
    let area = Rect {
        x: footer.x + 2,
        y: footer.y.saturating_sub(1),
        width: text::width(&line) as u16,
        height: 1,
    };
    // The border below it may be faint.
    let line = Line::styled(line, style.remove_modifier(Modifier::DIM));
    frame.render_widget(Paragraph::new(line), area.intersection(frame.area()));
}
