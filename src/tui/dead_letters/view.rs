//! Dead letters: by reason and type, then those of a row, then one of them.

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
use crate::tui::dead_letters::state::{DeadLetters, OpenedDeadLetters};
use crate::tui::privacy::mask;
use crate::tui::state::State;
use crate::tui::widget::list::scroll;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{document, json, pane, text};

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    letters: &DeadLetters,
    state: &State,
    theme: &Theme,
) {
    match &letters.opened {
        None => rows(frame, area, letters, state, theme),
        Some(opened) => {
            // The list keeps a few rows, the rest is the letter's.
            let list = (area.height / 3).clamp(5, 14);
            let [above, below] =
                Layout::vertical([Constraint::Length(list), Constraint::Min(0)]).areas(area);
            list_of(frame, above, opened, state, theme);
            if let Some(letter) = opened.letter() {
                one(frame, below, letter, opened, state, theme);
            } else {
                pane::frame(frame, below, "Dead letter", "", false, theme);
            }
        }
    }
}

fn rows(frame: &mut Frame<'_>, area: Rect, letters: &DeadLetters, state: &State, theme: &Theme) {
    let all = &state.snapshot.dead_letters;
    let count = state.snapshot.delivery.spool.dead_letters;
    let dash = theme.sign(Sign::Dash);
    let title = format!("Dead letters {dash} {} by reason and type", grouped(count));
    let kept = match state.snapshot.delivery.spool.keep_dead_letters_ms {
        0 => "kept until you decide".to_owned(),
        ms => format!("each kept for {}", duration(ms)),
    };
    let inside = pane::frame(frame, area, &title, &kept, true, theme);
    if all.is_empty() {
        let says = [
            " there are none: everything that was accepted is delivered, or on its way",
            "",
            " What Customer.io refuses, and what has used up its attempts, comes here with its reason.",
        ];
        let lines: Vec<Line<'_>> = says.map(|line| Line::styled(line, theme.dim)).into();
        frame.render_widget(Paragraph::new(lines), inside);
        return;
    }
    let height = usize::from(inside.height);
    let cursor = letters.row.min(all.len() - 1);
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

/// One row: how many, why, of which type, and for which reason.
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
        count => format!(" {} again soon", grouped(count)),
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
    if selected {
        line.patch_style(theme.selected)
    } else {
        line
    }
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

fn list_of(
    frame: &mut Frame<'_>,
    area: Rect,
    opened: &OpenedDeadLetters,
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
    let loaded = opened.letters.as_ref().map_or(0, Vec::len) as u64;
    let right = if count > loaded && loaded > 0 {
        format!("newest {} of {}", grouped(loaded), grouped(count))
    } else {
        grouped(loaded)
    };
    let inside = pane::frame(frame, area, &title, &right, opened.line.is_none(), theme);
    let Some(letters) = &opened.letters else {
        frame.render_widget(Line::styled(" fetching", theme.dim), inside);
        return;
    };
    let height = usize::from(inside.height);
    let width = usize::from(inside.width);
    let lines: Vec<Line<'_>> = letters
        .iter()
        .enumerate()
        .skip(scroll(opened.cursor, height, letters.len()))
        .take(height)
        .map(|(index, letter)| {
            let again = if letter.again {
                "  will be tried again"
            } else {
                ""
            };
            let stamp = time::to_stamp_seconds(letter.at_ms);
            let fixed = 8 + 21 + 14 + text::width(again) + 1;
            let attempts = match letter.history.requests {
                1 => "1 request".to_owned(),
                count => format!("{count} requests"),
            };
            let line = Line::from(vec![
                Span::styled(text::fit_right(&letter.number.to_string(), 7), theme.dim),
                Span::styled(format!("  {stamp}  "), theme.dim),
                Span::styled(
                    text::fit(
                        &mask::shown(state.privacy, &letter.person()),
                        width.saturating_sub(fixed),
                    ),
                    theme.text,
                ),
                Span::styled(text::fit_right(&attempts, 13), theme.dim),
                Span::styled(again, theme.good),
            ]);
            if index == opened.cursor {
                line.patch_style(theme.selected)
            } else {
                line
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inside);
}

fn one(
    frame: &mut Frame<'_>,
    area: Rect,
    letter: &DeadLetter,
    opened: &OpenedDeadLetters,
    state: &State,
    theme: &Theme,
) {
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(42), Constraint::Min(0)]).areas(area);
    story(frame, left, letter, state, theme);
    let body = String::from_utf8_lossy(&letter.accepted.item.body);
    let hidden = state.privacy.map(|privacy| privacy.document(&body));
    let body = hidden.as_deref().unwrap_or(&body);
    document::render(
        frame,
        right,
        &document::Document {
            title: "What would be sent",
            right: text::bytes(body.len()),
            lines: json::lines(body, &opened.folded),
            cursor: opened.line,
        },
        &|_| false,
        theme,
    );
}

fn story(frame: &mut Frame<'_>, area: Rect, letter: &DeadLetter, state: &State, theme: &Theme) {
    let title = format!("Dead letter {}", letter.number);
    let inside = pane::frame(frame, area, &title, "", false, theme);
    let width = usize::from(inside.width).saturating_sub(2);
    let accepted = &letter.accepted;
    let mut lines = vec![Line::styled(
        format!(
            " {}",
            text::cut(text::event_name(&accepted.event_type), width)
        ),
        theme.accent,
    )];
    let reason = with_field(&letter.field, &letter.reason);
    let says = format!("{}: {reason}", letter.why);
    let says = text::wrap(&says, width).into_iter().take(4);
    lines.extend(says.map(|line| Line::styled(format!(" {line}"), style(letter.why, theme))));
    // Milliseconds only where there is room for them.
    let digits = if width >= 10 + 23 { 23 } else { 19 };
    let stamp = |ms| {
        let stamp = time::to_export(ms);
        stamp.get(..digits).unwrap_or(&stamp).to_owned()
    };
    let route = match &accepted.item.route {
        Route::Batch => "v2 batch".to_owned(),
        // The path names the person.
        Route::V1 { .. } if state.privacy.is_some() => "v1".to_owned(),
        Route::V1 { path, .. } => format!("v1 {path}"),
    };
    let part = match accepted.part {
        Part::Event => "the event",
        Part::Identify => "the person's attributes",
    };
    let answer = format!("{} {}", letter.answer, letter.message);
    let first = letter
        .history
        .first_ms
        .map_or_else(|| "–".to_owned(), stamp);
    let took = letter
        .history
        .first_ms
        .map_or(0, |first| letter.at_ms - first);
    for (name, value) in [
        ("person", mask::shown(state.privacy, &letter.person())),
        ("answer", answer.trim().to_owned()),
        ("requests", letter.history.requests.to_string()),
        ("first", first),
        ("given up", stamp(letter.at_ms)),
        ("after", duration(took.max(0))),
        ("happened", stamp(accepted.happened_ms)),
        ("received", stamp(accepted.received_ms)),
        ("part", part.to_owned()),
        ("by", route),
        ("id", accepted.item.id.to_string()),
    ] {
        lines.push(Line::from(vec![
            Span::styled(format!(" {name:<9}"), theme.dim),
            Span::styled(text::cut(&value, width.saturating_sub(10)), theme.text),
        ]));
    }
    frame.render_widget(Paragraph::new(lines), inside);
}
