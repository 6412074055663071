//! One person: a summary above the list of events.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::privacy::mask;
use crate::text::{duration, grouped};
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::events::view as events;
use crate::tui::person::layout::areas;
use crate::tui::person::query::Summary;
use crate::tui::person::state::OpenedPerson;
use crate::tui::state::State;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    person: &OpenedPerson,
    state: &State,
    theme: &Theme,
) {
    let [above, below] = areas(area);
    let identity = &person.identity;
    let dash = theme.sign(Sign::Dash);
    let id = mask::shown(state.privacy, identity.id());
    let title = format!("Person {dash} {} {id}", identity.field());
    let inside = pane::frame(
        frame,
        above,
        pane::Title::both(&title, "events in the ring"),
        false,
        theme,
    );
    let width = usize::from(inside.width);
    let lines = match &person.summary {
        Some(summary) => {
            let queued = QueueReason::of(&state.shown().delivery);
            let rows = summary_rows(summary, queued, theme).into_iter();
            rows.map(|row| summary_line(row, width, theme)).collect()
        }
        None => vec![Line::styled(" reading the events in the ring", theme.dim)],
    };
    frame.render_widget(Paragraph::new(lines), inside);
    events::render(frame, below, state, theme);
}

/// A row of the summary: its name, and its parts with their styles.
type SummaryRow = (&'static str, Vec<(String, Style)>);

fn summary_rows(summary: &Summary, queued: Option<QueueReason>, theme: &Theme) -> [SummaryRow; 6] {
    let seen = summary.seen.map(|(first, last)| {
        let events = match summary.events {
            1 => "1 event".to_owned(),
            count => format!("{} events in {}", grouped(count), duration(last - first)),
        };
        let clock = time::to_clock_seconds;
        let to = if theme.ascii { "to" } else { "–" };
        vec![
            (format!("{} {to} {}", clock(first), clock(last)), theme.text),
            (events, theme.dim),
        ]
    });
    let (on_their_way, style) = match queued {
        Some(reason) => (format!("queued: {}", reason.description()), theme.warn),
        None => ("on their way".to_owned(), theme.text),
    };
    let outcomes = [
        (summary.delivered, "delivered", theme.good),
        (summary.on_their_way, &on_their_way, style),
        (summary.dry_run, "in dry run", theme.text),
        (summary.undelivered, "not delivered", theme.bad),
    ];
    let filtered = summary.filtered_out.iter();
    let filtered = filtered.map(|(by, n)| (*n, by.to_string(), theme.dim));
    let rejected = summary.rejected.iter();
    let rejected = rejected.map(|(code, n)| (*n, format!("rejected by {code}"), theme.bad));
    let warned = summary.warned.iter();
    let warned = warned.map(|(code, n)| (*n, format!("warned of {code}"), theme.warn));
    let types = summary.types.iter();
    let types = types.map(|(name, n)| (*n, name.to_string(), theme.text));
    let dead_letters = summary.dead_letters.iter().map(|dead_letter| {
        let (number, reason) = (dead_letter.number, &dead_letter.reason);
        let event_type = &dead_letter.accepted.event_type;
        (format!("{number}: {event_type}: {reason}"), theme.bad)
    });
    [
        ("seen", seen.unwrap_or_default()),
        ("accepted", counted(outcomes)),
        ("filtered", counted(filtered)),
        ("violations", counted(rejected.chain(warned))),
        ("types", counted(types)),
        ("dead letters", dead_letters.collect()),
    ]
}

fn summary_line((name, parts): SummaryRow, width: usize, theme: &Theme) -> Line<'static> {
    let mut spans = vec![Span::styled(format!(" {name:<13}"), theme.dim)];
    if parts.is_empty() {
        spans.push(Span::styled("none", theme.dim));
    }
    let mut left = width.saturating_sub(14);
    for (part, style) in parts {
        let part = text::cut(&part, left);
        left = left.saturating_sub(text::width(&part) + 3);
        spans.push(Span::styled(format!("{part}   "), style));
        if left == 0 {
            break;
        }
    }
    Line::from(spans)
}

/// The descriptions with a count above zero, each after its count.
fn counted<S: std::fmt::Display>(
    all: impl IntoIterator<Item = (u64, S, Style)>,
) -> Vec<(String, Style)> {
    let some = all.into_iter().filter(|(count, ..)| *count > 0);
    some.map(|(count, message, style)| (format!("{} {message}", grouped(count)), style))
        .collect()
}
