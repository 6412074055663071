//! The history of an event: its outcome first, then all steps in order.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::amplitude::{Event, time};
use crate::filter::explain::{EvalResult, Subexpression};
use crate::filter::{BlockedBy, Decision};
use crate::limits::{Policy, Violation};
use crate::privacy::mask;
use crate::privacy::mask::Privacy;
use crate::protocol::{Outcome, Record};
use crate::text::{counted, duration, grouped, with_field};
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::events::outcome::outcome_of;
use crate::tui::events::severity_style::style_of;
use crate::tui::inspector::query::Inspected;
use crate::tui::widget::text;
use crate::tui::widget::theme::{Sign, Theme};

/// An event, with everything that its history depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShownEvent<'i> {
    pub(crate) found: &'i Inspected,
    pub(crate) privacy: Option<Privacy>,
    /// The reason why accepted events stay queued.
    pub(crate) queued: Option<QueueReason>,
}

/// The lines of the history. The outcome comes first, since it is the usual question.
pub(crate) fn story(shown: ShownEvent<'_>, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let found = shown.found;
    let record = &found.record;
    let mut story = Story {
        lines: outcome(shown, width, theme),
        width,
        privacy: shown.privacy,
        queued: shown.queued,
        theme,
    };
    story.received(record);
    story.decided(found);
    story.in_the_way(found);
    story.violated(record);
    story.attempted(record);
    story.lines
}

/// The event type, and the outcome with its reason.
pub(crate) fn outcome(shown: ShownEvent<'_>, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let found = shown.found;
    let mut story = Story {
        lines: Vec::new(),
        width,
        privacy: shown.privacy,
        queued: shown.queued,
        theme,
    };
    let (sign, severity, outcome) = outcome_of(&found.record, shown.queued);
    let style = style_of(severity, theme);
    let name = text::event_name(found.record.event_type());
    story.sentence(1, name, theme.accent);
    story.sentence(1, &format!("{} {outcome}", theme.sign(sign)), style);
    if let Some(violation) = rejecting(&found.record) {
        let reason = format!("{}: {}", violation.path, violation.sentence);
        story.sentence(3, &reason, theme.text);
    }
    story.lines
}

/// The violation that an event is rejected for.
fn rejecting(record: &Record) -> Option<&Violation> {
    let Some(Decision::Rejected { code }) = &record.story.decision else {
        return None;
    };
    let mut violations = record.story.violations.iter();
    violations.find(|violation| violation.code == *code)
}

/// A history under construction.
struct Story<'t> {
    lines: Vec<Line<'static>>,
    width: usize,
    privacy: Option<Privacy>,
    queued: Option<QueueReason>,
    theme: &'t Theme,
}

impl Story<'_> {
    fn heading(&mut self, name: &'static str) {
        self.lines.push(Line::default());
        self.lines
            .push(Line::styled(format!(" {name}"), self.theme.title));
    }

    /// Adds a sentence, wrapped and indented by `indent` columns.
    fn sentence(&mut self, indent: usize, sentence: &str, style: Style) {
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
        let at = time::to_clock(record.received_ms);
        match record.event().map(Event::time) {
            Some(Ok(happened)) => {
                let lag = duration((record.received_ms - happened).max(0));
                self.item("happened", &time::to_stamp(happened));
                self.item("received", &format!("{lag} later, at {at}"));
            }
            Some(Err(error)) => {
                self.item("happened", &error.to_string());
                self.item("received", &time::to_stamp(record.received_ms));
            }
            None => self.item("received", &time::to_stamp(record.received_ms)),
        }
        if let Some(event) = record.event() {
            let shown = |id: Cow<'_, str>| mask::shown(self.privacy, &id);
            let user = event.user_id().map(shown);
            let device = event.device_id().map(shown);
            self.item("user_id", user.as_deref().unwrap_or("nobody"));
            if let Some(device) = device {
                self.item("device_id", &device);
            }
        }
        if let Some(id) = record.event().and_then(Event::message_id) {
            self.item("message", &id);
        }
        let size = grouped(record.text().len() as u64);
        self.item("size", &format!("{size} B"));
    }

    fn decided(&mut self, found: &Inspected) {
        let record = &found.record;
        let Some(decision) = &record.story.decision else {
            return;
        };
        self.heading("Decision");
        let message = match decision {
            Decision::Accepted if record.story.outcome == Outcome::DryRun => {
                "accepted, not sent in a dry run".to_owned()
            }
            Decision::Accepted => {
                "accepted: its type is selected, and no rule filters it out".to_owned()
            }
            Decision::Filtered { by } => format!("filtered out: {by}"),
            Decision::Rejected { code } => format!("rejected by limit {code}"),
        };
        self.sentence(3, &message, self.theme.text);
        if let Some(rule) = &found.rule {
            for part in &rule.parts {
                self.part(part);
            }
        }
    }

    /// Adds a part of a condition, with its value.
    fn part(&mut self, part: &Subexpression) {
        let theme = self.theme;
        let (gave, style) = match &part.result {
            EvalResult::Bool(true) => ("true".to_owned(), theme.good),
            EvalResult::Bool(false) => ("false".to_owned(), theme.warn),
            // It can be personal data.
            EvalResult::Value(_) if self.privacy.is_some() => ("•••".to_owned(), theme.text),
            EvalResult::Value(value) => (value.clone(), theme.text),
            EvalResult::Missing => ("not there".to_owned(), theme.dim),
            EvalResult::Error(why) => (format!("error: {why}"), theme.bad),
        };
        let indent = 5 + 2 * part.depth;
        let room = self.width.saturating_sub(indent);
        let arrow = theme.sign(Sign::Arrow);
        let fits = text::width(&part.text) + text::width(&gave) + 3 <= room;
        let lead = if fits {
            vec![
                Span::raw(" ".repeat(indent)),
                Span::styled(text::cut(&part.text, room), theme.dim),
                Span::raw(" "),
            ]
        } else {
            // A long value gets a line of its own.
            self.sentence(indent, &part.text, theme.dim);
            vec![Span::raw(" ".repeat(indent))]
        };
        let mut spans = lead;
        spans.push(Span::styled(format!("{arrow} "), theme.dim));
        let room = room.saturating_sub(2);
        spans.push(Span::styled(text::cut(&gave, room), style));
        self.lines.push(Line::from(spans));
    }

    /// Adds the changes that would let the event pass the active filters.
    fn in_the_way(&mut self, found: &Inspected) {
        let story = &found.record.story;
        if matches!(story.decision, Some(Decision::Accepted) | None) {
            return;
        }
        let theme = self.theme;
        self.heading("To let it through");
        if found.in_the_way.is_empty() && found.too_much.is_empty() {
            let message = "nothing blocks it any more: it would be sent now";
            self.sentence(3, message, theme.good);
            return;
        }
        for by in &found.in_the_way {
            let message = match by {
                BlockedBy::Type | BlockedBy::UnseenType => "select its type (f, Space)".to_owned(),
                BlockedBy::Rule { number, name } => {
                    format!("turn off or change rule {number} “{name}” ({number})")
                }
                BlockedBy::PropertyUpdate => "set mapping.send_users = true".to_owned(),
                BlockedBy::Shut => "open the gate (g)".to_owned(),
            };
            self.sentence(3, &message, theme.text);
        }
        for code in &found.too_much {
            let message = format!("fix {code} where the event is produced");
            self.sentence(3, &message, theme.text);
        }
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
            self.sentence(
                3,
                &format!("{} {}", violation.policy.verb(), violation.code),
                style,
            );
            self.sentence(
                5,
                &format!("{}: {}", violation.path, violation.sentence),
                theme.text,
            );
            self.sentence(5, violation.code.limit().source, theme.dim);
        }
    }

    fn attempted(&mut self, record: &Record) {
        let story = &record.story;
        if story.attempts.is_empty() && story.outcome != Outcome::OnItsWay {
            return;
        }
        let theme = self.theme;
        self.heading("Attempts");
        let mut before = record.received_ms;
        for (number, attempt) in story.attempts.iter().enumerate() {
            let later = duration((attempt.at_ms - before).max(0));
            before = attempt.at_ms;
            let at = format!("{}, {later} later", time::to_clock(attempt.at_ms));
            let style = if attempt.answer.starts_with('2') {
                theme.good
            } else {
                theme.warn
            };
            let (answer, items) = (&attempt.answer, counted(u64::from(attempt.items), "item"));
            let took = duration(i64::from(attempt.took_ms));
            self.sentence(
                3,
                &format!("{} {at}: {answer} in {took}, {items}", number + 1),
                style,
            );
            if !attempt.message.is_empty() {
                self.sentence(5, &attempt.message, theme.dim);
            }
        }
        match &story.outcome {
            Outcome::OnItsWay | Outcome::Waiting { .. } if self.queued.is_some() => {
                let why = self.queued.map_or("", QueueReason::description);
                let message = format!("queued until delivery goes on: {why}");
                self.sentence(3, &message, theme.warn);
            }
            Outcome::HandedOver => {
                let sentence = "handed over with its partition: the next holder sends it";
                self.sentence(3, sentence, theme.dim);
            }
            Outcome::OnItsWay => self.sentence(3, "waits for its batch or its answer", theme.dim),
            Outcome::Waiting { next_ms } => self.sentence(
                3,
                &format!("next at {}", time::to_clock(*next_ms)),
                theme.warn,
            ),
            Outcome::Delivered { took_ms } => {
                let took = duration(i64::from(*took_ms));
                self.sentence(3, &format!("delivered {took} after receipt"), theme.good);
            }
            Outcome::Undelivered { why, reason, field } => {
                let reason = with_field(field, reason);
                self.sentence(3, &format!("{why}: {reason}"), theme.bad);
            }
            Outcome::NotSent | Outcome::DryRun => {}
        }
    }
}
