//! One event: its story on the left, and the raw event or the mapped request on the right.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::text::grouped;
use crate::tui::inspector::state::Inspector;
use crate::tui::inspector::story::{Shown, story};
use crate::tui::privacy::mask::Privacy;
use crate::tui::widget::theme::Theme;
use crate::tui::widget::{document, json, pane, text};

/// From this width on, the raw event and the mapped request stand side by side.
const THREE_COLUMNS: u16 = 180;

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    inspector: &Inspector,
    privacy: Option<Privacy>,
    theme: &Theme,
) {
    let Some(found) = &inspector.found else {
        pane::frame(frame, area, "Event", "fetching", true, theme);
        return;
    };
    let title = format!("Event {}", grouped(found.record.sequence));
    let shown = Shown {
        title: &title,
        found,
        scroll: inspector.story,
        privacy,
    };
    if area.width >= THREE_COLUMNS {
        let [story, raw, mapped] = Layout::horizontal([
            Constraint::Percentage(28),
            Constraint::Percentage(36),
            Constraint::Min(0),
        ])
        .areas(area);
        render_story(frame, story, &shown, theme);
        json(frame, raw, inspector, false, privacy, theme);
        json(frame, mapped, inspector, true, privacy, theme);
        return;
    }
    let [story, right] =
        Layout::horizontal([Constraint::Percentage(42), Constraint::Min(0)]).areas(area);
    render_story(frame, story, &shown, theme);
    let mapped = inspector.shows_mapped;
    json(frame, right, inspector, mapped, privacy, theme);
}

fn json(
    frame: &mut Frame<'_>,
    area: Rect,
    inspector: &Inspector,
    mapped: bool,
    privacy: Option<Privacy>,
    theme: &Theme,
) {
    let Some(found) = &inspector.found else {
        return;
    };
    let focused = mapped == inspector.shows_mapped;
    let (title, raw, other) = if mapped {
        ("Mapped request", found.mapped.as_str(), "Tab: raw event")
    } else {
        ("Raw event", found.record.text(), "Tab: mapped request")
    };
    let folded = &inspector.folded[usize::from(mapped)];
    let hidden = privacy.map(|privacy| privacy.document(raw));
    let lines = json::lines(hidden.as_deref().unwrap_or(raw), folded);
    // Where the value under the cursor goes.
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
    let shown = document::Document {
        title,
        right,
        lines,
        cursor: focused.then_some(inspector.line),
    };
    let violations = &found.record.story.violations;
    let at_fault = |path: &str| !mapped && violations.iter().any(|v| v.path == path);
    document::render(frame, area, &shown, &at_fault, theme);
}

fn render_story(frame: &mut Frame<'_>, area: Rect, shown: &Shown<'_>, theme: &Theme) {
    let width = usize::from(area.width).saturating_sub(4);
    let rows = usize::from(area.height).saturating_sub(2);
    let mut lines = story(shown, width, theme);
    if lines.len() > rows {
        // Where room is short, it goes to words.
        lines.retain(|line| line.width() > 0);
    }
    let most = lines.len().saturating_sub(rows);
    let scroll = shown.scroll.min(most);
    let right = match most {
        0 => String::new(),
        _ => format!("J K scroll, {} more", most - scroll),
    };
    let inside = pane::frame(frame, area, shown.title, &right, false, theme);
    let lines: Vec<Line<'_>> = lines.into_iter().skip(scroll).collect();
    frame.render_widget(Paragraph::new(lines), inside);
}
