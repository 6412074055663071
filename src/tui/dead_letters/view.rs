//! The dead letters: groups by reason and type, the items of a group, and one item.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::customerio::Route;
use crate::delivery::spool::dead_letters::{DeadLetter, DeadLetterGroup, DeadLetterRow};
use crate::delivery::{Part, Undelivered};
use crate::text::{duration, grouped, with_field};
use crate::tui::dead_letters::state::{DeadLetters, OpenedGroup};
use crate::tui::input::keymap::Command;
use crate::tui::privacy::mask;
use crate::tui::state::State;
use crate::tui::widget::list::scroll;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{document, json, pane, text};

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    dead_letters: &DeadLetters,
    state: &State,
    theme: &Theme,
) {
    match &dead_letters.opened {
        None => rows(frame, area, dead_letters, state, theme),
        Some(opened) => {
            // The list keeps a few rows, the dead letter gets the rest.
            let list = (area.height / 3).clamp(5, 14);
            let [above, below] =
                Layout::vertical([Constraint::Length(list), Constraint::Min(0)]).areas(area);
            group_list(frame, above, opened, state, theme);
            if opened.at_cursor().is_some() {
                document_and_history(frame, below, opened, state, theme);
            } else {
                pane::frame(frame, below, pane::Title::left("Dead letter"), false, theme);
            }
        }
    }
}

fn rows(
    frame: &mut Frame<'_>,
    area: Rect,
    dead_letters: &DeadLetters,
    state: &State,
    theme: &Theme,
) {
    let all = &state.snapshot.dead_letters;
    let count = state.snapshot.delivery.spool.dead_letters;
    let dash = theme.sign(Sign::Dash);
    let title = format!("Dead letters {dash} {} by reason and type", grouped(count));
    let kept = match state.snapshot.delivery.spool.keep_dead_letters_ms {
        0 => "kept until discarded".to_owned(),
        ms => format!("each kept for {}", duration(ms)),
    };
    let inside = pane::frame(frame, area, pane::Title::both(&title, &kept), true, theme);
    if all.is_empty() {
        let width = usize::from(inside.width).saturating_sub(2);
        let back = format!("{} goes back.", state.key(Command::Back));
        let mut lines = Vec::new();
        for sentence in [
            "No dead letters: all accepted items are delivered or on their way.",
            "",
            "Items that Customer.io refuses, or that have used up their attempts, are listed here with their reasons.",
            "",
            back.as_str(),
        ] {
            let wrapped = text::wrap(sentence, width).into_iter();
            lines.extend(wrapped.map(|line| Line::styled(format!(" {line}"), theme.dim)));
        }
        frame.render_widget(Paragraph::new(lines), inside);
        return;
    }
    let height = usize::from(inside.height);
    let cursor = dead_letters.row.min(all.len() - 1);
    let width = usize::from(inside.width);
    let lines: Vec<Line<'_>> = all
        .iter()
        .enumerate()
        .skip(scroll(cursor, height, all.len()))
        .take(height)
        .map(|(index, row)| line(row, index == cursor, width, theme))
        .collect();
    frame.render_widget(Paragraph::new(lines), inside);
}

/// A group as a row: count, outcome, type, reason.
pub(crate) fn line(
    row: &DeadLetterRow,
    selected: bool,
    width: usize,
    theme: &Theme,
) -> Line<'static> {
    let type_room = if width >= 110 { 26 } else { 18 };
    let clock = time::to_clock_seconds(row.newest_ms);
    let again = match row.again {
        0 => String::new(),
        count => format!(" {} to be retried", grouped(count)),
    };
    let fixed = 9 + 2 + 10 + type_room + 1 + text::width(&again) + clock.len() + 2;
    let line = Line::from(vec![
        Span::styled(text::fit_right(&grouped(row.count), 9), theme.text),
        Span::raw("  "),
        Span::styled(
            format!("{:<10}", row.group.why),
            style(row.group.why, theme),
        ),
        Span::styled(
            text::fit(text::event_name(&row.group.event_type), type_room),
            theme.text,
        ),
        Span::styled(
            format!(
                " {}",
                text::fit(&reason(&row.group), width.saturating_sub(fixed))
            ),
            theme.dim,
        ),
        Span::styled(again, theme.good),
        Span::styled(format!(" {clock} "), theme.dim),
    ]);
    if selected { theme.select(line) } else { line }
}

fn style(why: Undelivered, theme: &Theme) -> Style {
    match why {
        Undelivered::Expired => theme.warn,
        Undelivered::Discarded | Undelivered::Damaged => theme.bad,
    }
}

fn reason(group: &DeadLetterGroup) -> String {
    with_field(&group.field, &group.reason)
}

fn group_list(
    frame: &mut Frame<'_>,
    area: Rect,
    opened: &OpenedGroup,
    state: &State,
    theme: &Theme,
) {
    let group = &opened.group;
    let title = format!(
        "{} {}: {}",
        group.why,
        text::event_name(&group.event_type),
        reason(group)
    );
    let mut rows = state.snapshot.dead_letters.iter();
    let count = rows.find(|row| row.group == *group).map_or(0, |r| r.count);
    let loaded = opened.dead_letters.as_ref().map_or(0, Vec::len) as u64;
    let right = if count > loaded && loaded > 0 {
        format!("newest {} of {}", grouped(loaded), grouped(count))
    } else {
        grouped(loaded)
    };
    let right = match opened.selected.len() {
        0 => right,
        count => format!("{count} selected, {right}"),
    };
    let inside = pane::frame(
        frame,
        area,
        pane::Title::both(&title, &right),
        opened.line.is_none(),
        theme,
    );
    let Some(dead_letters) = &opened.dead_letters else {
        frame.render_widget(Line::styled(" fetching", theme.dim), inside);
        return;
    };
    let height = usize::from(inside.height);
    let width = usize::from(inside.width);
    let lines: Vec<Line<'_>> = dead_letters
        .iter()
        .enumerate()
        .skip(scroll(opened.cursor, height, dead_letters.len()))
        .take(height)
        .map(|(index, dead_letter)| {
            let mut line = group_line(dead_letter, state, width, theme);
            if opened.selected.contains(&dead_letter.number) {
                line.spans[0] = selected_number(dead_letter.number, theme);
            }
            if index == opened.cursor {
                theme.select(line)
            } else {
                line
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inside);
}

/// The number of a selected dead letter.
fn selected_number(number: i64, theme: &Theme) -> Span<'static> {
    let sign = theme.sign(Sign::Selected);
    let number = text::fit_right(&number.to_string(), 6);
    Span::styled(format!("{sign}{number}"), theme.accent)
}

/// A dead letter as a row: number, time, person, requests.
fn group_line(
    dead_letter: &DeadLetter,
    state: &State,
    width: usize,
    theme: &Theme,
) -> Line<'static> {
    let again = if dead_letter.again {
        "  will be retried"
    } else {
        ""
    };
    let stamp = time::to_export(dead_letter.at_ms);
    let stamp = stamp.get(..19).unwrap_or(&stamp);
    let requests = match dead_letter.history.requests {
        1 => "1 request".to_owned(),
        count => format!("{count} requests"),
    };
    let person = mask::shown(state.privacy, &dead_letter.person());
    let fixed = 8 + 21 + 14 + text::width(again) + 1;
    let number = text::fit_right(&dead_letter.number.to_string(), 7);
    Line::from(vec![
        Span::styled(number, theme.dim),
        Span::styled(format!("  {stamp}  "), theme.dim),
        Span::styled(text::fit(&person, width.saturating_sub(fixed)), theme.text),
        Span::styled(text::fit_right(&requests, 13), theme.dim),
        Span::styled(again, theme.good),
    ])
}

/// The history of the selected dead letter, and its request.
fn document_and_history(
    frame: &mut Frame<'_>,
    area: Rect,
    opened: &OpenedGroup,
    state: &State,
    theme: &Theme,
) {
    let Some(dead_letter) = opened.at_cursor() else {
        return;
    };
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(42), Constraint::Min(0)]).areas(area);
    history(frame, left, dead_letter, state, theme);
    let body = String::from_utf8_lossy(&dead_letter.accepted.item.body);
    let hidden = state.privacy.map(|privacy| privacy.document(&body));
    let body = hidden.as_deref().unwrap_or(&body);
    document::render(
        frame,
        right,
        &document::Document {
            title: "Request",
            right: text::bytes(body.len()),
            lines: json::lines(body, &opened.folded),
            cursor: opened.line,
        },
        &|_| false,
        theme,
    );
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
