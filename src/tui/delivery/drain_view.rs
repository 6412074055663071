//! The popup while the program is draining.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::text::counted;
use crate::tui::state::State;
use crate::tui::widget::pane;
use crate::tui::widget::theme::Theme;

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let delivery = &state.snapshot.delivery;
    let room = pane::centred(area, 64, 8);
    let inside = pane::frame(frame, room, pane::Title::left("Draining"), true, theme);
    let items = counted(delivery.spool.items, "item");
    let requests = counted(u64::from(delivery.in_flight), "request");
    let message = match delivery.breaker.why() {
        Some(_) => "Customer.io is down: queued items stay in the spool.",
        None if delivery.gate_shut => "The gate is not open: queued items stay in the spool.",
        None => "",
    };
    let lines = vec![
        Line::default(),
        Line::styled(
            format!("  Queued: {items}. In flight: {requests}."),
            theme.text,
        ),
        Line::styled(format!("  {message}"), theme.warn),
        Line::default(),
        Line::from(vec![
            Span::styled("  q", theme.key),
            Span::styled(
                " quits now; queued items are sent at the next start",
                theme.dim,
            ),
        ]),
    ];
    frame.render_widget(Paragraph::new(lines), inside);
}
