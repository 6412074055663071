//! What a terminal shows that is too small for the panes.

use ratatui::Frame;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;

/// Says that the terminal is smaller than this, in columns and rows.
pub fn too_small(frame: &mut Frame<'_>, least: (u16, u16), theme: &Theme) {
    let area = frame.area();
    let says = format!("too small: {}×{} needed", least.0, least.1);
    let says = text::cut(&says, usize::from(area.width));
    frame.render_widget(Paragraph::new(Line::styled(says, theme.warn)), area);
}
