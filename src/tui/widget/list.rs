//! The cursor and the scroll position of a list.

use crossterm::event::KeyCode;

/// The first visible row, such that the row of the cursor is visible.
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

/// The scroll position after a key. None if the key closes the list.
pub(crate) fn scrolled(scroll: usize, key: KeyCode) -> Option<usize> {
    match key {
        KeyCode::Down | KeyCode::Char('j') => Some(scroll + 1),
        KeyCode::Up | KeyCode::Char('k') => Some(scroll.saturating_sub(1)),
        KeyCode::PageDown | KeyCode::Char(' ') => Some(scroll + 10),
        KeyCode::PageUp => Some(scroll.saturating_sub(10)),
        _ => None,
    }
}
