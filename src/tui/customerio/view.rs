//! The answer of Customer.io: its sentences, and one timeline of events and activities.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::customerio::app::{Activity, Meaning};
use crate::privacy::mask;
use crate::protocol::Record;
use crate::text::grouped;
use crate::tui::customerio::about::AskedAbout;
use crate::tui::customerio::query::{CustomerIoAnswer, Entry, shown_time};
use crate::tui::customerio::sentences::{sentences, severity};
use crate::tui::customerio::state::OpenedCustomerIo;
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::events::outcome::outcome_of;
use crate::tui::events::severity_style::style_of;
use crate::tui::input::keymap::Command;
use crate::tui::state::State;
use crate::tui::widget::list::visible;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    open: &OpenedCustomerIo,
    state: &State,
    theme: &Theme,
) {
    let lines = said(area, open, state, theme);
    let [above, below] = divided(area, lines.len());
    let dash = theme.sign(Sign::Dash);
    let title = format!("Customer.io {dash} {}", subject(open, state));
    let asked = open.found().map_or_else(String::new, |found| {
        let at = time::to_clock_seconds(found.look.asked_ms);
        let again = state.key(Command::AskCustomerIo);
        format!("asked {at}, {again} asks again")
    });
    let title = pane::Title::both(&title, &asked);
    let inside = pane::frame(frame, above, title, false, theme);
    frame.render_widget(Paragraph::new(lines), inside);
    timeline(frame, below, open, state, theme);
}

/// Whom or what the question is about.
fn subject(open: &OpenedCustomerIo, state: &State) -> String {
    match (open.found(), &open.about) {
        (Some(found), _) => {
            let who = mask::shown(state.privacy, &found.person.value);
            format!("{} {who}", found.person.kind.name())
        }
        (None, AskedAbout::Event(sequence)) => format!("event {}", grouped(*sequence)),
        (None, AskedAbout::Person(identity)) => {
            let who = mask::shown(state.privacy, identity.id());
            format!("{} {who}", identity.field())
        }
    }
}

/// The areas of the sentences, which take this number of lines, and of the timeline.
fn divided(area: Rect, lines: usize) -> [Rect; 2] {
    let most = (area.height / 2).max(4);
    let height = (lines as u16 + 2).min(most);
    Layout::vertical([Constraint::Length(height), Constraint::Min(0)]).areas(area)
}

/// The area of the timeline.
pub(crate) fn timeline_area(area: Rect, open: &OpenedCustomerIo, state: &State) -> Rect {
    // The sentences are the same in every theme.
    let lines = said(area, open, state, &Theme::plain(false)).len();
    let [_, timeline] = divided(area, lines);
    timeline
}

fn said(area: Rect, open: &OpenedCustomerIo, state: &State, theme: &Theme) -> Vec<Line<'static>> {
    let width = usize::from(area.width).saturating_sub(4);
    let wrapped = |message: &str, style: Style| -> Vec<Line<'static>> {
        let lines = text::wrap(message, width).into_iter();
        lines
            .map(|line| Line::styled(format!(" {line}"), style))
            .collect()
    };
    match &open.answer {
        None => wrapped("asking Customer.io", theme.dim),
        Some(Err(why)) => wrapped(why, theme.bad),
        Some(Ok(answer)) => {
            let who = mask::shown(state.privacy, &answer.person.value);
            let said = sentences(&who, answer).into_iter();
            said.flat_map(|(severity, sentence)| wrapped(&sentence, style_of(severity, theme)))
                .collect()
        }
    }
}

fn timeline(
    frame: &mut Frame<'_>,
    area: Rect,
    open: &OpenedCustomerIo,
    state: &State,
    theme: &Theme,
) {
    let entries = open
        .found()
        .map_or(&[][..], |found: &CustomerIoAnswer| &found.timeline);
    let dash = theme.sign(Sign::Dash);
    let title = format!("Timeline {dash} oldest first: events here, and what Customer.io did");
    let count = grouped(entries.len() as u64);
    let title = pane::Title::both(&title, &count);
    let inside = pane::frame(frame, area, title, true, theme);
    if entries.is_empty() {
        let message = match open.answer {
            None => "",
            Some(_) => " nothing to list",
        };
        frame.render_widget(Paragraph::new(Line::styled(message, theme.dim)), inside);
        return;
    }
    let (height, width) = (usize::from(inside.height), usize::from(inside.width));
    let cursor = open.cursor();
    let lines = visible(entries, cursor, height).map(|(index, entry)| {
        let line = match entry {
            Entry::Here(record) => here(record, state, width, theme),
            Entry::There(activity) => there(activity, state, width, theme),
        };
        if index == cursor {
            theme.select(line)
        } else {
            line
        }
    });
    let lines: Vec<Line<'_>> = lines.collect();
    frame.render_widget(Paragraph::new(lines), inside);
}

/// An event of this forwarder, with its outcome.
fn here(record: &Record, state: &State, width: usize, theme: &Theme) -> Line<'static> {
    let (sign, severity, outcome) = outcome_of(record, QueueReason::of(&state.shown().delivery));
    let event = record.event().and_then(|event| event.time().ok());
    let row = TimelineRow {
        at: shown_time(event.unwrap_or(record.received_ms), state.snapshot.at_ms),
        place: "here",
        sign: theme.sign(sign),
        name: text::event_name(record.event_type()).to_owned(),
        words: outcome,
        style: style_of(severity, theme),
    };
    row.line(width, theme)
}

/// An activity at Customer.io.
fn there(activity: &Activity, state: &State, width: usize, theme: &Theme) -> Line<'static> {
    let meaning = activity.meaning();
    let row = TimelineRow {
        at: shown_time(activity.at_s * 1_000, state.snapshot.at_ms),
        place: "there",
        sign: theme.sign(sign(activity, meaning)),
        name: activity.name.clone(),
        words: activity.words(),
        style: style_of(severity(meaning), theme),
    };
    row.line(width, theme)
}

/// The sign of an activity. Messages have their own.
fn sign(activity: &Activity, meaning: Meaning) -> Sign {
    match meaning {
        Meaning::Applied => Sign::Delivered,
        Meaning::NotApplied => Sign::Rejected,
        Meaning::Sending => Sign::Mail,
        Meaning::Arrived => Sign::MailArrived,
        Meaning::NotArrived => Sign::MailLost,
        Meaning::Other if activity.message().is_some() => Sign::Mail,
        Meaning::Other => Sign::Filtered,
    }
}

struct TimelineRow {
    at: String,
    place: &'static str,
    sign: &'static str,
    name: String,
    words: String,
    style: Style,
}

impl TimelineRow {
    fn line(self, width: usize, theme: &Theme) -> Line<'static> {
        let words_room = (width / 2).saturating_sub(12);
        let name_room = width.saturating_sub(13 + 6 + 2 + words_room + 1);
        Line::from(vec![
            Span::styled(format!(" {} ", text::fit(&self.at, 11)), theme.dim),
            Span::styled(text::fit(self.place, 6), theme.dim),
            Span::styled(format!("{} ", text::fit(self.sign, 1)), self.style),
            Span::styled(text::fit(&self.words, words_room), self.style),
            Span::styled(format!(" {}", text::fit(&self.name, name_room)), theme.text),
        ])
    }
}
