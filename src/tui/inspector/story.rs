//! The story of an event: its outcome first, then everything in order.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::amplitude::{Event, time};
use crate::filter::explain::{EvalResult, Subexpression};
use crate::filter::{BlockedBy, Decision};
use crate::limits::Policy;
use crate::protocol::{Outcome, Record};
use crate::text::{duration, grouped, with_field};
use crate::tui::events::outcome::told;
use crate::tui::events::view::style_of;
use crate::tui::inspector::query::Inspected;
use crate::tui::privacy::mask;
use crate::tui::privacy::mask::Privacy;
use crate::tui::widget::text;
use crate::tui::widget::theme::{Sign, Theme};

/// A story, and how far it is scrolled.
pub(crate) struct Shown<'i> {
    pub(crate) title: &'i str,
    pub(crate) found: &'i Inspected,
    pub(crate) scroll: usize,
    pub(crate) privacy: Option<Privacy>,
}

/// The life of an event: what came of it first, since that is what is asked; then all of it in
/// order.
pub(crate) fn story(shown: &Shown<'_>, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let found = shown.found;
    let record = &found.record;
    let mut story = Story {
        lines: Vec::new(),
        width,
        privacy: shown.privacy,
        theme,
    };
    let (sign, weight, outcome) = told(record);
    let style = style_of(weight, theme);
    let name = text::event_name(record.event_type());
    story.says(1, name, theme.accent);
    story.says(1, &format!("{} {outcome}", theme.sign(sign)), style);
    story.received(record);
    story.decided(found);
    story.in_the_way(found);
    story.violated(record);
    story.attempted(record);
    story.lines
}

/// The lines of a story as they are written.
struct Story<'t> {
    lines: Vec<Line<'static>>,
    width: usize,
    pub(crate) privacy: Option<Privacy>,
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
        if let Some(rule) = &found.rule {
            for part in &rule.parts {
                self.part(part);
            }
        }
    }

    /// A part of a condition, and what it gave.
    fn part(&mut self, part: &Subexpression) {
        let theme = self.theme;
        let (gave, style) = match &part.result {
            EvalResult::Bool(true) => ("true".to_owned(), theme.good),
            EvalResult::Bool(false) => ("false".to_owned(), theme.warn),
            // It may be of anyone.
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
            // What it gave has a line of its own.
            self.says(indent, &part.text, theme.dim);
            vec![Span::raw(" ".repeat(indent))]
        };
        let mut spans = lead;
        spans.push(Span::styled(format!("{arrow} "), theme.dim));
        let room = room.saturating_sub(2);
        spans.push(Span::styled(text::cut(&gave, room), style));
        self.lines.push(Line::from(spans));
    }

    /// What would have to be otherwise for the event to be sent, by what is in force now.
    fn in_the_way(&mut self, found: &Inspected) {
        let story = &found.record.story;
        if matches!(story.decision, Some(Decision::Accepted) | None) {
            return;
        }
        let theme = self.theme;
        self.heading("What would let it through now");
        if found.in_the_way.is_empty() && found.too_much.is_empty() {
            let says = "nothing is in its way any more: it would be sent";
            self.says(3, says, theme.good);
            return;
        }
        for by in &found.in_the_way {
            let says = match by {
                BlockedBy::Type | BlockedBy::UnseenType => {
                    "its type selected (f, Space)".to_owned()
                }
                BlockedBy::Rule { number, name } => {
                    format!("rule {number} “{name}” off ({number}), or otherwise")
                }
                BlockedBy::PropertyUpdate => "mapping.send_users = true".to_owned(),
                BlockedBy::Shut => "the gate open (g)".to_owned(),
            };
            self.says(3, &says, theme.text);
        }
        for code in &found.too_much {
            let says = format!("what breaks {code} mended where the event is made");
            self.says(3, &says, theme.text);
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
            self.says(
                3,
                &format!("{} {}", violation.policy.verb(), violation.code),
                style,
            );
            self.says(
                5,
                &format!("{}: {}", violation.path, violation.sentence),
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
            let (answer, took, items) = (&attempt.answer, attempt.took_ms, attempt.items);
            self.says(
                3,
                &format!("{} {at}: {answer} in {took} ms, {items} items", number + 1),
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
                let reason = with_field(field, reason);
                self.says(3, &format!("{why}: {reason}"), theme.bad);
            }
            Outcome::NotSent | Outcome::DryRun => {}
        }
    }
}
