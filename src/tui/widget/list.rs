//! The cursor of a list, and the rows around it that are shown.

use crossterm::event::KeyCode;

/// The first row to show so that the cursor's is among them.
pub fn scroll(cursor: usize, room: usize, count: usize) -> usize {
    let most = count.saturating_sub(room);
    (cursor + 1)
        .saturating_sub(room.saturating_sub(1))
        .min(most)
        .min(cursor)
}

/// Returns the row `by` rows below `at`, within 0 and `last`.
pub fn stepped(at: usize, by: i64, last: usize) -> usize {
    (at as i64).saturating_add(by).clamp(0, last as i64) as usize
}

/// Where a list is scrolled to by this key; nothing where the key closes it.
pub(crate) fn scrolled(scroll: usize, key: KeyCode) -> Option<usize> {
    match key {
        KeyCode::Down | KeyCode::Char('j') => Some(scroll + 1),
        KeyCode::Up | KeyCode::Char('k') => Some(scroll.saturating_sub(1)),
        KeyCode::PageDown | KeyCode::Char(' ') => Some(scroll + 10),
        KeyCode::PageUp => Some(scroll.saturating_sub(10)),
        _ => None,
    }
}
