//! The dead letters: groups by reason and type, the items of a group, and one item.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::delivery::spool::dead_letters::DeadLetter;
use crate::privacy::mask;
use crate::text::{duration, grouped};
use crate::tui::dead_letters::detail_view;
use crate::tui::dead_letters::row::{line, reason};
use crate::tui::dead_letters::state::{DeadLetters, OpenedGroup};
use crate::tui::input::keymap::Command;
use crate::tui::state::State;
use crate::tui::widget::list::visible;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

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
            let [above, below] = divided(area, state.is_docked());
            group_list(frame, above, opened, state, theme);
            if below.area() > 0 {
                detail_view::render(frame, below, dead_letters, state, theme);
            }
        }
    }
}

/// The areas of the list of an open group, and of the dead letter below it, unless that is in the detail
/// pane.
pub(crate) fn divided(area: Rect, is_docked: bool) -> [Rect; 2] {
    if is_docked {
        return [area, Rect::default()];
    }
    // The list keeps a few rows, the dead letter gets the rest.
    let list = (area.height / 3).clamp(5, 14);
    Layout::vertical([Constraint::Length(list), Constraint::Min(0)]).areas(area)
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
    let lines: Vec<Line<'_>> = visible(all.iter(), cursor, height)
        .map(|(index, row)| line(row, index == cursor, width, theme))
        .collect();
    frame.render_widget(Paragraph::new(lines), inside);
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
    let lines: Vec<Line<'_>> = visible(dead_letters, opened.cursor, height)
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
