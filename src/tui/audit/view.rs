//! The audit: a heat map of hours above, and what is behind the hour under the cursor below.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::audit::{Counts, Example, HourDetail};
use crate::text::{counted, grouped};
use crate::tui::audit::state::{Course, Finding, HOUR_MS, OpenedAudit};
use crate::tui::input::keymap::Command;
use crate::tui::state::State;
use crate::tui::widget::list::scroll;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

/// Hours of a day.
const DAY: i64 = 24;
/// Share of an hour's events that may not arrive before the hour counts as bad.
const BAD_SHARE: f64 = 0.01;
/// Width of the days.
const LABEL: usize = 12;
/// Maximum types and causes of an hour that are listed.
const MAX_ROWS: usize = 6;

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    open: &OpenedAudit,
    state: &State,
    theme: &Theme,
) {
    let finding = match &state.audit.course {
        Course::Done(finding) => finding,
        other => return said(frame, area, other, state, theme),
    };
    let index = open.index(finding);
    let mut days: Vec<i64> = finding
        .hours
        .iter()
        .map(|(hour, ..)| hour.div_euclid(DAY))
        .collect();
    days.dedup();
    let height = (days.len() as u16 + 4).min(area.height / 2).max(6);
    let [above, below] =
        Layout::vertical([Constraint::Length(height), Constraint::Min(0)]).areas(area);
    heat_map(
        frame,
        above,
        &Map {
            finding,
            days,
            index,
        },
        open,
        (state, theme),
    );
    if let Some((hour, detail)) = finding.hours.get(index) {
        let hour = Hour {
            hour: *hour,
            detail,
        };
        hour.render(frame, below, open, (state, theme));
    }
}

/// Says how far the audit is, or why there is none.
fn said(frame: &mut Frame<'_>, area: Rect, course: &Course, state: &State, theme: &Theme) {
    let (again, stop) = (state.key(Command::Audit), state.key(Command::StopAudit));
    let (message, style) = match course {
        Course::Reading(done, of) => {
            let progress = match of {
                0 => "looking for the hours of the export".to_owned(),
                of => format!("{done} of {} read", counted(*of as u64, "file")),
            };
            let rest =
                format!("{progress}; {stop} stops it, and it goes on while you look elsewhere");
            (rest, theme.text)
        }
        Course::Stopped => (format!("stopped; {again} starts it again"), theme.text),
        Course::Failed(why) => (format!("{why}. {again} tries again."), theme.bad),
        Course::None | Course::Done(_) => (String::new(), theme.text),
    };
    let title = format!(
        "Audit {} Amplitude's export and the ledger",
        theme.sign(Sign::Dash)
    );
    let inside = pane::frame(frame, area, pane::Title::left(&title), true, theme);
    let lines = text::wrap(&message, usize::from(inside.width).saturating_sub(2));
    let lines = lines
        .into_iter()
        .map(|line| Line::styled(format!(" {line}"), style));
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inside);
}

/// The parts of the heat map.
struct Map<'f> {
    finding: &'f Finding,
    /// The days with events, since 1970.
    days: Vec<i64>,
    /// The index of the hour under the cursor.
    index: usize,
}

fn heat_map(
    frame: &mut Frame<'_>,
    area: Rect,
    map: &Map<'_>,
    open: &OpenedAudit,
    (state, theme): (&State, &Theme),
) {
    let total = &map.finding.total;
    let title = format!(
        "Audit {} {} in the export, {} missing, {} undelivered",
        theme.sign(Sign::Dash),
        grouped(total.in_export),
        grouped(total.missing),
        grouped(total.undelivered())
    );
    let right = format!("{} audits again", state.key(Command::Audit));
    let title = pane::Title::both(&title, &right);
    let inside = pane::frame(frame, area, title, open.example.is_none(), theme);
    let cell = if usize::from(inside.width) >= LABEL + 3 * DAY as usize {
        3
    } else {
        2
    };
    let height = usize::from(inside.height).saturating_sub(2);
    let at = map
        .finding
        .hours
        .get(map.index)
        .map_or(0, |(hour, ..)| *hour);
    let row = map
        .days
        .iter()
        .position(|day| *day == at.div_euclid(DAY))
        .unwrap_or_default();
    let mut lines = vec![heading(cell, theme)];
    let days = map
        .days
        .iter()
        .skip(scroll(row, height, map.days.len()))
        .take(height);
    lines.extend(days.map(|day| day_line(map.finding, *day, at, cell, theme)));
    let legend = format!(
        " {} all arrived  {} up to 1 % did not  {} more did not  {} not in the export",
        theme.sign(Sign::Delivered),
        theme.sign(Sign::Warned),
        theme.sign(Sign::Rejected),
        theme.sign(Sign::Includes),
    );
    let left_out = match map.finding.left_out {
        0 => String::new(),
        files => format!(
            "; {} older hours in the folder are left out",
            grouped(files as u64)
        ),
    };
    lines.push(Line::styled(format!("{legend}{left_out}"), theme.dim));
    frame.render_widget(Paragraph::new(lines), inside);
}

fn heading(cell: usize, theme: &Theme) -> Line<'static> {
    let hours = (0..DAY).map(|hour| match (cell, hour % 2) {
        (2, 1) => "  ".to_owned(),
        _ => format!("{hour:<cell$}"),
    });
    let hours: String = hours.collect();
    Line::styled(format!("{:LABEL$}{hours}", ""), theme.dim)
}

fn day_line(finding: &Finding, day: i64, at: i64, cell: usize, theme: &Theme) -> Line<'static> {
    let name = time::to_export(day * DAY * HOUR_MS);
    let mut spans = vec![Span::raw(format!(
        " {:width$}",
        &name[..10],
        width = LABEL - 1
    ))];
    let begin = finding
        .hours
        .partition_point(|(hour, ..)| *hour < day * DAY);
    let mut hours = finding.hours[begin..].iter().peekable();
    for hour in day * DAY..(day + 1) * DAY {
        let counts = hours.next_if(|(found, ..)| *found == hour);
        let (sign, style) = counts.map_or(("", theme.dim), |(_, it)| sign(&it.counts, theme));
        let text = format!("{sign:<cell$}");
        spans.push(if hour == at {
            Span::styled(
                text,
                style.patch(theme.selected).add_modifier(Modifier::REVERSED),
            )
        } else {
            Span::styled(text, style)
        });
    }
    Line::from(spans)
}

/// The sign of an hour, and its style.
fn sign(counts: &Counts, theme: &Theme) -> (&'static str, Style) {
    let lost = counts.missing + counts.undelivered();
    let share = lost as f64 / counts.in_export.max(1) as f64;
    match share {
        _ if counts.in_export == 0 => (theme.sign(Sign::Includes), theme.dim),
        _ if lost == 0 => (theme.sign(Sign::Delivered), theme.good),
        share if share <= BAD_SHARE => (theme.sign(Sign::Warned), theme.warn),
        _ => (theme.sign(Sign::Rejected), theme.bad),
    }
}

/// The hour under the cursor.
struct Hour<'f> {
    hour: i64,
    detail: &'f HourDetail,
}

impl Hour<'_> {
    fn render(
        &self,
        frame: &mut Frame<'_>,
        area: Rect,
        open: &OpenedAudit,
        (state, theme): (&State, &Theme),
    ) {
        let name = time::to_export(self.hour * HOUR_MS);
        let counts = &self.detail.counts;
        let title = format!(
            "{}:00 UTC {} {} in the export, {} delivered, {} filtered out, {} rejected",
            &name[..13],
            theme.sign(Sign::Dash),
            grouped(counts.in_export),
            grouped(counts.delivered),
            grouped(counts.filtered),
            grouped(counts.rejected)
        );
        let key = state.key(Command::Open);
        let right = match (open.example, self.detail.examples.is_empty()) {
            (Some(_), _) => format!("{key} inspects"),
            (None, false) => format!("{key} goes to its events"),
            (None, true) => String::new(),
        };
        let title = pane::Title::both(&title, &right);
        let inside = pane::frame(frame, area, title, open.example.is_some(), theme);
        let width = usize::from(inside.width);
        let mut lines = self.lines(width, theme);
        let before = lines.len();
        let examples = self.detail.examples.iter().enumerate();
        lines.extend(examples.map(|(row, example)| {
            let line = example_line(example, width, theme);
            if open.example == Some(row) {
                theme.select(line)
            } else {
                line
            }
        }));
        let height = usize::from(inside.height);
        let skip = match open.example {
            Some(row) => scroll(before + row, height, lines.len()),
            None => 0,
        };
        let lines: Vec<Line<'_>> = lines.into_iter().skip(skip).take(height).collect();
        frame.render_widget(Paragraph::new(lines), inside);
    }

    /// The causes and the types.
    fn lines(&self, width: usize, theme: &Theme) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        let mut causes: Vec<_> = self.detail.causes.iter().collect();
        causes.sort_by_key(|(_, count)| u64::MAX - **count);
        for (cause, count) in causes.into_iter().take(MAX_ROWS) {
            let sentence = text::fit(&format!(" {:>9} {cause}", grouped(*count)), width);
            lines.push(Line::styled(sentence, theme.bad));
        }
        let rest = width.saturating_sub(4 * 12 + 2);
        let row = |name: &str, columns: [&str; 4]| {
            let columns = columns.map(|column| text::fit_right(column, 12)).concat();
            format!(" {}{columns}", text::fit(name, rest))
        };
        let heading = row("type", ["in export", "missing", "undelivered", "delivered"]);
        lines.push(Line::styled(heading, theme.dim));
        let mut types: Vec<_> = self.detail.types.iter().collect();
        let lost = |counts: &Counts| counts.missing + counts.undelivered();
        types.sort_by_key(|(_, it)| std::cmp::Reverse((lost(it), it.in_export)));
        let more = types.len().saturating_sub(MAX_ROWS);
        for (name, it) in types.into_iter().take(MAX_ROWS) {
            let columns = [it.in_export, it.missing, it.undelivered(), it.delivered].map(grouped);
            let style = if lost(it) > 0 { theme.bad } else { theme.text };
            let text = row(
                text::event_name(name),
                columns.each_ref().map(String::as_str),
            );
            lines.push(Line::styled(text, style));
        }
        if more > 0 {
            let more = format!(
                " and {} more, with fewer losses",
                counted(more as u64, "type")
            );
            lines.push(Line::styled(more, theme.dim));
        }
        if !self.detail.examples.is_empty() {
            let heading = " events that did not arrive (50 at most)";
            lines.push(Line::styled(text::fit(heading, width), theme.dim));
        }
        lines
    }
}

fn example_line(example: &Example, width: usize, theme: &Theme) -> Line<'static> {
    let name = text::fit(text::event_name(&example.event_type), 24);
    let row = format!(
        " {} {} {name} {}: {}",
        time::to_clock_seconds(example.at_ms),
        example.id,
        example.kind.name(),
        example.cause
    );
    Line::styled(text::fit(&row, width), theme.text)
}
