//! The strip: the stages in one row, on every screen that is wide enough.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::protocol::{RATE_SECONDS, Snapshot};
use crate::text::grouped;
use crate::tui::events::outcome::Severity;
use crate::tui::events::severity_style::style_of;
use crate::tui::input::keymap::Command;
use crate::tui::stages::query::{queue_severity, share};
use crate::tui::stages::stage::Stage;
use crate::tui::stages::view::percent;
use crate::tui::state::State;
use crate::tui::widget::text;
use crate::tui::widget::theme::{Sign, Theme};

/// A stage in the strip.
struct Part {
    stage: Stage,
    name: &'static str,
    value: String,
    severity: Severity,
    /// Whether it comes after the part before it, and not beside it.
    follows: bool,
}

/// The length of the names and the precision of the shares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Long,
    Short,
}

impl Form {
    fn name(self, long: &'static str, short: &'static str) -> &'static str {
        match self {
            Self::Long => long,
            Self::Short => short,
        }
    }

    /// A share of the received events.
    fn share(self, part: f64, received: f64) -> String {
        match (share(part, received), self) {
            (None, _) => "–".to_owned(),
            (Some(part), Self::Long) => percent(part),
            (Some(part), Self::Short) if part > 0.0 && part < 0.01 => "<1 %".to_owned(),
            (Some(part), Self::Short) => format!("{:.0} %", part * 100.0),
        }
    }
}

/// A stage that comes after the one before it.
fn part(stage: Stage, name: &'static str, value: String, severity: Severity) -> Part {
    Part {
        stage,
        name,
        value,
        severity,
        follows: true,
    }
}

/// The same with a count, which has this severity if it is above zero.
fn count(stage: Stage, name: &'static str, count: u64, severity: Severity) -> Part {
    let severity = if count > 0 { severity } else { Severity::Plain };
    part(stage, name, grouped(count), severity)
}

/// The stages with their rates and shares over the last few seconds, or their numbers now.
fn parts(shown: &Snapshot, form: Form) -> [Part; 8] {
    let (rates, delivery) = (&shown.rates, &shown.delivery);
    let beside = |part| Part {
        follows: false,
        ..part
    };
    let filtered = form.share(rates.filtered(), rates.received);
    let rejected = form.share(rates.rejected, rates.received);
    let rejecting = if rates.rejected > 0.0 {
        Severity::Bad
    } else {
        Severity::Plain
    };
    let queued = delivery.spool.items.saturating_sub(delivery.retrying);
    let in_flight = delivery.in_flight.into();
    let (received, delivered) = (text::rate(rates.received), text::rate(rates.delivered));
    let letters = form.name("dead letters", "dead");
    let retrying = form.name("retrying", "retry");
    let (dead, retries) = (delivery.spool.dead_letters, delivery.retrying);
    [
        part(
            Stage::Received,
            form.name("received", "in"),
            received,
            Severity::Plain,
        ),
        part(
            Stage::FilteredOut,
            form.name("filtered out", "filtered"),
            filtered,
            Severity::Quiet,
        ),
        part(Stage::Rejected, "rejected", rejected, rejecting),
        count(Stage::Queued, "queued", queued, queue_severity(delivery)),
        count(Stage::InFlight, "in flight", in_flight, Severity::Plain),
        part(Stage::Delivered, "delivered", delivered, Severity::Good),
        beside(count(Stage::Retrying, retrying, retries, Severity::Warn)),
        beside(count(Stage::DeadLetters, letters, dead, Severity::Bad)),
    ]
}

/// The texts of the strip, each with the stage that it belongs to.
type Texts = Vec<(Option<Stage>, String, Style)>;

/// The longest form of the strip that fits into a width, with what its numbers count at its end.
fn fitted(state: &State, width: usize, theme: &Theme) -> Texts {
    let key = state.key(Command::Stages);
    let arrow = theme.sign(Sign::Arrow);
    let spaced = format!(" {arrow} ");
    let forms = [
        (
            Form::Long,
            spaced.as_str(),
            format!("/s and %: last {RATE_SECONDS} s, others now; {key} opens "),
        ),
        (
            Form::Long,
            spaced.as_str(),
            format!("/s, %: {RATE_SECONDS} s "),
        ),
        (
            Form::Short,
            spaced.as_str(),
            format!("/s, %: {RATE_SECONDS} s "),
        ),
        (Form::Short, spaced.as_str(), format!("{RATE_SECONDS} s ")),
        (Form::Short, arrow, format!("{RATE_SECONDS} s ")),
    ];
    let mut last = Texts::new();
    for (form, arrow, legend) in forms {
        let mut texts = texts(state.shown(), form, arrow, theme);
        let used: usize = texts
            .iter()
            .map(|(_, content, _)| text::width(content))
            .sum();
        let left = width.checked_sub(used + text::width(&legend));
        let fill = " ".repeat(left.unwrap_or(0).max(2));
        texts.push((None, format!("{fill}{legend}"), theme.dim));
        last = texts;
        if left.is_some_and(|left| left >= 2) {
            break;
        }
    }
    last
}

fn texts(shown: &Snapshot, form: Form, arrow: &str, theme: &Theme) -> Texts {
    let mut texts = vec![(None, " ".to_owned(), theme.dim)];
    for (index, part) in parts(shown, form).into_iter().enumerate() {
        let between = match (index, part.follows) {
            (0, _) => "",
            (_, true) => arrow,
            (_, false) => " | ",
        };
        texts.push((None, between.to_owned(), theme.dim));
        let stage = Some(part.stage);
        texts.push((stage.clone(), format!("{} ", part.name), theme.dim));
        texts.push((stage, part.value, style_of(part.severity, theme)));
    }
    texts
}

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let texts = fitted(state, usize::from(area.width), theme).into_iter();
    let spans = texts.map(|(_, content, style)| Span::styled(content, style));
    frame.render_widget(Paragraph::new(spans.collect::<Line<'_>>()), area);
}

/// The stage at a column of the strip.
pub(crate) fn stage_at(state: &State, column: u16) -> Option<Stage> {
    let mut end = 0;
    let theme = Theme::plain(false);
    let all = fitted(state, usize::from(state.size.0), &theme).into_iter();
    all.map(|(stage, content, _)| {
        end += text::width(&content);
        (stage, end)
    })
    .find(|(_, end)| usize::from(column) < *end)?
    .0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Rates;

    #[test]
    fn the_form_gets_shorter_until_it_fits_with_the_largest_numbers() {
        let mut state = State::new(crate::tui::Labels::default(), (120, 34));
        let mut busy = Snapshot {
            rates: Rates {
                received: 22_000.0,
                delivered: 21_000.0,
                rejected: 3.0,
                ..Rates::default()
            },
            ..Snapshot::default()
        };
        busy.delivery.spool.items = 123_456;
        busy.delivery.retrying = 12_345;
        busy.delivery.spool.dead_letters = 1_234;
        busy.delivery.in_flight = 16;
        state.snapshot = std::sync::Arc::new(busy);
        let theme = Theme::plain(false);
        let shown = |width| -> String {
            let texts = fitted(&state, width, &theme).into_iter();
            texts.map(|(_, content, _)| content).collect()
        };
        for (width, begins, ends) in [
            (120, " in 22,000/s→filtered 0 %", "dead 1,234  3 s "),
            (140, " in 22,000/s → filtered 0 %", "/s, %: 3 s "),
            (
                250,
                " received 22,000/s → filtered out 0.0 %",
                "others now; 0 opens ",
            ),
        ] {
            let strip = shown(width);
            assert!(strip.starts_with(begins), "{strip}");
            assert!(strip.ends_with(ends), "{strip}");
            assert!(text::width(&strip) <= width, "{strip}");
        }
    }
}
