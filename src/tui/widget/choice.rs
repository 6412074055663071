//! A popup with a few choices, each with its key.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::frame::focus::PopupKind;
use crate::tui::input::keymap::{Command, Keymap, PopupCommand};
use crate::tui::widget::theme::Theme;
use crate::tui::widget::{pane, text};

/// Choices with a title.
pub(crate) struct Choices<'c> {
    pub(crate) kind: PopupKind,
    pub(crate) title: &'c str,
    pub(crate) all: &'c [&'c str],
}

/// The area of the popup.
pub(crate) fn area_of(area: Rect, choices: usize) -> Rect {
    pane::centred(area, 60, choices as u16 + 4)
}

/// Draws the choices.
pub(crate) fn choice(
    frame: &mut Frame<'_>,
    area: Rect,
    shown: &Choices<'_>,
    keymap: &Keymap,
    theme: &Theme,
) {
    let key = |does| keymap.popup_key(does, shown.kind);
    let line = |(number, message): (usize, &&str)| {
        let does = Command::InPopup(PopupCommand::Choice(number as u8));
        Line::from(vec![
            Span::styled(format!("  {}", text::fit(key(does), 3)), theme.key),
            Span::styled((*message).to_owned(), theme.text),
        ])
    };
    let mut lines = vec![Line::default()];
    lines.extend(shown.all.iter().enumerate().map(line));
    let room = area_of(area, shown.all.len());
    let closes = format!("{} closes", key(Command::Back));
    let title = pane::Title::both(shown.title, &closes);
    let inside = pane::frame(frame, room, title, true, theme);
    frame.render_widget(Paragraph::new(lines), inside);
}
