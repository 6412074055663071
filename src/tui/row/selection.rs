//! Selecting several events.

use crate::tui::events::current::at;
use crate::tui::events::update::move_in_events;
use crate::tui::input::keymap::Command;
use crate::tui::state::State;

/// Selects the event under the cursor, or takes it out of the selection, and moves on to the next.
pub(crate) fn toggle(state: &mut State) {
    let Some(sequence) = at(state) else {
        state.notify("no event yet");
        return;
    };
    // The first press also places the cursor.
    if state.events.cursor.is_none() {
        move_in_events(state, 1);
    }
    let selected = &mut state.events.selected;
    if !selected.remove(&sequence) {
        selected.insert(sequence);
    }
    let message = match selected.len() {
        0 => "no event selected".to_owned(),
        2 => {
            let keys = [Command::CompareEvents, Command::Bookmark, Command::Back];
            let [compare, mark, back] = keys.map(|does| state.key(does));
            format!("2 selected: {compare} compares, {mark} bookmarks, {back} clears")
        }
        count => {
            let keys = [Command::Bookmark, Command::ExportEvents, Command::Back];
            let [mark, export, back] = keys.map(|does| state.key(does));
            format!("{count} selected: {mark} bookmarks, {export} exports, {back} clears")
        }
    };
    state.notify(message);
    move_in_events(state, 1);
}

/// Sets a bookmark on all selected events, or removes it if all have one.
pub(crate) fn bookmark(state: &mut State) {
    let selected = std::mem::take(&mut state.events.selected);
    let bookmarks = &mut state.events.bookmarks;
    let count = match selected.len() {
        1 => "1 bookmark".to_owned(),
        count => format!("{count} bookmarks"),
    };
    let message = if selected.is_subset(bookmarks) {
        bookmarks.retain(|sequence| !selected.contains(sequence));
        format!("{count} removed")
    } else {
        bookmarks.extend(&selected);
        let key = state.key(Command::NextBookmark);
        format!("{count} set: {key} goes through them")
    };
    state.notify(message);
}
