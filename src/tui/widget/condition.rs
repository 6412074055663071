//! A condition in an editor: a caret under its error, and the verdict.

use ratatui::text::Line;
use tui_input::Input;

use crate::filter::CompileError;
use crate::filter::advice::Advice;
use crate::tui::widget::text;
use crate::tui::widget::theme::{Sign, Theme};

/// A condition in an editor.
pub(crate) struct Written<'w> {
    pub(crate) when: &'w Input,
    pub(crate) error: Option<&'w CompileError>,
    /// Advice on a condition that compiles.
    pub(crate) advice: Option<&'w Advice>,
    /// A hint for an empty condition.
    pub(crate) hint: &'w str,
}

impl Written<'_> {
    /// Two lines below a field of `room` columns, indented by `lead` columns: a caret under the error,
    /// and the verdict.
    pub(crate) fn verdict(&self, lead: usize, room: usize, theme: &Theme) -> [Line<'static>; 2] {
        let lead = " ".repeat(lead);
        if self.when.value().is_empty() {
            let hint = Line::styled(format!("{lead}{}", self.hint), theme.dim);
            return [Line::default(), hint];
        }
        let Some(error) = self.error else {
            if let Some(advice) = self.advice {
                let (sign, style) = if advice.refuses {
                    (Sign::Rejected, theme.bad)
                } else {
                    (Sign::Attention, theme.warn)
                };
                let message = text::cut(&advice.text, room.saturating_sub(2));
                let message = format!("{lead}{} {message}", theme.sign(sign));
                return [Line::default(), Line::styled(message, style)];
            }
            let message = Line::styled(format!("{lead}compiles"), theme.good);
            return [Line::default(), message];
        };
        let scroll = self.when.visual_scroll(room);
        let shown = self.when.value().chars().skip(scroll);
        let before: String = shown.take(error.column.saturating_sub(scroll)).collect();
        let caret = format!("{lead}{}^", " ".repeat(text::width(&before)));
        let message = format!("{lead}{}", text::cut(&error.message, room));
        [caret, message].map(|line| Line::styled(line, theme.bad))
    }
}
