//! The answer to a question: its sentences, and the timeline of the events.

use std::collections::VecDeque;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::privacy::mask;
use crate::protocol::Record;
use crate::text::{duration, grouped};
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::events::outcome::outcome_of;
use crate::tui::events::severity_style::style_of;
use crate::tui::state::State;
use crate::tui::why::sentences::sentences;
use crate::tui::why::state::OpenedWhy;
use crate::tui::widget::list::visible;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    open: &OpenedWhy,
    state: &State,
    theme: &Theme,
) {
    let lines = said(area, open, state, theme);
    let [above, below] = divided(area, lines.len());
    let dash = theme.sign(Sign::Dash);
    let is_type = open
        .answer
        .as_ref()
        .is_some_and(|answer| answer.is_about_a_type());
    let asked = mask::shown(state.privacy.filter(|_| !is_type), &open.asked);
    let title = format!("Why didn't it arrive? {dash} {asked}");
    let inside = pane::frame(
        frame,
        above,
        pane::Title::both(&title, "from the events in the ring"),
        false,
        theme,
    );
    frame.render_widget(Paragraph::new(lines), inside);
    timeline(frame, below, open, state, theme);
}

/// The areas of the sentences, which take this number of lines, and of the timeline.
fn divided(area: Rect, lines: usize) -> [Rect; 2] {
    let most = (area.height / 2).max(4);
    let height = (lines as u16 + 2).min(most);
    Layout::vertical([Constraint::Length(height), Constraint::Min(0)]).areas(area)
}

/// The area of the timeline.
pub(crate) fn timeline_area(area: Rect, open: &OpenedWhy, state: &State) -> Rect {
    // The sentences are the same in every theme.
    let lines = said(area, open, state, &Theme::plain(false)).len();
    let [_, timeline] = divided(area, lines);
    timeline
}

fn said(area: Rect, open: &OpenedWhy, state: &State, theme: &Theme) -> Vec<Line<'static>> {
    let Some(answer) = &open.answer else {
        return vec![Line::styled(" reading the events in the ring", theme.dim)];
    };
    let width = usize::from(area.width).saturating_sub(4);
    let mut lines = Vec::new();
    for sentence in sentences(&open.asked, answer, &state.snapshot) {
        let style = style_of(sentence.severity, theme);
        let wrapped = text::wrap(&sentence.text, width).into_iter();
        lines.extend(wrapped.map(|line| Line::styled(format!(" {line}"), style)));
    }
    lines
}

fn timeline(frame: &mut Frame<'_>, area: Rect, open: &OpenedWhy, state: &State, theme: &Theme) {
    let answer = open.answer.as_deref();
    let records = answer.map(|answer| &answer.timeline);
    let shown = records.map_or(0, VecDeque::len);
    let all = answer.map_or(0, |answer| answer.summary.events);
    let right = match all {
        all if all > shown as u64 => {
            format!("newest {} of {}", grouped(shown as u64), grouped(all))
        }
        all => grouped(all),
    };
    let dash = theme.sign(Sign::Dash);
    let title = format!("Timeline {dash} oldest first: received, event, sent, answered, outcome");
    let inside = pane::frame(frame, area, pane::Title::both(&title, &right), true, theme);
    let Some(records) = records.filter(|records| !records.is_empty()) else {
        let message = Line::styled(" no event", theme.dim);
        frame.render_widget(Paragraph::new(message), inside);
        return;
    };
    let (height, width) = (usize::from(inside.height), usize::from(inside.width));
    let cursor = open.row();
    let lines = visible(records, cursor, height).map(|(index, record)| {
        let line = row(record, state, width, theme);
        if index == cursor {
            theme.select(line)
        } else {
            line
        }
    });
    let lines: Vec<Line<'_>> = lines.collect();
    frame.render_widget(Paragraph::new(lines), inside);
}

/// An event of the timeline: when it came, when it was sent, the answer, the outcome.
fn row(record: &Record, state: &State, width: usize, theme: &Theme) -> Line<'static> {
    let (sign, severity, outcome) = outcome_of(record, QueueReason::of(&state.snapshot.delivery));
    let style = style_of(severity, theme);
    let attempt = record.story.attempts.last();
    let sent = attempt.map_or_else(String::new, |attempt| {
        let answer = &attempt.answer;
        let took = duration(attempt.took_ms.into());
        format!(
            "sent {}, {answer} after {took}",
            time::to_clock(attempt.at_ms)
        )
    });
    let sent_room = if width >= 110 { 38 } else { 0 };
    let name_room = (width / 4).clamp(14, 30);
    let outcome_room = width.saturating_sub(12 + 4 + name_room + sent_room + 3);
    Line::from(vec![
        Span::styled(
            format!(" {} ", time::to_clock(record.received_ms)),
            theme.dim,
        ),
        Span::styled(format!("{} ", theme.sign(sign)), style),
        Span::styled(
            text::fit(text::event_name(record.event_type()), name_room),
            theme.text,
        ),
        Span::styled(format!(" {}", text::fit(&sent, sent_room)), theme.dim),
        Span::styled(text::fit(&outcome, outcome_room), style),
    ])
}
