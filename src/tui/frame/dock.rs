//! The place of the detail pane: beside its list on a wide screen, below it on a tall one.

use ratatui::layout::{Constraint, Layout, Position, Rect};
use serde::{Deserialize, Serialize};

/// From this width of the screen on, the detail is beside the list.
const WIDE: u16 = 160;
/// From this height of a narrower screen on, the detail is below the list.
const TALL: u16 = 50;

/// Minimum columns of the list and of the detail beside it.
const LEAST_COLUMNS: u16 = 40;
/// Minimum rows of the list and of the detail below it.
const LEAST_ROWS: u16 = 8;

/// The operator's changes to the detail pane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DetailLayout {
    /// The share of the detail in the room that it divides with its list, in percent.
    pub percent: Option<u16>,
    /// Whether it is hidden: an event opens over the list.
    pub hidden: bool,
}

/// The list that the detail pane is docked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// The events pane.
    Events,
    /// The events of a person.
    Person,
    /// The violations of a limit.
    Limit,
    /// The dead letters.
    DeadLetters,
}

/// Whether the detail is beside the list on a screen of this size. Otherwise it is below.
pub(crate) fn is_beside(screen: Rect) -> bool {
    screen.width >= WIDE
}

/// The areas of a list and its detail. The detail is empty if there is no room for both.
pub(crate) fn split(room: Rect, screen: Rect, layout: DetailLayout) -> [Rect; 2] {
    let alone = [room, Rect::default()];
    if layout.hidden {
        return alone;
    }
    let share = |whole: u16, default: u16, least: u16| {
        let percent = layout.percent.unwrap_or(default).min(100);
        let wanted = (u32::from(whole) * u32::from(percent) / 100) as u16;
        wanted.clamp(least, whole - least)
    };
    if is_beside(screen) && room.width >= 2 * LEAST_COLUMNS {
        let columns = share(room.width, 42, LEAST_COLUMNS);
        return Layout::horizontal([Constraint::Min(0), Constraint::Length(columns)]).areas(room);
    }
    let is_tall = !is_beside(screen) && screen.height >= TALL;
    if is_tall && room.height >= 2 * LEAST_ROWS {
        let rows = share(room.height, 50, LEAST_ROWS);
        return Layout::vertical([Constraint::Min(0), Constraint::Length(rows)]).areas(room);
    }
    alone
}

/// Whether a position is on the border between a list and its detail.
pub(crate) fn is_border(list: Rect, detail: Rect, at: Position) -> bool {
    if detail.area() == 0 {
        return false;
    }
    if list.right() == detail.x {
        let is_inside = at.y > list.y && at.y + 1 < list.bottom();
        return is_inside && (at.x + 1 == detail.x || at.x == detail.x);
    }
    let is_inside = at.x >= detail.x && at.x < detail.right();
    is_inside && (at.y + 1 == detail.y || at.y == detail.y)
}

/// The share of the detail, in percent, if its border with the list is moved to a position.
pub(crate) fn share_at(list: Rect, detail: Rect, to: Position) -> u16 {
    let room = list.union(detail);
    let (left, whole) = if list.right() == detail.x {
        (room.right().saturating_sub(to.x), room.width)
    } else {
        (room.bottom().saturating_sub(to.y), room.height)
    };
    percent(left, whole)
}

/// The share of the detail, in percent, if it grows by columns and rows.
pub(crate) fn share_resized(list: Rect, detail: Rect, (columns, rows): (i16, i16)) -> u16 {
    let room = list.union(detail);
    if list.right() == detail.x {
        percent(detail.width.saturating_add_signed(columns), room.width)
    } else {
        percent(detail.height.saturating_add_signed(rows), room.height)
    }
}

/// `part` of `whole` in percent, rounded up, so that a border stays where it was put.
fn percent(part: u16, whole: u16) -> u16 {
    (u32::from(part) * 100).div_ceil(u32::from(whole.max(1))) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detail_is_beside_a_wide_list_below_a_tall_one_and_nowhere_else() {
        for (screen, beside, below) in [
            ((159, 45), false, false),
            ((160, 24), true, false),
            ((250, 70), true, false),
            ((120, 49), false, false),
            ((80, 50), false, true),
        ] {
            let screen = Rect::new(0, 0, screen.0, screen.1);
            let room = Rect::new(30, 8, screen.width - 30, screen.height - 16);
            let [list, detail] = split(room, screen, DetailLayout::default());
            assert_eq!(detail.area() > 0, beside || below, "{screen:?}");
            assert_eq!(detail.x > list.x, beside, "{screen:?}");
            assert_eq!(detail.y > list.y, below, "{screen:?}");
        }
    }

    #[test]
    fn a_border_stays_where_it_is_put_and_leaves_room_on_both_sides() {
        let screen = Rect::new(0, 0, 200, 60);
        let room = Rect::new(44, 8, 156, 38);
        let mut layout = DetailLayout::default();
        for x in [44, 60, 100, 111, 150, 199] {
            let [list, detail] = split(room, screen, layout);
            layout.percent = Some(share_at(list, detail, Position::new(x, 20)));
            let [list, detail] = split(room, screen, layout);
            let wanted = x.clamp(44 + LEAST_COLUMNS, 200 - LEAST_COLUMNS);
            assert!(detail.x.abs_diff(wanted) <= 1, "{x}: {detail:?}");
            assert_eq!(list.width + detail.width, room.width);
            assert!(is_border(list, detail, Position::new(detail.x, 20)));
            assert!(!is_border(list, detail, Position::new(detail.x + 1, 20)));
        }
        layout.hidden = true;
        assert_eq!(split(room, screen, layout), [room, Rect::default()]);
    }
}
