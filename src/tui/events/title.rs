//! The titles of the events pane, which say what is shown, and the mark before a row.

use ratatui::style::Style;

use crate::feed::FeedState;
use crate::text::grouped;
use crate::tui::events::list::EventList;
use crate::tui::events::page::Row;
use crate::tui::input::keymap::Command;
use crate::tui::state::State;
use crate::tui::widget::text;
use crate::tui::widget::theme::{Sign, Theme};

/// The texts in the upper border: on the left the position and the list, on the right the counts and
/// the search.
pub(super) fn titles(state: &State, width: usize, theme: &Theme) -> (String, String) {
    let events = &state.events;
    let page = &events.page;
    let dash = theme.sign(Sign::Dash);
    let position = match (state.frozen.is_some(), events.following, page.above) {
        (true, _, _) => "frozen".to_owned(),
        (_, true, _) => "following".to_owned(),
        (_, false, 0) => "not following".to_owned(),
        (_, false, above) => format!("{} newer above", grouped(above)),
    };
    let position = match state.chosen_range() {
        Some(range) => {
            let key = state.key(Command::Back);
            format!("[{} {key}]", range.label())
        }
        None => position,
    };
    let mut title = format!("Events {dash} {position} {dash} {}", events.list.name());
    if events.find.is_some() && events.in_context {
        title.push_str(", matches marked");
    }
    let link = state.snapshot.link.as_ref();
    if link.is_some_and(|link| link.summaries) {
        title.push_str(", summaries");
    }
    if !events.selected.is_empty() {
        let selected = format!(" {dash} {} selected", events.selected.len());
        title.push_str(&selected);
    }
    let right = match &events.find {
        Some(find) => {
            let busy = if page.complete { "" } else { ", searching" };
            let (matched, listed) = (grouped(page.matched), grouped(page.listed));
            let matched = format!("{matched} of {listed} match ");
            let room = width.saturating_sub(text::width(&title) + matched.len() + 12);
            format!("{matched}{}{busy}", text::cut(&find.text, room))
        }
        None => {
            let count = match events.list {
                EventList::All if state.range.is_none() => grouped(page.total),
                _ => format!("{} of {}", grouped(page.listed), grouped(page.total)),
            };
            let left_out = match link.map_or(0, |link| link.missed) {
                0 => String::new(),
                missed => format!(", {} left out", grouped(missed)),
            };
            if width >= 60 {
                format!("{count} in the ring{left_out}")
            } else {
                format!("{count}{left_out}")
            }
        }
    };
    (title, right)
}

/// The text of a pane without events: what is missing, and the key that helps.
pub(super) fn empty(state: &State) -> String {
    let events = &state.events;
    if events.find.is_some() && !events.in_context {
        let clear = state.key(Command::Back);
        return format!("no match; {clear} clears the search");
    }
    if state.range.is_some() {
        let clear = state.key(Command::Back);
        return format!("no event of the range is in the ring; {clear} removes the range");
    }
    match &events.list {
        EventList::All => no_event_yet(state),
        list => {
            let next = state.key(Command::NextList);
            let name = list.name();
            format!("no event in this list ({name}); {next} shows the next list")
        }
    }
}

/// Why there is no event, and what to do about it.
fn no_event_yet(state: &State) -> String {
    let feed = &state.labels.feed;
    match &state.shown().feed.state {
        FeedState::Live => {
            let help = state.key(Command::Help);
            format!("no event yet: {feed} is connected and sends none; {help} lists the keys")
        }
        FeedState::Connecting => format!("no event yet: connecting to {feed}"),
        FeedState::Down { why, .. } => {
            let reload = state.key(Command::Reload);
            format!("no event yet: {why}; feed.url is {feed}, {reload} reads it again")
        }
    }
}

/// The mark before a row, and its style.
pub(crate) fn mark(row: &Row, theme: &Theme) -> (&'static str, Style) {
    if row.is_marked {
        (theme.sign(Sign::Bookmark), theme.warn)
    } else if row.is_match {
        (theme.sign(Sign::Match), theme.accent)
    } else {
        (" ", theme.dim)
    }
}
