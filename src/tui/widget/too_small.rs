//! The message on a terminal that is too small for the panes.

use ratatui::Frame;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;

/// Draws the message, with the minimum size in columns and rows.
pub fn too_small(frame: &mut Frame<'_>, least: (u16, u16), theme: &Theme) {
    let area = frame.area();
    let message = format!("terminal too small: {}×{} needed", least.0, least.1);
    let message = text::cut(&message, usize::from(area.width));
    frame.render_widget(Paragraph::new(Line::styled(message, theme.warn)), area);
}
