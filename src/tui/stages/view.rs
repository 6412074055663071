//! The pipeline view: one stage per row, in the order of an event's path.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::jetstream::GroupState;
use crate::protocol::RATE_SECONDS;
use crate::text::{counted, duration, grouped};
use crate::tui::events::severity_style::style_of;
use crate::tui::input::keymap::Command;
use crate::tui::stages::members;
use crate::tui::stages::query::{Count, StageRow, rows};
use crate::tui::stages::state::OpenedStages;
use crate::tui::stages::update::cursor;
use crate::tui::state::State;
use crate::tui::widget::list::visible;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

/// Columns of the count and the rate.
const COUNT: usize = 15;
const RATE: usize = 10;

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    open: &OpenedStages,
    state: &State,
    theme: &Theme,
) {
    let shown = state.shown();
    let dash = theme.sign(Sign::Dash);
    let age = duration((shown.at_ms - shown.started_ms).max(0));
    let since = time::to_clock_seconds(shown.started_ms);
    let title = format!("Pipeline {dash} events since {since}, {age}");
    let key = state.key(Command::Open);
    let right = format!("{key} shows the events of a stage");
    let inside = pane::frame(frame, area, pane::Title::both(&title, &right), true, theme);
    let rows = rows(shown);
    let [inside, below] = divided(inside, rows.len(), shown.group.as_deref());
    if let Some(group) = &shown.group {
        members::render(frame, below, group, shown.at_ms, theme);
    }
    let height = usize::from(inside.height).saturating_sub(1);
    let cursor = cursor(state, open);
    let columns = Columns::of(usize::from(inside.width));
    let mut lines = vec![columns.heading(theme)];
    lines.extend(visible(&rows, cursor, height).map(|(index, row)| {
        let line = columns.line(row, theme);
        if index == cursor {
            theme.select(line)
        } else {
            line
        }
    }));
    frame.render_widget(Paragraph::new(lines), inside);
}

/// The area of the view down to its last stage.
pub(crate) fn list_area(area: Rect, state: &State) -> Rect {
    let shown = state.shown();
    let inside = area.inner(Margin::new(1, 1));
    let [stages, _] = divided(inside, rows(shown).len(), shown.group.as_deref());
    Rect {
        height: stages.height + 2,
        ..area
    }
}

/// The areas of the stages, with their heading, and of the members below them.
fn divided(inside: Rect, stages: usize, group: Option<&GroupState>) -> [Rect; 2] {
    let members = members::height(group, inside.height);
    let stages = u16::try_from(stages + 1).unwrap_or(u16::MAX);
    let [stages, members, _] = Layout::vertical([
        Constraint::Length(stages.min(inside.height - members)),
        Constraint::Length(members),
        Constraint::Fill(1),
    ])
    .areas(inside);
    [stages, members]
}

/// The widths of the columns that depend on the width of the pane.
struct Columns {
    name: usize,
    share: usize,
    bar: usize,
}

impl Columns {
    fn of(width: usize) -> Self {
        let share = if width >= 100 { 31 } else { 19 };
        let rest = width.saturating_sub(COUNT + share + RATE + 6);
        let name = rest.min(36);
        Self {
            name,
            share,
            bar: rest.saturating_sub(name + 1).min(60),
        }
    }

    fn heading(&self, theme: &Theme) -> Line<'static> {
        let name = text::fit("stage", self.name);
        let count = text::fit_right("events", COUNT);
        let share = text::fit("share", self.share);
        let rate = text::fit_right(&format!("last {RATE_SECONDS} s"), RATE);
        Line::styled(format!(" {name} {count}  {share}{rate}"), theme.dim)
    }

    fn line(&self, row: &StageRow, theme: &Theme) -> Line<'static> {
        let style = style_of(row.severity, theme);
        let indent = "  ".repeat(row.depth);
        let arrow = match row.depth {
            0 => String::new(),
            _ => format!("{} ", theme.sign(Sign::Arrow)),
        };
        let name = text::fit(&format!("{indent}{arrow}{}", row.name), self.name);
        let count = match row.count {
            Count::SinceStart(count) => grouped(count),
            Count::Now(count) => format!("{} now", grouped(count)),
            Count::RequestsNow(1) => "1 request now".to_owned(),
            Count::RequestsNow(count) => format!("{} now", counted(count, "request")),
        };
        let share = row.share.map_or_else(String::new, |share| {
            format!("{} of {}", percent(share.part), share.of)
        });
        let rate = row.rate.map_or_else(String::new, text::rate);
        let part = row.share.map_or(0.0, |share| share.part);
        let filled = (part * self.bar as f64).round() as usize;
        let bar = theme.sign(Sign::Bar).repeat(filled);
        Line::from(vec![
            Span::styled(format!(" {name} "), style),
            Span::styled(text::fit_right(&count, COUNT), style),
            Span::styled(format!("  {}", text::fit(&share, self.share)), theme.dim),
            Span::styled(text::fit_right(&rate, RATE), theme.text),
            Span::styled(format!("  {bar}"), style),
        ])
    }
}

/// A share in percent: `74.0 %`. A share above zero never reads as zero.
pub(crate) fn percent(part: f64) -> String {
    let percent = part * 100.0;
    if percent > 0.0 && percent < 0.1 {
        "<0.1 %".to_owned()
    } else {
        format!("{percent:.1} %")
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_share_above_zero_never_reads_as_zero() {
        for (part, expected) in [
            (0.0, "0.0 %"),
            (0.000_01, "<0.1 %"),
            (0.001, "0.1 %"),
            (0.7404, "74.0 %"),
            (1.0, "100.0 %"),
        ] {
            assert_eq!(percent(part), expected);
        }
    }
}
