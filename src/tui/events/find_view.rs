//! The row above the search prompt: the completion, the error, or advice.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};

use crate::tui::events::find_prompt::FindPrompt;
use crate::tui::state::State;
use crate::tui::widget::completion::candidates;
use crate::tui::widget::text;
use crate::tui::widget::theme::{Sign, Theme};

/// Columns before the text.
const LEAD: usize = 6;

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    prompt: &FindPrompt,
    state: &State,
    theme: &Theme,
) {
    let row = Rect {
        y: area.bottom().saturating_sub(2),
        height: 1,
        ..area
    };
    let room = usize::from(area.width).saturating_sub(LEAD + 3);
    let line = if let Some(menu) = &prompt.text.menu {
        candidates(menu, LEAD, state.privacy.is_some(), room, theme)
    } else if let Some(error) = &prompt.error {
        let message = text::cut(&error.message, room);
        Line::styled(
            format!(" {} {message}", theme.sign(Sign::Rejected)),
            theme.bad,
        )
    } else if let Some(advice) = &prompt.advice {
        let message = text::cut(&advice.text, room);
        Line::styled(
            format!(" {} {message}", theme.sign(Sign::Attention)),
            theme.warn,
        )
    } else {
        return;
    };
    frame.render_widget(Clear, row);
    frame.render_widget(Paragraph::new(line), row);
}

/// The hint behind the typed text.
pub(crate) fn hint(prompt: &FindPrompt) -> &str {
    match (&prompt.error, &prompt.kind) {
        (Some(_), _) => "not valid yet",
        (None, Some(kind)) => kind,
        (None, None) => {
            "text, a condition such as user_id == \"u-1\", or ~ and a regular expression"
        }
    }
}
