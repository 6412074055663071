//! Opening a comparison of two selected events or of two ranges, and its keys.

use ratatui::layout::Rect;

use crate::protocol::Record;
use crate::tui::action::Effect;
use crate::tui::compare::state::{Compare, Pair};
use crate::tui::compare::table::Table;
use crate::tui::compare::view::rows_of;
use crate::tui::compare::{events, ranges};
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::Command;
use crate::tui::range::query::Figures;
use crate::tui::range::time_range::TimeRange;
use crate::tui::range::update::point_at_cursor;
use crate::tui::state::State;
use crate::tui::widget::list::moved;

/// Maximum length of the ranges before and after the time cursor.
const BESIDE_CURSOR_MS: i64 = 5 * 60_000;

/// Compares the two selected events.
pub(crate) fn selected_events(state: &mut State) -> Vec<Effect> {
    let selected: Vec<u64> = state.events.selected.iter().copied().collect();
    let [a, b] = selected[..] else {
        let select = state.key(Command::Select);
        let message = match selected.len() {
            0 => format!("select two events to compare, with {select} in the events"),
            1 => format!("select one more event to compare, with {select}"),
            count => format!("{count} events are selected: two can be compared"),
        };
        state.notify(message);
        return Vec::new();
    };
    let pair = Pair::Events([a, b]);
    state.popup = Some(Popup::Compare(Box::new(Compare::new(pair))));
    vec![Effect::LoadPair([a, b])]
}

/// Takes over the events of a comparison. None if one of them has left the ring.
pub(crate) fn pair_loaded(state: &mut State, pair: [u64; 2], found: Option<Box<[Record; 2]>>) {
    if !is_open(state, Pair::Events(pair)) {
        return;
    }
    let Some(records) = found else {
        state.popup = None;
        state.notify_error("one of the events has left the ring (screen.ring_bytes sets its size)");
        return;
    };
    let queued = QueueReason::of(&state.shown().delivery);
    let link = state.snapshot.link.as_ref();
    let are_summaries = link.is_some_and(|link| link.summaries);
    let table = events::compare(&records, queued, state.privacy, are_summaries);
    let now_ms = state.shown().at_ms;
    if let Some(Popup::Compare(open)) = &mut state.popup {
        (open.table, open.as_of_ms) = (Some(table), now_ms);
    }
}

/// Compares the chosen range with the kept one, or keeps it to be compared; without a range compares
/// the time before the time cursor with the time after it.
pub(crate) fn chosen_ranges(state: &mut State) {
    if let Some(chosen) = &mut state.range {
        chosen.is_open = false;
    }
    match (state.chosen_range(), state.kept_range) {
        (Some(range), None) => {
            state.kept_range = Some(range);
            let [begin, compare] = [Command::Range, Command::CompareRanges].map(|c| state.key(c));
            let message = format!(
                "range {} kept: {begin} begins the other one; {compare} again: the same time before it",
                range.label()
            );
            state.notify(message);
        }
        (Some(range), Some(kept)) if kept == range => open(state, [earlier(range), range]),
        (Some(range), Some(kept)) if kept.from_ms <= range.from_ms => open(state, [kept, range]),
        (Some(range), Some(kept)) => open(state, [range, kept]),
        (None, _) => beside_cursor(state),
    }
}

/// The range of the same length before a range.
fn earlier(range: TimeRange) -> TimeRange {
    TimeRange {
        from_ms: range.from_ms - range.length_ms(),
        to_ms: range.from_ms,
    }
}

/// Compares the time before the time cursor with the time after it.
fn beside_cursor(state: &mut State) {
    let Some(point) = point_at_cursor(state) else {
        let [left, right] = [Command::Earlier, Command::Later].map(|does| state.key(does));
        let message =
            format!("choose a time first, with {left} and {right}: before and after are compared");
        state.notify(message);
        return;
    };
    let at_ms = point.from_ms;
    let passed_ms = state.shown().at_ms - at_ms;
    let length_ms = (passed_ms / 1_000 * 1_000).min(BESIDE_CURSOR_MS);
    if length_ms < 1_000 {
        state.notify("nothing came after this time yet: move the time cursor to the left");
        return;
    }
    let after = TimeRange {
        from_ms: at_ms,
        to_ms: at_ms + length_ms,
    };
    open(state, [earlier(after), after]);
}

fn open(state: &mut State, ranges: [TimeRange; 2]) {
    state.kept_range = None;
    let compare = Compare::new(Pair::Ranges(ranges));
    state.popup = Some(Popup::Compare(Box::new(compare)));
}

/// Takes over the figures of two ranges.
pub(crate) fn ranges_counted(state: &mut State, ranges: [TimeRange; 2], figures: &[Figures; 2]) {
    if !is_open(state, Pair::Ranges(ranges)) {
        return;
    }
    let is_frozen = state.frozen.is_some();
    let now_ms = state.shown().at_ms;
    if let Some(Popup::Compare(open)) = &mut state.popup
        && !(is_frozen && open.table.is_some())
    {
        open.table = Some(ranges::compare(ranges, figures));
        open.as_of_ms = now_ms;
    }
}

fn is_open(state: &State, pair: Pair) -> bool {
    matches!(&state.popup, Some(Popup::Compare(open)) if open.pair == pair)
}

/// Handles a key in the comparison.
pub(crate) fn type_key(
    state: &mut State,
    mut open: Box<Compare>,
    command: Option<Command>,
) -> Vec<Effect> {
    if command == Some(Command::Back) {
        return Vec::new();
    }
    let screen = Rect::new(0, 0, state.size.0, state.size.1);
    let lines = open.table.as_ref().map_or(0, Table::lines);
    let last = lines.saturating_sub(rows_of(screen, &open));
    let scrolled = command.and_then(|command| moved(open.scroll, command, last));
    open.scroll = scrolled.unwrap_or(open.scroll).min(last);
    state.popup = Some(Popup::Compare(open));
    Vec::new()
}
