//! The members of a group, below the stages: one per row.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time::UnixMs;
use crate::jetstream::{GroupState, MemberRecord};
use crate::text::{counted, duration, grouped};
use crate::tui::widget::text;
use crate::tui::widget::theme::{Sign, Theme};

/// Rows above the first member: an empty one, the group, and the names of the columns.
const HEAD: u16 = 3;
/// Columns of the numbers.
const PARTITIONS: usize = 12;
const RATE: usize = 12;
const QUEUED: usize = 10;
const OLDEST: usize = 8;
const LATENCY: usize = 9;

/// The height that the members of a group take of a pane with this height: at most half of it.
pub(super) fn height(group: Option<&GroupState>, of: u16) -> u16 {
    let Some(group) = group else { return 0 };
    let rows = u16::try_from(group.members.len()).unwrap_or(u16::MAX);
    rows.max(1).saturating_add(HEAD).min(of / 2)
}

/// Draws the members of a group. `now_ms` is the time of the state.
pub(super) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    group: &GroupState,
    now_ms: UnixMs,
    theme: &Theme,
) {
    let width = usize::from(area.width);
    let columns = Columns::of(width);
    let partitions: usize = group.members.iter().map(|it| it.partitions.len()).sum();
    let dash = theme.sign(Sign::Dash);
    let hold = if group.members.len() == 1 {
        "holds"
    } else {
        "hold"
    };
    let title = format!(
        " {} {dash} {} {hold} {partitions} of {} partitions",
        group.place,
        counted(group.members.len() as u64, "member"),
        group.partitions
    );
    let mut lines = vec![
        Line::default(),
        Line::styled(text::fit(&title, width), theme.title),
        columns.heading(theme),
    ];
    let room = usize::from(area.height).saturating_sub(lines.len());
    let members = &group.members;
    // The last row says how many are not shown.
    let shown = if members.len() > room {
        room.saturating_sub(1)
    } else {
        members.len()
    };
    for member in &members[..shown] {
        lines.push(columns.line(member, group, now_ms, theme));
    }
    match members.len() - shown {
        0 if members.is_empty() => {
            let none = " no member is there: start one with sluicegate run";
            lines.push(Line::styled(text::fit(none, width), theme.warn));
        }
        0 => {}
        others => lines.push(Line::styled(
            format!(
                " and {} more: sluicegate nats status lists all",
                grouped(others as u64)
            ),
            theme.dim,
        )),
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// The widths of the columns that depend on the width of the pane.
struct Columns {
    name: usize,
    state: usize,
    /// Whether there is room for the age of the oldest item and the latency.
    is_wide: bool,
}

impl Columns {
    fn of(width: usize) -> Self {
        let is_wide = width >= 100;
        let more = if is_wide { OLDEST + LATENCY } else { 0 };
        let rest = width.saturating_sub(PARTITIONS + RATE * 2 + QUEUED + more + 3);
        let name = (rest / 2).min(34);
        Self {
            name,
            state: rest - name,
            is_wide,
        }
    }

    fn heading(&self, theme: &Theme) -> Line<'static> {
        let mut heading = format!(
            " {}{}{}{}{}",
            text::fit("member", self.name),
            text::fit_right("partitions", PARTITIONS),
            text::fit_right("received", RATE),
            text::fit_right("delivered", RATE),
            text::fit_right("queued", QUEUED),
        );
        if self.is_wide {
            heading += &text::fit_right("oldest", OLDEST);
            heading += &text::fit_right("p95", LATENCY);
        }
        let state = text::fit("state", self.state);
        Line::styled(format!("{heading}  {state}"), theme.dim)
    }

    fn line(
        &self,
        member: &MemberRecord,
        group: &GroupState,
        now_ms: UnixMs,
        theme: &Theme,
    ) -> Line<'static> {
        let own = &member.figures;
        let (state, style) = state(member, group, theme);
        let mut numbers = format!(
            "{}{}{}{}",
            text::fit_right(&grouped(member.partitions.len() as u64), PARTITIONS),
            text::fit_right(&text::rate(own.received_per_second), RATE),
            text::fit_right(&text::rate(own.delivered_per_second), RATE),
            text::fit_right(&grouped(own.queued), QUEUED),
        );
        if self.is_wide {
            let oldest = own.oldest_ms.map(|at| duration((now_ms - at).max(0)));
            numbers += &text::fit_right(&oldest.unwrap_or_default(), OLDEST);
            let latency = i64::try_from(own.latency_p95_ms).unwrap_or(i64::MAX);
            numbers += &text::fit_right(&duration(latency), LATENCY);
        }
        Line::from(vec![
            Span::styled(
                format!(" {}", text::fit(&member.name, self.name)),
                theme.text,
            ),
            Span::styled(numbers, theme.text),
            Span::styled(format!("  {}", text::fit(&state, self.state)), style),
        ])
    }
}

/// What is to be said of a member, the worst first.
fn state(member: &MemberRecord, group: &GroupState, theme: &Theme) -> (String, Style) {
    if let Some(trouble) = &member.figures.trouble {
        return (trouble.clone(), theme.bad);
    }
    if let Some(why) = &member.filters_error {
        return (format!("older filters: {why}"), theme.bad);
    }
    let newest = group.members.iter().map(|other| other.filters_revision);
    if Some(member.filters_revision) < newest.max() {
        return ("takes over the new filters".to_owned(), theme.warn);
    }
    if member.partitions.is_empty() {
        return ("waits for partitions".to_owned(), theme.warn);
    }
    match &group.me {
        Some(me) if *me == member.name => ("works; this one".to_owned(), theme.good),
        _ => ("works".to_owned(), theme.good),
    }
}
