//! One event: its story on the left, and the raw event or the mapped request on the right.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::filter::Decision;
use crate::limits::{Policy, grouped, span};
use crate::protocol::{Outcome, Record};
use crate::tui::finder::{Weight, told};
use crate::tui::state::Inspector;
use crate::tui::theme::Theme;
use crate::tui::widget::{pane, text};

use super::document;

/// From this width on, the raw event and the mapped request stand side by side.
const THREE_COLUMNS: u16 = 180;

pub(super) fn render(frame: &mut Frame<'_>, area: Rect, inspector: &Inspector, theme: &Theme) {
    let Some(record) = &inspector.record else {
        pane::frame(frame, area, "Event", "fetching", true, theme);
        return;
    };
    let title = format!("Event {}", grouped(record.sequence));
    if area.width >= THREE_COLUMNS {
        let [story, raw, mapped] = Layout::horizontal([
            Constraint::Percentage(28),
            Constraint::Percentage(36),
            Constraint::Min(0),
        ])
        .areas(area);
        render_story(frame, story, &title, record, theme);
        json(frame, raw, inspector, false, theme);
        json(frame, mapped, inspector, true, theme);
        return;
    }
    let [story, right] =
        Layout::horizontal([Constraint::Percentage(42), Constraint::Min(0)]).areas(area);
    render_story(frame, story, &title, record, theme);
    json(frame, right, inspector, inspector.shows_mapped, theme);
}

fn json(frame: &mut Frame<'_>, area: Rect, inspector: &Inspector, mapped: bool, theme: &Theme) {
    let Some(record) = &inspector.record else {
        return;
    };
    let raw = if mapped {
        inspector.mapped.as_str()
    } else {
        record.text()
    };
    let focused = mapped == inspector.shows_mapped;
    let title = if mapped {
        "Mapped request"
    } else {
        "Raw event"
    };
    let other = if mapped {
        "Tab: raw event"
    } else {
        "Tab: mapped request"
    };
    let right = if area.width > 44 && focused {
        other.to_owned()
    } else {
        text::bytes(raw.len())
    };
    let shown = document::Document {
        title,
        right,
        raw,
        folded: &inspector.folded[usize::from(mapped)],
        cursor: focused.then_some(inspector.line),
    };
    let violations = &record.story.violations;
    let at_fault = |path: &str| !mapped && violations.iter().any(|v| v.path == path);
    document::render(frame, area, &shown, &at_fault, theme);
}

fn render_story(frame: &mut Frame<'_>, area: Rect, title: &str, record: &Record, theme: &Theme) {
    let inside = pane::frame(frame, area, title, "", false, theme);
    let width = usize::from(inside.width).saturating_sub(2);
    let mut lines = story(record, width, theme);
    if lines.len() > usize::from(inside.height) {
        // Where room is short, it goes to words.
        lines.retain(|line| line.width() > 0);
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

/// The life of an event: what came of it and why first, since that is what is asked.
fn story(record: &Record, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut story = Story {
        lines: Vec::new(),
        width,
        theme,
    };
    let (sign, weight, outcome) = told(record);
    let style = match weight {
        Weight::Quiet => theme.dim,
        Weight::Plain => theme.text,
        Weight::Good => theme.good,
        Weight::Warn => theme.warn,
        Weight::Bad => theme.bad,
    };
    let name = text::event_name(record.event_type());
    story.says(1, name, theme.accent);
    story.says(1, &format!("{} {outcome}", theme.sign(sign)), style);
    story.decided(record);
    story.violated(record);
    story.attempted(record);
    story.received(record);
    story.lines
}

/// The lines of a story as they are written.
struct Story<'t> {
    lines: Vec<Line<'static>>,
    width: usize,
    theme: &'t Theme,
}

impl Story<'_> {
    fn heading(&mut self, name: &'static str) {
        self.lines.push(Line::default());
        self.lines
            .push(Line::styled(format!(" {name}"), self.theme.title));
    }

    /// A sentence, `indent` columns in, over as many lines as it takes.
    fn says(&mut self, indent: usize, sentence: &str, style: Style) {
        let short: String = sentence.chars().take(500).collect();
        let room = self.width.saturating_sub(indent).max(10);
        let lead = " ".repeat(indent);
        self.lines.extend(
            text::wrap(&short, room)
                .into_iter()
                .map(|line| Line::styled(format!("{lead}{line}"), style)),
        );
    }

    fn item(&mut self, name: &str, value: &str) {
        let value = text::cut(value, self.width.saturating_sub(13));
        self.lines.push(Line::from(vec![
            Span::styled(format!("   {name:<10}"), self.theme.dim),
            Span::styled(value, self.theme.text),
        ]));
    }

    fn received(&mut self, record: &Record) {
        self.heading("Received");
        self.item("at", &time::to_export(record.received_ms)[..23]);
        if let Some(event) = record.event() {
            match event.time() {
                Ok(happened) => {
                    let stamp = time::to_export(happened);
                    self.item("happened", stamp.get(..23).unwrap_or(&stamp));
                    self.item("lag", &span((record.received_ms - happened).max(0)));
                }
                Err(error) => self.item("happened", &error.to_string()),
            }
            self.item("user_id", &event.user_id().unwrap_or("nobody".into()));
            if let Some(device) = event.device_id() {
                self.item("device_id", &device);
            }
        }
        self.item(
            "size",
            &format!("{} B", grouped(record.text().len() as u64)),
        );
    }

    fn decided(&mut self, record: &Record) {
        let Some(decision) = &record.story.decision else {
            return;
        };
        self.heading("Decision");
        let says = match decision {
            Decision::Accepted if record.story.outcome == Outcome::DryRun => {
                "accepted; in dry run nothing is sent".to_owned()
            }
            Decision::Accepted => {
                "accepted: its type is selected, no rule holds it back".to_owned()
            }
            Decision::Filtered { by } => format!("filtered: {by}"),
            Decision::Rejected { code } => format!("rejected by the limit {code}"),
        };
        self.says(3, &says, self.theme.text);
    }

    fn violated(&mut self, record: &Record) {
        if record.story.violations.is_empty() {
            return;
        }
        let theme = self.theme;
        self.heading("Violations");
        for violation in &record.story.violations {
            let style = if violation.policy == Policy::Reject {
                theme.bad
            } else {
                theme.warn
            };
            self.says(
                3,
                &format!("{} {}", violation.policy.verb(), violation.code),
                style,
            );
            self.says(
                5,
                &format!("{}: {}", violation.path, violation.says),
                theme.text,
            );
            self.says(5, violation.code.limit().source, theme.dim);
        }
    }

    fn attempted(&mut self, record: &Record) {
        let story = &record.story;
        if story.attempts.is_empty() && story.outcome != Outcome::OnItsWay {
            return;
        }
        let theme = self.theme;
        self.heading("Attempts");
        for (number, attempt) in story.attempts.iter().enumerate() {
            let at = time::to_clock(attempt.at_ms);
            let style = if attempt.answer.starts_with('2') {
                theme.good
            } else {
                theme.warn
            };
            let (answer, took, items) = (&attempt.answer, attempt.took_ms, attempt.items);
            self.says(
                3,
                &format!("{} {at}  {answer}  {took} ms, {items} items", number + 1),
                style,
            );
            if !attempt.message.is_empty() {
                self.says(5, &attempt.message, theme.dim);
            }
        }
        match &story.outcome {
            Outcome::OnItsWay => self.says(3, "waits for its batch, or for the answer", theme.dim),
            Outcome::Waiting { next_ms } => self.says(
                3,
                &format!("next at {}", time::to_clock(*next_ms)),
                theme.warn,
            ),
            Outcome::Delivered { took_ms } => {
                self.says(
                    3,
                    &format!("delivered {took_ms} ms after its receipt"),
                    theme.good,
                );
            }
            Outcome::Undelivered { why, reason, field } => {
                let field = if field.is_empty() {
                    String::new()
                } else {
                    format!("{field}: ")
                };
                self.says(3, &format!("{why}: {field}{reason}"), theme.bad);
            }
            Outcome::NotSent | Outcome::DryRun => {}
        }
    }
}
