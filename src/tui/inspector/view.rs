//! The inspector: the history on the left, and the raw event or the mapped request on the right.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::text::grouped;
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::inspector::malformed::{self, MalformedText};
use crate::tui::inspector::query::Inspected;
use crate::tui::inspector::state::Inspector;
use crate::tui::inspector::story::{ShownEvent, story};
use crate::tui::state::State;
use crate::tui::widget::document::{Document, render as render_document};
use crate::tui::widget::theme::Theme;
use crate::tui::widget::{json, pane, text};

/// From this width on, raw event and mapped request are side by side, in columns.
const THREE_COLUMNS: u16 = 180;

/// An event with the title of its history.
struct Shown<'i> {
    title: &'i str,
    event: ShownEvent<'i>,
    scroll: usize,
}

/// An event, with everything of the state that its history depends on.
pub(crate) fn shown_event<'i>(found: &'i Inspected, state: &State) -> ShownEvent<'i> {
    ShownEvent {
        found,
        privacy: state.privacy,
        queued: QueueReason::of(&state.shown().delivery),
    }
}

/// The lines of the raw event and of the mapped request, as they are shown.
pub(crate) fn shown_documents(
    inspector: &Inspector,
    shown: ShownEvent<'_>,
) -> [Vec<json::JsonLine>; 2] {
    let found = shown.found;
    let lines = |raw: &str, folded| match shown.privacy {
        Some(privacy) => json::lines(&privacy.document(raw), folded),
        None => json::lines(raw, folded),
    };
    let [event, request] = &inspector.folded;
    [
        lines(found.record.text(), event),
        lines(&found.mapped, request),
    ]
}

/// The place in the request of the value at `path` in the event. None if there is no request, and at
/// the root.
pub(crate) fn request_path(found: &Inspected, path: &str) -> Option<String> {
    let is_value = found.route.is_some() && !path.is_empty();
    is_value.then(|| match found.sent_as(path) {
        Some(path) => format!("sent as {path}"),
        None => "not sent".to_owned(),
    })
}

/// The areas of the history, the raw event and the mapped request. The last two are the same where there
/// is room for one.
fn divided(area: Rect) -> [Rect; 3] {
    if area.width >= THREE_COLUMNS {
        let shares = [
            Constraint::Percentage(28),
            Constraint::Percentage(36),
            Constraint::Min(0),
        ];
        return Layout::horizontal(shares).areas(area);
    }
    let shares = [Constraint::Percentage(42), Constraint::Min(0)];
    let [story, right] = Layout::horizontal(shares).areas(area);
    [story, right, right]
}

/// The area of the document with the cursor.
pub(crate) fn document_area(area: Rect, mapped: bool) -> Rect {
    let [_, raw, request] = divided(area);
    if mapped { request } else { raw }
}

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
    let shown = Shown {
        title: &title,
        event: shown_event(found, state),
        scroll: inspector.story,
    };
    let [story, raw, mapped] = divided(area);
    if area.width >= THREE_COLUMNS {
        render_story(frame, story, &shown, theme);
        document(frame, raw, (inspector, &shown), false, theme);
        document(frame, mapped, (inspector, &shown), true, theme);
        return;
    }
    render_story(frame, story, &shown, theme);
    let shows_mapped = inspector.shows_mapped();
    document(frame, raw, (inspector, &shown), shows_mapped, theme);
}

/// Draws the raw event, or the mapped request.
fn document(
    frame: &mut Frame<'_>,
    area: Rect,
    (inspector, shown): (&Inspector, &Shown<'_>),
    mapped: bool,
    theme: &Theme,
) {
    let found = shown.event.found;
    let focused = mapped == inspector.shows_mapped();
    if let Some(shown) = MalformedText::of(&found.record, shown.event.privacy)
        && !mapped
    {
        malformed::render(frame, area, &shown, focused, theme);
        return;
    }
    let (title, raw, other) = if mapped {
        ("Mapped request", found.mapped.as_str(), "Tab: raw event")
    } else {
        ("Raw event", found.record.text(), "Tab: mapped request")
    };
    let [event, request] = shown_documents(inspector, shown.event);
    let lines = if mapped { request } else { event };
    let path = lines.get(inspector.line).map(|line| line.path.as_str());
    let goes = path.filter(|_| focused && !mapped);
    let goes = goes.and_then(|path| request_path(found, path));
    let goes = goes.unwrap_or_else(|| other.to_owned());
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

fn render_story(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>, theme: &Theme) {
    let width = usize::from(area.width).saturating_sub(4);
    let rows = usize::from(area.height).saturating_sub(2);
    let mut lines = story(shown.event, width, theme);
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
