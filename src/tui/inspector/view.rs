//! The inspector: the history on the left, and the raw event or the mapped request on the right.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::protocol::Content;
use crate::text::grouped;
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::inspector::malformed::{self, MalformedText};
use crate::tui::inspector::state::Inspector;
use crate::tui::inspector::story::{StoryView, story};
use crate::tui::state::State;
use crate::tui::widget::document::{Document, render as render_document};
use crate::tui::widget::theme::Theme;
use crate::tui::widget::{json, pane, text};

/// From this width on, raw event and mapped request are side by side, in columns.
const THREE_COLUMNS: u16 = 180;

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    inspector: &Inspector,
    state: &State,
    theme: &Theme,
) {
    let Some(found) = &inspector.found else {
        pane::frame(
            frame,
            area,
            pane::Title::both("Event", "fetching"),
            true,
            theme,
        );
        return;
    };
    let title = format!("Event {}", grouped(found.record.sequence));
    let shown = StoryView {
        title: &title,
        found,
        scroll: inspector.story,
        privacy: state.privacy,
        queued: QueueReason::of(&state.shown().delivery),
    };
    if area.width >= THREE_COLUMNS {
        let [story, raw, mapped] = Layout::horizontal([
            Constraint::Percentage(28),
            Constraint::Percentage(36),
            Constraint::Min(0),
        ])
        .areas(area);
        render_story(frame, story, &shown, theme);
        document(frame, raw, (inspector, &shown), false, theme);
        document(frame, mapped, (inspector, &shown), true, theme);
        return;
    }
    let [story, right] =
        Layout::horizontal([Constraint::Percentage(42), Constraint::Min(0)]).areas(area);
    render_story(frame, story, &shown, theme);
    let mapped = inspector.shows_mapped;
    document(frame, right, (inspector, &shown), mapped, theme);
}

/// Draws the raw event, or the mapped request.
fn document(
    frame: &mut Frame<'_>,
    area: Rect,
    (inspector, shown): (&Inspector, &StoryView<'_>),
    mapped: bool,
    theme: &Theme,
) {
    let found = shown.found;
    let focused = mapped == inspector.shows_mapped;
    if let Content::Malformed { malformed, text } = &found.record.content
        && !mapped
    {
        let shown = MalformedText {
            malformed,
            text: if shown.privacy.is_some() {
                "•••"
            } else {
                text
            },
            is_focused: focused,
        };
        malformed::render(frame, area, &shown, theme);
        return;
    }
    let (title, raw, other) = if mapped {
        ("Mapped request", found.mapped.as_str(), "Tab: raw event")
    } else {
        ("Raw event", found.record.text(), "Tab: mapped request")
    };
    let folded = &inspector.folded[usize::from(mapped)];
    let hidden = shown.privacy.map(|privacy| privacy.document(raw));
    let lines = json::lines(hidden.as_deref().unwrap_or(raw), folded);
    // The path of the selected value in the request.
    let cursor = lines
        .get(inspector.line)
        .filter(|line| !line.path.is_empty());
    let goes = match cursor {
        Some(line) if focused && !mapped && found.route.is_some() => {
            match found.sent_as(&line.path) {
                Some(path) => format!("sent as {path}"),
                None => "not sent".to_owned(),
            }
        }
        _ => other.to_owned(),
    };
    let right = if area.width > 44 && focused {
        text::cut(&goes, usize::from(area.width) - 20)
    } else {
        text::bytes(raw.len())
    };
    let drawn = Document {
        title,
        right,
        lines,
        cursor: focused.then_some(inspector.line),
    };
    let violations = &found.record.story.violations;
    let at_fault = |path: &str| !mapped && violations.iter().any(|v| v.path == path);
    render_document(frame, area, &drawn, &at_fault, theme);
}

fn render_story(frame: &mut Frame<'_>, area: Rect, shown: &StoryView<'_>, theme: &Theme) {
    let width = usize::from(area.width).saturating_sub(4);
    let rows = usize::from(area.height).saturating_sub(2);
    let mut lines = story(shown, width, theme);
    if lines.len() > rows {
        // If room is short, empty lines are left out.
        lines.retain(|line| line.width() > 0);
    }
    let most = lines.len().saturating_sub(rows);
    let scroll = shown.scroll.min(most);
    let right = match most {
        0 => String::new(),
        _ => format!("J K scroll, {} more", most - scroll),
    };
    let inside = pane::frame(
        frame,
        area,
        pane::Title::both(shown.title, &right),
        false,
        theme,
    );
    let lines: Vec<Line<'_>> = lines.into_iter().skip(scroll).collect();
    frame.render_widget(Paragraph::new(lines), inside);
}
