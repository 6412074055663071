//! The candidates of a completion, in one line.

use ratatui::text::{Line, Span};

use crate::tui::widget::condition_input::Menu;
use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;

/// The candidates of the completion with their shares, as many as fit in `width` columns behind
/// `lead` columns for the key.
pub(crate) fn candidates(
    menu: &Menu,
    lead: usize,
    is_private: bool,
    width: usize,
    theme: &Theme,
) -> Line<'static> {
    let all = &menu.completion.candidates;
    let candidate = |index: usize| {
        let share = all[index]
            .share
            .map_or_else(String::new, |share| format!(" {share:.0} %"));
        // A value can be personal data.
        let label = match all[index].label() {
            value if is_private && value.starts_with('"') => "•••",
            label => label,
        };
        (text::cut(label, 40), share)
    };
    let room = |index: usize| {
        let (text, share) = candidate(index);
        text::width(&text) + share.len() + 3
    };
    // The chosen candidate is always visible.
    let chosen = menu.chosen.unwrap_or(0);
    let mut first = chosen;
    let mut used = room(chosen);
    while first > 0 && used + room(first - 1) <= width {
        first -= 1;
        used += room(first);
    }
    let mut spans = vec![Span::styled(format!("{:>lead$}", "Tab "), theme.key)];
    let mut left = width;
    for index in first..all.len() {
        if room(index) > left {
            break;
        }
        left -= room(index);
        let (text, share) = candidate(index);
        let style = if menu.chosen == Some(index) {
            theme.selected.patch(theme.accent)
        } else {
            theme.text
        };
        spans.push(Span::styled(text, style));
        spans.push(Span::styled(format!("{share}   "), theme.dim));
    }
    Line::from(spans)
}
