//! The detail pane: the event under the cursor of the list beside it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::text::grouped;
use crate::tui::detail::overview::{Overview, room};
use crate::tui::detail::state::Source;
use crate::tui::frame::overlays::Overlay;
use crate::tui::inspector::malformed::MalformedText;
use crate::tui::inspector::state::{Inspector, View};
use crate::tui::inspector::story::{ShownEvent, outcome};
use crate::tui::inspector::view::{request_path, shown_documents, shown_event};
use crate::tui::state::State;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{document, pane, text};

/// The views with their names, in the order of `Tab`.
const VIEWS: [(View, &str); 3] = [
    (View::Story, "story"),
    (View::Event, "event"),
    (View::Request, "request"),
];

/// Minimum width for the names of all views.
const ALL_VIEWS: u16 = 50;

/// Maximum rows of the outcome above a document.
const OUTCOME_ROWS: usize = 4;

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let (inspector, source) = match (state.overlays.top(), &state.detail.shown) {
        (Some(Overlay::Inspector(inspector)), _) => (Some(inspector), None),
        (_, Some((source, inspector))) => (Some(inspector), Some(*source)),
        (_, None) => (None, Some(Source::Cursor)),
    };
    let focused = source.is_none();
    let view = inspector.map_or(state.detail.view, |inspector| inspector.view);
    let title = pane_title(inspector, source, theme);
    let views = views(view, area.width);
    let title = pane::Title::both(&title, &views);
    let inside = pane::frame(frame, area, title, focused, theme);
    let (width, rows) = room(area.width, area.height);
    let lines = match inspector.map(|inspector| (inspector, &inspector.found)) {
        None => vec![Line::styled(" no event here", theme.dim)],
        Some((_, None)) => vec![Line::styled(" the event has left the ring", theme.dim)],
        Some((inspector, Some(found))) if view == View::Story => {
            let overview = Overview::new(inspector, shown_event(found, state), width, theme);
            let from = inspector.story.min(overview.rows().saturating_sub(rows));
            overview.draw(from, rows, theme)
        }
        Some((inspector, Some(found))) => {
            let shown = ShownDocument {
                inspector,
                event: shown_event(found, state),
                focused,
            };
            shown.lines(width, rows, theme)
        }
    };
    frame.render_widget(Paragraph::new(lines), inside);
}

fn pane_title(inspector: Option<&Inspector>, source: Option<Source>, theme: &Theme) -> String {
    let Some(inspector) = inspector else {
        return "Event".to_owned();
    };
    let number = grouped(inspector.sequence);
    let dash = theme.sign(Sign::Dash);
    match source {
        Some(Source::Newest) => format!("Event {number} {dash} newest"),
        Some(Source::Violation(code, _)) => format!("Event {number} {dash} last of {code}"),
        Some(Source::Cursor) | None => format!("Event {number}"),
    }
}

/// The names of the views, the current one in brackets.
fn views(current: View, width: u16) -> String {
    let name = |(view, name): &(View, &str)| {
        if *view == current {
            format!("[{name}]")
        } else {
            (*name).to_owned()
        }
    };
    let shown = VIEWS
        .iter()
        .filter(|(view, _)| width >= ALL_VIEWS || *view == current);
    let names: Vec<String> = shown.map(name).collect();
    names.join(" ")
}

/// Rows above the raw event or the mapped request in the detail pane. None if neither is shown.
pub(crate) fn document_lead(area: Rect, inspector: &Inspector, state: &State) -> Option<u16> {
    let found = inspector.found.as_ref()?;
    let mapped = inspector.shows_mapped();
    let is_malformed = found.record.event().is_none() && !mapped;
    if inspector.view == View::Story || is_malformed {
        return None;
    }
    let (width, rows) = room(area.width, area.height);
    // The number of lines is the same in every theme.
    let outcome = outcome(shown_event(found, state), width, &Theme::plain(false));
    // A line says where the value is sent.
    Some(outcome.len().min(OUTCOME_ROWS.min(rows / 3)) as u16 + 1)
}

/// The raw event or the mapped request, below the outcome.
struct ShownDocument<'d> {
    inspector: &'d Inspector,
    event: ShownEvent<'d>,
    focused: bool,
}

impl ShownDocument<'_> {
    fn lines(&self, width: usize, rows: usize, theme: &Theme) -> Vec<Line<'static>> {
        let inspector = self.inspector;
        let found = self.event.found;
        let mapped = inspector.shows_mapped();
        let mut lines = outcome(self.event, width, theme);
        lines.truncate(OUTCOME_ROWS.min(rows / 3));
        if let Some(malformed) = MalformedText::of(&found.record, self.event.privacy)
            && !mapped
        {
            lines.push(Line::default());
            let left = rows.saturating_sub(lines.len());
            lines.extend(malformed.lines(width, left, theme));
            return lines;
        }
        let [raw, request] = shown_documents(inspector, self.event);
        let json = if mapped { request } else { raw };
        let path = json.get(inspector.line).map(|line| line.path.as_str());
        let goes = path.filter(|_| self.focused && !mapped);
        let goes = goes.and_then(|path| request_path(found, path));
        let goes = text::cut(&goes.unwrap_or_default(), width);
        lines.push(Line::styled(format!(" {goes}"), theme.dim));
        let left = rows.saturating_sub(lines.len());
        let violations = &found.record.story.violations;
        let at_fault = |path: &str| !mapped && violations.iter().any(|v| v.path == path);
        let cursor = self.focused.then_some(inspector.line);
        let document = document::Rows {
            lines: &json,
            cursor,
            at_fault: &at_fault,
        };
        lines.extend(document.draw(width, left, theme));
        lines
    }
}
