//! The cursor of a list, and the rows around it that are shown.

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
