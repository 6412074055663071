//! The history of the filters.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::tui::filters::history::log::Entry;
use crate::tui::frame::focus::PopupKind;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::state::State;
use crate::tui::widget::theme::Theme;
use crate::tui::widget::{pane, text};

/// The area of the popup.
pub(crate) fn area_of(area: Rect, state: &State) -> Rect {
    let rows = (state.history.log().len() as u16 + 2)
        .max(5)
        .min(area.height.saturating_sub(2));
    pane::centred(area, 108.min(area.width.saturating_sub(2)), rows)
}

/// Draws the changes, the newest first.
pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    scroll: usize,
    state: &State,
    theme: &Theme,
) {
    let log = state.history.log();
    let room = area_of(area, state);
    let title = "Filter history";
    let commands = [
        Command::InPopup(PopupCommand::Export),
        Command::InPopup(PopupCommand::Undo),
        Command::Back,
    ];
    let keys = state.keymap.popup_hints(PopupKind::History, &commands);
    let inside = pane::frame(frame, room, pane::Title::both(title, &keys), true, theme);
    if log.len() == 0 {
        let filters = state.key(Command::FocusFilters);
        let message = format!(" no changes since the screen was opened: {filters} changes filters");
        let line = Line::styled(message, theme.dim);
        frame.render_widget(Paragraph::new(line), inside);
        return;
    }
    let width = usize::from(inside.width).saturating_sub(22);
    let height = usize::from(inside.height);
    let scroll = scroll.min(log.len().saturating_sub(height));
    let line = |entry: &Entry| {
        let clock = time::to_clock_seconds(entry.at_ms);
        Line::from(vec![
            Span::styled(format!(" {clock} "), theme.dim),
            Span::styled(text::fit(entry.origin(), 11), theme.accent),
            Span::styled(text::cut(&entry.summary(), width), theme.text),
        ])
    };
    let lines: Vec<Line<'_>> = log.rev().skip(scroll).take(height).map(line).collect();
    frame.render_widget(Paragraph::new(lines), inside);
}
