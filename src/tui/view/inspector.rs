//! One event: its story on the left, and the raw event or the mapped request on the right.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use crate::amplitude::time;
use crate::filter::Decision;
use crate::limits::{Policy, grouped, span};
use crate::protocol::{Outcome, Record};
use crate::tui::finder::{Weight, told};
use crate::tui::state::Inspector;
use crate::tui::theme::{Sign, Theme};
use crate::tui::widget::{json, pane, text};

use super::filters::scroll;

/// From this width on, the raw event and the mapped request stand side by side.
const THREE_COLUMNS: u16 = 180;

pub(super) fn render(frame: &mut Frame<'_>, area: Rect, inspector: &Inspector, theme: &Theme) {
    let Some(record) = &inspector.record else {
        pane::frame(frame, area, "Event", "fetching", true, theme);
        return;
    };
    let title = format!("Event {}", grouped(record.sequence));
    if area.width >= THREE_COLUMNS {
        let [story, raw, mapped] =
            Layout::horizontal([Constraint::Percentage(28), Constraint::Percentage(36), Constraint::Min(0)]).areas(area);
        render_story(frame, story, &title, record, theme);
        document(frame, raw, inspector, false, theme);
        document(frame, mapped, inspector, true, theme);
        return;
    }
    let [story, right] = Layout::horizontal([Constraint::Percentage(42), Constraint::Min(0)]).areas(area);
    render_story(frame, story, &title, record, theme);
    document(frame, right, inspector, inspector.shows_mapped, theme);
}

fn document(frame: &mut Frame<'_>, area: Rect, inspector: &Inspector, mapped: bool, theme: &Theme) {
    let Some(record) = &inspector.record else { return };
    let raw = if mapped { inspector.mapped.as_str() } else { record.text() };
    let focused = mapped == inspector.shows_mapped;
    let title = if mapped { "Mapped request" } else { "Raw event" };
    let other = if mapped { "Tab: raw event" } else { "Tab: mapped request" };
    let right = if area.width > 44 && focused { other.to_owned() } else { text::bytes(raw.len()) };
    let inside = pane::frame(frame, area, title, &right, focused, theme);
    let lines = json::lines(raw, &inspector.folded[usize::from(mapped)]);
    let rows = usize::from(inside.height);
    let cursor = if focused { inspector.line.min(lines.len().saturating_sub(1)) } else { 0 };
    let width = usize::from(inside.width).saturating_sub(1);
    let drawn: Vec<Line<'_>> = lines
        .iter()
        .enumerate()
        .skip(scroll(cursor, rows, lines.len()))
        .take(rows)
        .map(|(index, line)| {
            let at_fault = !mapped && record.story.violations.iter().any(|v| v.path == line.path);
            let sign = if at_fault { theme.sign(Sign::Warned) } else { " " };
            let mut drawn = line.draw(width, theme);
            drawn.spans.insert(0, Span::styled(sign, theme.bad));
            if at_fault {
                drawn = drawn.patch_style(theme.bad);
            }
            if focused && index == cursor { drawn.patch_style(theme.selected) } else { drawn }
        })
        .collect();
    frame.render_widget(Paragraph::new(drawn), inside);
}

fn render_story(frame: &mut Frame<'_>, area: Rect, title: &str, record: &Record, theme: &Theme) {
    let inside = pane::frame(frame, area, title, "", false, theme);
    let width = usize::from(inside.width).saturating_sub(2);
    let lines = story(record, width, theme);
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), inside);
}

/// The life of an event, in order.
fn story(record: &Record, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let (sign, weight, outcome) = told(record);
    let style = match weight {
        Weight::Quiet => theme.dim,
        Weight::Plain => theme.text,
        Weight::Good => theme.good,
        Weight::Warn => theme.warn,
        Weight::Bad => theme.bad,
    };
    let name = if record.event_type().is_empty() { "(no name)" } else { record.event_type() };
    lines.push(Line::styled(format!(" {}", text::cut(name, width)), theme.accent));
    lines.push(Line::styled(format!(" {} {}", theme.sign(sign), clean(&outcome)), style));
    lines.push(Line::default());
    heading(&mut lines, "Received", theme);
    item(&mut lines, "at", &time::to_export(record.received_ms)[..23], theme);
    if let Some(event) = record.event() {
        match event.time() {
            Ok(happened) => {
                item(&mut lines, "happened", &time::to_export(happened)[..23], theme);
                item(&mut lines, "lag", &span((record.received_ms - happened).max(0)), theme);
            }
            Err(error) => item(&mut lines, "happened", &error.to_string(), theme),
        }
        let person = event.user_id().map_or_else(|| "nobody".to_owned(), |id| text::cut(&id, width.saturating_sub(11)));
        item(&mut lines, "user_id", &person, theme);
        if let Some(device) = event.device_id() {
            item(&mut lines, "device_id", &text::cut(&device, width.saturating_sub(11)), theme);
        }
    }
    item(&mut lines, "size", &format!("{} B", grouped(record.text().len() as u64)), theme);
    decided(&mut lines, record, theme);
    violated(&mut lines, record, theme);
    attempted(&mut lines, record, theme);
    lines
}

fn decided(lines: &mut Vec<Line<'static>>, record: &Record, theme: &Theme) {
    let Some(decision) = &record.story.decision else { return };
    heading(lines, "Decision", theme);
    let says = match decision {
        Decision::Accepted if record.story.outcome == Outcome::DryRun => "accepted; in dry run nothing is sent".to_owned(),
        Decision::Accepted => "accepted: its type is selected, no rule holds it back".to_owned(),
        Decision::Filtered { by } => format!("filtered: {by}"),
        Decision::Rejected { code } => format!("rejected by the limit {code}"),
    };
    lines.push(Line::styled(format!("   {}", clean(&says)), theme.text));
}

fn violated(lines: &mut Vec<Line<'static>>, record: &Record, theme: &Theme) {
    if record.story.violations.is_empty() {
        return;
    }
    heading(lines, "Violations", theme);
    for violation in &record.story.violations {
        let style = if violation.policy == Policy::Reject { theme.bad } else { theme.warn };
        lines.push(Line::styled(format!("   {} {}", violation.policy.verb(), violation.code), style));
        lines.push(Line::styled(format!("     {}: {}", clean(&violation.path), clean(&violation.says)), theme.text));
        lines.push(Line::styled(format!("     {}", violation.code.limit().source), theme.dim));
    }
}

fn attempted(lines: &mut Vec<Line<'static>>, record: &Record, theme: &Theme) {
    let story = &record.story;
    if story.attempts.is_empty() && story.outcome != Outcome::OnItsWay {
        return;
    }
    heading(lines, "Attempts", theme);
    for (number, attempt) in story.attempts.iter().enumerate() {
        let at = time::to_clock(attempt.at_ms);
        let style = if attempt.answer.starts_with('2') { theme.good } else { theme.warn };
        lines.push(Line::styled(
            format!("   {} {at}  {}  {} ms, {} items", number + 1, attempt.answer, attempt.took_ms, attempt.items),
            style,
        ));
        if !attempt.message.is_empty() {
            lines.push(Line::styled(format!("     {}", clean(&attempt.message)), theme.dim));
        }
    }
    match &story.outcome {
        Outcome::OnItsWay => lines.push(Line::styled("   waits for its batch, or for the answer", theme.dim)),
        Outcome::Waiting { next_ms } => {
            lines.push(Line::styled(format!("   next at {}", time::to_clock(*next_ms)), theme.warn));
        }
        Outcome::Delivered { took_ms } => {
            lines.push(Line::styled(format!("   delivered {took_ms} ms after its receipt"), theme.good));
        }
        Outcome::Undelivered { why, reason, .. } => {
            lines.push(Line::styled(format!("   {why}: {}", clean(reason)), theme.bad));
        }
        Outcome::NotSent | Outcome::DryRun => {}
    }
}

fn heading(lines: &mut Vec<Line<'static>>, name: &'static str, theme: &Theme) {
    lines.push(Line::styled(format!(" {name}"), theme.title));
}

fn item(lines: &mut Vec<Line<'static>>, name: &str, value: &str, theme: &Theme) {
    lines.push(Line::from(vec![
        Span::styled(format!("   {name:<10}"), theme.dim),
        Span::styled(clean(value), theme.text),
    ]));
}

/// Long sentences wrap: they only have to be harmless.
fn clean(says: &str) -> String {
    says.chars().take(400).map(text::visible).collect()
}
