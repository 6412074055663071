//! The banner: the current alert, its start, and the key that deals with it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::tui::frame::alert::Alert;
use crate::tui::state::State;
use crate::tui::widget::text;
use crate::tui::widget::theme::{Sign, Theme};

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    alert: Alert,
    state: &State,
    theme: &Theme,
) {
    let width = usize::from(area.width);
    let style = if alert.kind.is_warning() {
        theme.warn
    } else {
        theme.bad
    };
    let clock = time::to_clock_seconds(alert.since_ms);
    let lead = format!(" {} since {clock} ", theme.sign(Sign::Attention));
    let remedy = alert.kind.remedy(&state.snapshot);
    let (key, remedy) = remedy.map_or(("", ""), |(command, remedy)| (state.key(command), remedy));
    let tail = text::width(key) + text::width(remedy) + 4;
    let room = width.saturating_sub(text::width(&lead) + tail);
    let message = text::fit(&alert.kind.description(state.alert_inputs()), room);
    let line = Line::from(vec![
        Span::styled(lead, style),
        Span::styled(message, style),
        Span::styled(format!("  {key}"), theme.key),
        Span::styled(format!(" {remedy} "), theme.dim),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}
