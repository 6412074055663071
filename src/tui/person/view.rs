//! One person: what became of their events, over the list of them.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::text::{duration, grouped};
use crate::tui::events::view as events;
use crate::tui::person::layout::rooms;
use crate::tui::person::query::Summary;
use crate::tui::person::state::OpenedPerson;
use crate::tui::privacy::mask;
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
    let [above, below] = rooms(area);
    let identity = &person.identity;
    let dash = theme.sign(Sign::Dash);
    let id = mask::shown(state.privacy, identity.id());
    let title = format!("Person {dash} {} {id}", identity.field());
    let inside = pane::frame(
        frame,
        above,
        &title,
        "as far as the ring goes",
        false,
        theme,
    );
    let width = usize::from(inside.width);
    let lines = match &person.summary {
        Some(summary) => summarized(summary, width, theme),
        None => vec![Line::styled(
            " looking at the events that came by",
            theme.dim,
        )],
    };
    frame.render_widget(Paragraph::new(lines), inside);
    events::render(frame, below, state, theme);
}

fn summarized(summary: &Summary, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut row = |name: &str, parts: Vec<(String, Style)>| {
        let mut spans = vec![Span::styled(format!(" {name:<11}"), theme.dim)];
        let mut left = width.saturating_sub(12);
        let nothing = parts.is_empty();
        for (part, style) in parts {
            let part = text::cut(&part, left);
            left = left.saturating_sub(text::width(&part) + 3);
            spans.push(Span::styled(format!("{part}   "), style));
            if left == 0 {
                break;
            }
        }
        if nothing {
            spans.push(Span::styled("none", theme.dim));
        }
        lines.push(Line::from(spans));
    };
    let seen = summary.seen.map(|(first, last)| {
        let events = match summary.events {
            1 => "1 event".to_owned(),
            count => format!("{} events in {}", grouped(count), duration(last - first)),
        };
        let clock = time::to_seconds;
        let to = if theme.ascii { "to" } else { "–" };
        vec![
            (format!("{} {to} {}", clock(first), clock(last)), theme.text),
            (events, theme.dim),
        ]
    });
    row("seen", seen.unwrap_or_default());
    let outcomes = [
        (summary.delivered, "delivered", theme.good),
        (summary.on_their_way, "on their way", theme.text),
        (summary.dry_run, "in dry run", theme.text),
        (summary.undelivered, "not delivered", theme.bad),
    ];
    row("accepted", counted(outcomes));
    let held = summary.held_back.iter();
    row(
        "held back",
        counted(held.map(|(by, n)| (*n, by.to_string(), theme.dim))),
    );
    let rejected = summary.rejected.iter();
    let warned = summary.warned.iter();
    let breaks = rejected
        .map(|(code, n)| (*n, format!("rejected by {code}"), theme.bad))
        .chain(warned.map(|(code, n)| (*n, format!("warned of {code}"), theme.warn)));
    row("violations", counted(breaks));
    let types = summary.types.iter();
    row(
        "types",
        counted(types.map(|(name, n)| (*n, name.to_string(), theme.text))),
    );
    let letters = summary.dead_letters.iter().map(|letter| {
        let says = format!(
            "{}: {}: {}",
            letter.number, letter.accepted.event_type, letter.reason
        );
        (says, theme.bad)
    });
    row("letters", letters.collect());
    lines
}

/// What there is of these, with its number in front.
fn counted<S: std::fmt::Display>(
    all: impl IntoIterator<Item = (u64, S, Style)>,
) -> Vec<(String, Style)> {
    let some = all.into_iter().filter(|(count, ..)| *count > 0);
    some.map(|(count, says, style)| (format!("{} {says}", grouped(count)), style))
        .collect()
}
