//! The border of a pane with its titles.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::symbols::border;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear};

use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;

const ASCII_BORDER: border::Set<'_> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// The texts in the upper border of a pane.
#[derive(Debug, Clone, Copy)]
pub struct Title<'t> {
    left: &'t str,
    right: &'t str,
}

impl<'t> Title<'t> {
    /// A text on the left only.
    pub fn left(left: &'t str) -> Self {
        Self { left, right: "" }
    }

    /// A text on the left, and one on the right that is left out where it does not fit.
    pub fn both(left: &'t str, right: &'t str) -> Self {
        Self { left, right }
    }
}

/// Clears `area` and draws a border around it. Returns the area inside.
pub fn frame(
    frame: &mut Frame<'_>,
    area: Rect,
    title: Title<'_>,
    focused: bool,
    theme: &Theme,
) -> Rect {
    let Title { left: title, right } = title;
    let style = if focused {
        theme.border_focused
    } else {
        theme.border
    };
    let room = usize::from(area.width).saturating_sub(4);
    let right_width = text::width(right);
    let title = text::cut(
        title,
        room.saturating_sub(if right.is_empty() { 0 } else { right_width + 3 }),
    );
    // The border below it may be faint.
    let mut title_style = theme.title.remove_modifier(Modifier::DIM);
    if focused {
        title_style = title_style.add_modifier(Modifier::BOLD);
    }
    let mut block = Block::bordered()
        .border_set(if theme.ascii {
            ASCII_BORDER
        } else {
            border::ROUNDED
        })
        .border_style(style)
        .title_top(Line::from(Span::styled(format!(" {title} "), title_style)));
    if !right.is_empty() && room > right_width + 3 {
        block = block
            .title_top(Line::from(Span::styled(format!(" {right} "), theme.dim)).right_aligned());
    }
    let inside = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    inside
}

/// An area of at most this size in the middle of `area`.
pub fn centred(area: Rect, columns: u16, rows: u16) -> Rect {
    let (columns, rows) = (columns.min(area.width), rows.min(area.height));
    Rect::new(
        area.x + (area.width - columns) / 2,
        area.y + (area.height - rows) / 2,
        columns,
        rows,
    )
}
