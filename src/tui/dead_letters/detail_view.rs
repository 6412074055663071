//! One dead letter: its history and its request.

use std::collections::BTreeSet;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::customerio::Route;
use crate::delivery::Part;
use crate::delivery::spool::dead_letters::DeadLetter;
use crate::privacy::mask;
use crate::text::{duration, with_field};
use crate::tui::dead_letters::query::group;
use crate::tui::dead_letters::row::style;
use crate::tui::dead_letters::state::DeadLetters;
use crate::tui::state::State;
use crate::tui::widget::theme::Theme;
use crate::tui::widget::{document, json, pane, text};

/// From this height on, the request is below the history. Otherwise it is beside it.
const TALL: u16 = 28;

/// Rows of a history, with its border.
const HISTORY_ROWS: u16 = 16;

/// Draws the dead letter under the cursor, or the newest one of the group under the cursor.
pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    dead_letters: &DeadLetters,
    state: &State,
    theme: &Theme,
) {
    let Some(shown) = Shown::of(dead_letters, state) else {
        pane::frame(frame, area, pane::Title::left("Dead letter"), false, theme);
        return;
    };
    let [above, below] = if area.height >= TALL {
        Layout::vertical([Constraint::Length(HISTORY_ROWS), Constraint::Min(0)]).areas(area)
    } else {
        Layout::horizontal([Constraint::Percentage(42), Constraint::Min(0)]).areas(area)
    };
    history(frame, above, shown.dead_letter, state, theme);
    let body = String::from_utf8_lossy(&shown.dead_letter.accepted.item.body);
    let hidden = state.privacy.map(|privacy| privacy.document(&body));
    let body = hidden.as_deref().unwrap_or(&body);
    document::render(
        frame,
        below,
        &document::Document {
            title: "Request",
            right: text::bytes(body.len()),
            lines: json::lines(body, shown.folded),
            cursor: shown.line,
        },
        &|_| false,
        theme,
    );
}

/// A dead letter with the state of its request.
struct Shown<'d> {
    dead_letter: &'d DeadLetter,
    folded: &'d BTreeSet<String>,
    /// The line of the cursor, if the request has the focus.
    line: Option<usize>,
}

impl<'d> Shown<'d> {
    /// None while it is loaded.
    fn of(dead_letters: &'d DeadLetters, state: &State) -> Option<Self> {
        if let Some(opened) = &dead_letters.opened {
            return Some(Self {
                dead_letter: opened.at_cursor()?,
                folded: &opened.folded,
                line: opened.line,
            });
        }
        let newest = dead_letters.newest.as_ref();
        let newest = newest.filter(|newest| Some(&newest.group) == group(state))?;
        Some(Self {
            dead_letter: newest.dead_letter.as_ref()?,
            folded: &newest.folded,
            line: None,
        })
    }
}

fn history(
    frame: &mut Frame<'_>,
    area: Rect,
    dead_letter: &DeadLetter,
    state: &State,
    theme: &Theme,
) {
    let title = format!("Dead letter {}", dead_letter.number);
    let inside = pane::frame(frame, area, pane::Title::left(&title), false, theme);
    let width = usize::from(inside.width).saturating_sub(2);
    let event_type = text::event_name(&dead_letter.accepted.event_type);
    let mut lines = vec![Line::styled(
        format!(" {}", text::cut(event_type, width)),
        theme.accent,
    )];
    let reason = with_field(&dead_letter.field, &dead_letter.reason);
    let reason = format!("{}: {reason}", dead_letter.why);
    let reason = text::wrap(&reason, width).into_iter().take(4);
    let style = style(dead_letter.why, theme);
    lines.extend(reason.map(|line| Line::styled(format!(" {line}"), style)));
    for (name, value) in fields(dead_letter, state, width) {
        lines.push(Line::from(vec![
            Span::styled(format!(" {name:<9}"), theme.dim),
            Span::styled(text::cut(&value, width.saturating_sub(10)), theme.text),
        ]));
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

/// The names and values of a dead letter's history.
fn fields(dead_letter: &DeadLetter, state: &State, width: usize) -> [(&'static str, String); 11] {
    let accepted = &dead_letter.accepted;
    // Milliseconds are shown if there is room.
    let digits = if width >= 10 + 23 { 23 } else { 19 };
    let stamp = |ms| {
        let stamp = time::to_export(ms);
        stamp.get(..digits).unwrap_or(&stamp).to_owned()
    };
    let route = match &accepted.item.route {
        Route::Batch => "v2 batch".to_owned(),
        // The path contains the ID of the person.
        Route::V1 { .. } if state.privacy.is_some() => "v1".to_owned(),
        Route::V1 { path, .. } => format!("v1 {path}"),
    };
    let part = match accepted.part {
        Part::Event => "the event",
        Part::Identify => "the person's attributes",
    };
    let answer = format!("{} {}", dead_letter.answer, dead_letter.message);
    let first = dead_letter
        .history
        .first_ms
        .map_or_else(|| "–".to_owned(), stamp);
    let took = dead_letter
        .history
        .first_ms
        .map_or(0, |first| dead_letter.at_ms - first);
    [
        ("person", mask::shown(state.privacy, &dead_letter.person())),
        ("answer", answer.trim().to_owned()),
        ("requests", dead_letter.history.requests.to_string()),
        ("first", first),
        ("gave up", stamp(dead_letter.at_ms)),
        ("after", duration(took.max(0))),
        ("happened", stamp(accepted.happened_ms)),
        ("received", stamp(accepted.received_ms)),
        ("part", part.to_owned()),
        ("by", route),
        ("id", accepted.item.id.to_string()),
    ]
}
