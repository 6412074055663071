//! One limit: its violations, and how close other events are to it.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::limits::Unit;
use crate::text::{counted, duration, grouped};
use crate::tui::frame::focus::OverlayKind;
use crate::tui::limits::query::{Breakdown, UsageBand, ViolationGroup};
use crate::tui::limits::state::OpenedLimit;
use crate::tui::state::State;
use crate::tui::widget::list::visible;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

/// Maximum width of a bar, in columns.
const BAR: usize = 24;

/// The areas of the violations and of the usage.
pub(crate) fn divided(area: Rect, opened: &OpenedLimit) -> [Rect; 2] {
    let usage = opened.breakdown.as_ref().map_or(0, |b| b.usage.len());
    let rows = if usage > 0 { usage as u16 + 2 } else { 4 };
    Layout::vertical([Constraint::Min(5), Constraint::Length(rows)]).areas(area)
}

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    opened: &OpenedLimit,
    state: &State,
    theme: &Theme,
) {
    let limit = opened.code.limit();
    let usage = opened.breakdown.as_ref().map_or(0, |b| b.usage.len());
    let [above, below] = divided(area, opened);
    let count = opened.breakdown.as_ref().map_or(0, Breakdown::count);
    let dash = theme.sign(Sign::Dash);
    let times = match count {
        0 => "no violation".to_owned(),
        1 => "1 violation".to_owned(),
        count => format!("{} violations", grouped(count)),
    };
    let title = format!("{} {dash} {times} in the ring", limit.code);
    let focused = state.overlays.top_kind() == Some(OverlayKind::Limit);
    let inside = pane::frame(frame, above, pane::Title::left(&title), focused, theme);
    let width = usize::from(inside.width);
    let height = usize::from(inside.height);
    let lines = match &opened.breakdown {
        None => vec![Line::styled(" reading the events in the ring", theme.dim)],
        Some(found) if found.groups.is_empty() => {
            vec![Line::styled(" no violation in the ring", theme.dim)]
        }
        Some(found) => {
            let row = opened.row.min(found.groups.len() - 1);
            visible(&found.groups, row, height)
                .map(|(index, group)| line(group, index == row, width, theme))
                .collect()
        }
    };
    frame.render_widget(Paragraph::new(lines), inside);

    let title = format!("Limit {dash} {}", limit.summary);
    let right = match opened.breakdown.as_ref().map(|b| b.measured) {
        Some(measured) if usage > 0 && below.width >= 110 => format!(
            "use of it by the newest {} that passed the filters",
            counted(measured, "event")
        ),
        Some(measured) if usage > 0 => format!("use by the newest {}", grouped(measured)),
        _ => String::new(),
    };
    let inside = pane::frame(
        frame,
        below,
        pane::Title::both(&title, &right),
        false,
        theme,
    );
    let width = usize::from(inside.width);
    let shares = opened.breakdown.as_ref().map_or(&[][..], |b| &b.usage[..]);
    let mut lines: Vec<Line<'_>> = bars(shares, limit.limit, limit.unit, width, theme);
    if lines.is_empty() {
        let source = text::cut(limit.source, width.saturating_sub(2));
        lines.push(Line::styled(format!(" {source}"), theme.dim));
        let message = " nothing to measure: a value is allowed or not";
        lines.push(Line::styled(message, theme.dim));
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

/// A group as a row: count, event type, path, worst case, and times.
fn line(group: &ViolationGroup, selected: bool, width: usize, theme: &Theme) -> Line<'static> {
    let wide = width >= 100;
    let clock = time::to_clock_seconds;
    let first = match (wide, group.surge_is_older) {
        (true, true) => format!(" since before {}", clock(group.surge_ms)),
        (true, false) => format!(" since {}", clock(group.surge_ms)),
        (false, _) => String::new(),
    };
    let first = text::fit_right(&first, if wide { 22 } else { 0 });
    let times = format!("{first} last {} ", clock(group.last_ms));
    let rest = width.saturating_sub(9 + 2 + times.len() + 2);
    let (type_room, path_room) = (rest * 30 / 100, rest * 30 / 100);
    let worst_room = rest.saturating_sub(type_room + path_room);
    let worst = &group.worst;
    let measured = match worst.unit {
        Unit::Bytes => format!("worst {} B", grouped(worst.measured)),
        Unit::Count => format!("worst {}", grouped(worst.measured)),
        Unit::Ms => format!("worst {}", duration(worst.measured.cast_signed())),
        Unit::None => worst.sentence.clone(),
    };
    let line = Line::from(vec![
        Span::styled(text::fit_right(&grouped(group.count), 9), theme.text),
        Span::raw("  "),
        Span::styled(
            format!("{} ", text::fit_name(&group.event_type, type_room)),
            theme.text,
        ),
        Span::styled(
            format!("{} ", text::fit(&group.path, path_room)),
            theme.accent,
        ),
        Span::styled(text::fit(&measured, worst_room), theme.dim),
        Span::styled(times, theme.dim),
    ]);
    if selected { theme.select(line) } else { line }
}

/// A histogram of usage: the share of the limit that events use, the highest on top.
fn bars(
    shares: &[UsageBand],
    limit: u64,
    unit: Unit,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let most = shares.iter().map(|share| share.events).max().unwrap_or(0);
    let amount = |percent: u64| {
        let amount = limit * percent / 100;
        match unit {
            Unit::Bytes => text::bytes(amount as usize),
            Unit::Ms => duration(amount.cast_signed()),
            Unit::Count | Unit::None => grouped(amount),
        }
    };
    let bar = |events: u64| {
        let length = (events * BAR as u64).div_ceil(most.max(1)) as usize;
        theme.sign(Sign::Bar).repeat(length)
    };
    let row = |share: &UsageBand| {
        let range = match share.upto {
            None => format!("over {}", amount(100)),
            Some(upto) => format!("up to {}", amount(upto)),
        };
        let style = match share.upto {
            None if share.events > 0 => theme.bad,
            Some(100) if share.events > 0 => theme.warn,
            _ => theme.text,
        };
        let types = share.types.iter().take(5);
        let types: Vec<String> = types
            .map(|(name, count)| format!("{} {}", text::event_name(name), grouped(*count)))
            .collect();
        let room = width.saturating_sub(18 + BAR + 10 + 3);
        Line::from(vec![
            Span::styled(format!(" {range:<16} "), theme.dim),
            Span::styled(text::fit(&bar(share.events), BAR), style),
            Span::styled(text::fit_right(&grouped(share.events), 9), style),
            Span::styled(
                format!("   {}", text::cut(&types.join(", "), room)),
                theme.dim,
            ),
        ])
    };
    shares.iter().map(row).collect()
}
