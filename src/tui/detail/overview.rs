//! The overview of an event: outcome and reason, history, raw event and mapped request, one below the
//! other.

use ratatui::text::Line;

use crate::tui::inspector::malformed::MalformedText;
use crate::tui::inspector::state::Inspector;
use crate::tui::inspector::story::{ShownEvent, story};
use crate::tui::inspector::view::{shown_documents, shown_event};
use crate::tui::state::State;
use crate::tui::widget::json::JsonLine;
use crate::tui::widget::theme::Theme;

/// Maximum rows of a malformed text.
const MALFORMED_ROWS: usize = 40;

/// The overview of an event.
pub(crate) struct Overview {
    rows: Vec<Row>,
    width: usize,
}

/// A row of the overview. JSON is drawn only where it is visible.
enum Row {
    Text(Line<'static>),
    Json(JsonLine),
}

impl Overview {
    /// The overview in `width` columns.
    pub(crate) fn new(
        inspector: &Inspector,
        shown: ShownEvent<'_>,
        width: usize,
        theme: &Theme,
    ) -> Self {
        let story = story(shown, width, theme).into_iter();
        let mut rows: Vec<Row> = story.map(Row::Text).collect();
        let heading = |name: &'static str| {
            let lines = [Line::default(), Line::styled(name, theme.title)];
            lines.into_iter().map(Row::Text)
        };
        let [raw, request] = shown_documents(inspector, shown);
        if let Some(malformed) = MalformedText::of(&shown.found.record, shown.privacy) {
            rows.extend(heading(" Malformed"));
            let lines = malformed.lines(width, MALFORMED_ROWS, theme);
            rows.extend(lines.into_iter().map(Row::Text));
        } else {
            rows.extend(heading(" Raw event"));
            rows.extend(raw.into_iter().map(Row::Json));
            rows.extend(heading(" Mapped request"));
            rows.extend(request.into_iter().map(Row::Json));
        }
        Self { rows, width }
    }

    /// The number of its rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Draws `count` rows, beginning with row `from`.
    pub(crate) fn draw(self, from: usize, count: usize, theme: &Theme) -> Vec<Line<'static>> {
        let room = self.width.saturating_sub(3);
        let rows = self.rows.into_iter().skip(from).take(count);
        rows.map(|row| match row {
            Row::Text(line) => line,
            Row::Json(line) => {
                let mut drawn = line.draw(room, theme);
                drawn.spans.insert(0, "   ".into());
                drawn
            }
        })
        .collect()
    }
}

/// The last row that the overview of the inspected event can be scrolled to in the detail pane.
pub(crate) fn last_scroll(state: &State, inspector: &Inspector) -> usize {
    let Some(found) = &inspector.found else {
        return 0;
    };
    let area = state.areas().detail;
    let (width, height) = room(area.width, area.height);
    // The number of rows is the same in every theme.
    let theme = Theme::plain(false);
    let overview = Overview::new(inspector, shown_event(found, state), width, &theme);
    overview.rows().saturating_sub(height)
}

/// Columns and rows of the overview in a pane.
pub(crate) fn room(width: u16, height: u16) -> (usize, usize) {
    let width = usize::from(width).saturating_sub(4);
    (width, usize::from(height).saturating_sub(2))
}
