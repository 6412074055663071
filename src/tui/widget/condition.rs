//! A condition that is typed: a caret under its error, and whether it compiles.

use ratatui::text::Line;
use tui_input::Input;

use crate::filter::CompileError;
use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;

/// A condition that is written.
pub(crate) struct Written<'w> {
    pub(crate) when: &'w Input,
    pub(crate) error: Option<&'w CompileError>,
    /// What could be written, while nothing is.
    pub(crate) hint: &'w str,
}

impl Written<'_> {
    /// A caret under the character at fault, and whether it compiles: `lead` columns in, under a
    /// field of `room`.
    pub(crate) fn verdict(&self, lead: usize, room: usize, theme: &Theme) -> [Line<'static>; 2] {
        let lead = " ".repeat(lead);
        if self.when.value().is_empty() {
            let hint = Line::styled(format!("{lead}{}", self.hint), theme.dim);
            return [Line::default(), hint];
        }
        let Some(error) = self.error else {
            let says = Line::styled(format!("{lead}compiles"), theme.good);
            return [Line::default(), says];
        };
        let scroll = self.when.visual_scroll(room);
        let shown = self.when.value().chars().skip(scroll);
        let before: String = shown.take(error.column.saturating_sub(scroll)).collect();
        let caret = format!("{lead}{}^", " ".repeat(text::width(&before)));
        let says = format!("{lead}{}", text::cut(&error.message, room));
        [caret, says].map(|line| Line::styled(line, theme.bad))
    }
}
