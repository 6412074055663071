//! The program while it drains.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::text::grouped;
use crate::tui::state::State;
use crate::tui::widget::pane;
use crate::tui::widget::theme::Theme;

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let delivery = &state.snapshot.delivery;
    let room = pane::centred(area, 64, 8);
    let inside = pane::frame(frame, room, "Draining", "", true, theme);
    let items = grouped(delivery.spool.items);
    let says = match delivery.breaker.why() {
        Some(_) => "Customer.io is down: what waits stays in the spool.",
        None if delivery.gate_shut => "The gate is not open: what waits stays in the spool.",
        None => "",
    };
    let lines = vec![
        Line::default(),
        Line::styled(
            format!(
                "  {items} items are in the spool, {} requests are out.",
                delivery.in_flight
            ),
            theme.text,
        ),
        Line::styled(format!("  {says}"), theme.warn),
        Line::default(),
        Line::from(vec![
            Span::styled("  q", theme.key),
            Span::styled(
                " leaves at once; the rest goes out at the next start",
                theme.dim,
            ),
        ]),
    ];
    frame.render_widget(Paragraph::new(lines), inside);
}
