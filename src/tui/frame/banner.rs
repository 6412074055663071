//! The banner: the current alert, its start, and the key that deals with it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::tui::frame::alert::{Alert, AlertKind};
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
    let style = match alert.kind {
        AlertKind::NearlyFull | AlertKind::Rejected | AlertKind::Watch(_) => theme.warn,
        _ => theme.bad,
    };
    let clock = time::to_seconds(alert.since_ms);
    let lead = format!(" {} since {clock} ", theme.sign(Sign::Attention));
    let leads = alert.kind.leads_on();
    let (key, leads) = leads.map_or(("", ""), |(does, leads)| (state.key(does), leads));
    let tail = text::width(key) + text::width(leads) + 4;
    let room = width.saturating_sub(text::width(&lead) + tail);
    let message = text::fit(&alert.kind.says(state.alert_inputs()), room);
    let line = Line::from(vec![
        Span::styled(lead, style),
        Span::styled(message, style),
        Span::styled(format!("  {key}"), theme.key),
        Span::styled(format!(" {leads} "), theme.dim),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}
