//! The cursor and the scroll position of a list.

use crate::tui::input::keymap::Command;

/// The first visible row, such that the row of the cursor is visible.
pub fn scroll(cursor: usize, room: usize, count: usize) -> usize {
    let most = count.saturating_sub(room);
    (cursor + 1)
        .saturating_sub(room.saturating_sub(1))
        .min(most)
        .min(cursor)
}

/// The visible rows with their indices, such that the row of the cursor is among them.
pub fn visible<T>(
    rows: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    cursor: usize,
    room: usize,
) -> impl Iterator<Item = (usize, T)> {
    let rows = rows.into_iter();
    let first = scroll(cursor, room, rows.len());
    rows.enumerate().skip(first).take(room)
}

/// Returns the row `by` rows below `at`, within 0 and `last`.
pub fn stepped(at: usize, by: i64, last: usize) -> usize {
    (at as i64).saturating_add(by).clamp(0, last as i64) as usize
}

/// The row after a command that moves the cursor of a popup's list. None for other commands.
pub(crate) fn moved(at: usize, command: Command, last: usize) -> Option<usize> {
    /// Rows of a page, and of half a page.
    const PAGE: [i64; 2] = [10, 5];
    let by = match command {
        Command::Up => -1,
        Command::Down => 1,
        Command::HalfUp => -PAGE[1],
        Command::HalfDown => PAGE[1],
        Command::PageUp => -PAGE[0],
        Command::PageDown => PAGE[0],
        Command::Top => i64::MIN / 2,
        Command::Bottom => i64::MAX / 2,
        _ => return None,
    };
    Some(stepped(at.min(last), by, last))
}
