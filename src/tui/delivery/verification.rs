//! Delivered events that were looked up at Customer.io, as the delivery pane shows them.

use ratatui::style::Style;
use ratatui::text::Line;

use crate::amplitude::time;
use crate::protocol::Snapshot;
use crate::text::grouped;
use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;

/// Minimum width of the pane for the verified events in its title.
const TITLE_WIDTH: u16 = 66;
/// Maximum events that were not applied in the list.
const UNVERIFIED: usize = 3;

/// The sampled events that Customer.io applied, for the title of the pane. None before the first answer,
/// and if the pane is narrow.
pub(crate) fn title(shown: &Snapshot, width: u16) -> Option<String> {
    let status = &shown.verification;
    let (good, all) = (status.hour.verified, status.hour.answered());
    let is_shown = all > 0 && width >= TITLE_WIDTH;
    is_shown.then(|| format!("verified {} of {} (1 h)", grouped(good), grouped(all)))
}

/// The samples of the last hour, with the reasons of those that were not applied.
pub(crate) fn lines(shown: &Snapshot, room: usize, theme: &Theme) -> Vec<Line<'static>> {
    let status = &shown.verification;
    if status.per_minute == 0 {
        let message = "off: set verify.app_api_key, and verify.sample_per_minute";
        return wrapped(message, room, theme.dim);
    }
    let hour = status.hour;
    let style = if hour.unverified() > 0 {
        theme.bad
    } else {
        theme.text
    };
    let message = format!(
        "verified {} of {} (last hour)   failed after 200 {}   missing {}   without an answer {}   to look up {}",
        grouped(hour.verified),
        grouped(hour.answered()),
        grouped(hour.failed),
        grouped(hour.missing),
        grouped(hour.undecided),
        grouped(status.waiting)
    );
    let mut lines = wrapped(&message, room, style);
    if let Some(problem) = &status.problem {
        lines.extend(wrapped(problem, room, theme.warn));
    }
    for event in status.unverified.iter().rev().take(UNVERIFIED) {
        let at = time::to_clock_seconds(event.at_ms);
        let message = format!("{at} {}: {}", event.name, event.reason);
        lines.extend(wrapped(&message, room, theme.bad));
    }
    lines
}

fn wrapped(message: &str, room: usize, style: Style) -> Vec<Line<'static>> {
    let lines = text::wrap(message, room).into_iter();
    lines
        .map(|line| Line::styled(format!(" {line}"), style))
        .collect()
}
