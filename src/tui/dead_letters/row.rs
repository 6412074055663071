//! A group of dead letters as a row.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::amplitude::time;
use crate::delivery::Undelivered;
use crate::delivery::spool::dead_letters::{DeadLetterGroup, DeadLetterRow};
use crate::text::{grouped, with_field};
use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;

/// A group as a row: count, outcome, type, reason.
pub(crate) fn line(
    row: &DeadLetterRow,
    selected: bool,
    width: usize,
    theme: &Theme,
) -> Line<'static> {
    let type_room = if width >= 110 { 26 } else { 18 };
    let clock = time::to_clock_seconds(row.newest_ms);
    let again = match row.again {
        0 => String::new(),
        count => format!(" {} to be retried", grouped(count)),
    };
    let fixed = 9 + 2 + 10 + type_room + 1 + text::width(&again) + clock.len() + 2;
    let line = Line::from(vec![
        Span::styled(text::fit_right(&grouped(row.count), 9), theme.text),
        Span::raw("  "),
        Span::styled(
            format!("{:<10}", row.group.why),
            style(row.group.why, theme),
        ),
        Span::styled(text::fit_name(&row.group.event_type, type_room), theme.text),
        Span::styled(
            format!(
                " {}",
                text::fit(&reason(&row.group), width.saturating_sub(fixed))
            ),
            theme.dim,
        ),
        Span::styled(again, theme.good),
        Span::styled(format!(" {clock} "), theme.dim),
    ]);
    if selected { theme.select(line) } else { line }
}

pub(crate) fn style(why: Undelivered, theme: &Theme) -> Style {
    match why {
        Undelivered::Expired => theme.warn,
        Undelivered::Discarded | Undelivered::Damaged => theme.bad,
    }
}

pub(crate) fn reason(group: &DeadLetterGroup) -> String {
    with_field(&group.field, &group.reason)
}
