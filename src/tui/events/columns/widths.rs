//! The widths of the columns. A value is cut only where its row has no room left: columns whose
//! values need less than their share leave the rest to those that need more.

use crate::tui::events::columns::column::Column;
use crate::tui::events::columns::state::{ChosenColumn, has_titles};
use crate::tui::events::page::Row;
use crate::tui::widget::text;

/// Minimum width of the full time of receipt.
const MILLISECONDS: usize = 70;

/// Columns that the outcome keeps while others need room.
const LEAST_OUTCOME: usize = 20;

/// The width of each of `columns` for `rows` in a pane of `width` columns.
pub(crate) fn widths(columns: &[ChosenColumn], rows: &[Row], width: usize) -> Vec<usize> {
    // A mark and the sign, a space after each column, and one at the end.
    let fixed = 4 + gaps(columns);
    let room = width.saturating_sub(fixed);
    let taken: usize = columns.iter().filter_map(|c| steady(c, width)).sum();
    let rest = room.saturating_sub(taken);
    let mut widths: Vec<usize> = columns
        .iter()
        .map(|column| steady_or_share(column, width, rest))
        .collect();
    let needs: Vec<usize> = (0..columns.len())
        .map(|index| need(index, columns, rows, widths[index]))
        .collect();
    let is_flexible = |index: &usize| steady(&columns[*index], width).is_none();
    // The last flexible column gets the rest.
    let flexible: Vec<usize> = (0..columns.len()).filter(is_flexible).collect();
    let taken: usize = widths.iter().sum();
    if let Some(last) = flexible.last() {
        widths[*last] = (widths[*last] + room).saturating_sub(taken);
    }
    for index in &flexible {
        let mut lacks = needs[*index].saturating_sub(widths[*index]);
        for other in flexible.iter().rev().filter(|other| *other != index) {
            // Of two columns that both lack room, the outcome gives way: the detail pane has it in full.
            let keeps = match columns[*other].column {
                Column::Outcome => needs[*other].min(LEAST_OUTCOME),
                _ => needs[*other],
            };
            let spare = widths[*other].saturating_sub(keeps).min(lacks);
            widths[*other] -= spare;
            widths[*index] += spare;
            lacks -= spare;
        }
    }
    shrink(&mut widths, room);
    widths
}

/// Spaces between the columns: one, and two after a number.
pub(crate) fn gap(column: &ChosenColumn) -> usize {
    1 + usize::from(column.column.is_number())
}

fn gaps(columns: &[ChosenColumn]) -> usize {
    let before_last = columns.split_last().map_or(&[][..], |(_, others)| others);
    before_last.iter().map(gap).sum()
}

/// The width of a column that is chosen, or the same for all values. None: it gives and takes room.
fn steady(chosen: &ChosenColumn, width: usize) -> Option<usize> {
    if let Some(columns) = chosen.width {
        return Some(usize::from(columns));
    }
    match chosen.column {
        // A narrow pane drops milliseconds in favour of the outcome.
        Column::Received if width < MILLISECONDS => Some(8),
        Column::Received | Column::DeliveredAt => Some(12),
        Column::Size | Column::Attempts | Column::Latency => Some(8),
        Column::Lag => Some(7),
        Column::Type | Column::Person | Column::Outcome | Column::Field(_) => None,
    }
}

/// The width of a column whose values are as wide as usual; `rest` is the room of all that are not
/// steady.
fn steady_or_share(chosen: &ChosenColumn, width: usize, rest: usize) -> usize {
    let share = match chosen.column {
        Column::Type => (rest * 34 / 100).clamp(12, 36),
        Column::Person => (rest * 18 / 100).clamp(7, 38),
        Column::Outcome => 20,
        _ => 12,
    };
    steady(chosen, width).unwrap_or(share)
}

/// The width that the values of a column need, and its title if there is one.
fn need(index: usize, columns: &[ChosenColumn], rows: &[Row], share: usize) -> usize {
    let chosen = &columns[index];
    let title = if has_titles(columns) {
        text::width(chosen.column.title())
    } else {
        0
    };
    let value = |row: &Row| match chosen.column {
        Column::Type => text::width(text::event_name(&row.event_type)),
        Column::Person => text::width(&row.person),
        Column::Outcome => text::width(&row.outcome),
        Column::Field(_) => row.cells.get(index).map_or(0, |cell| text::width(cell)),
        _ => share,
    };
    let needed = rows.iter().map(value).max().unwrap_or(0).max(title);
    // In steps, so that columns don't move with every new event.
    needed.next_multiple_of(4)
}

/// Takes columns away from the widest until all fit.
fn shrink(widths: &mut [usize], room: usize) {
    let mut over = widths.iter().sum::<usize>().saturating_sub(room);
    while over > 0 {
        let Some(widest) = widths.iter_mut().max().filter(|width| **width > 0) else {
            return;
        };
        *widest -= 1;
        over -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude::frame::tests_support::event;
    use crate::filter::Decision;
    use crate::protocol::tests_support::record;
    use crate::protocol::{Outcome, Record};
    use crate::tui::events::columns::state::columns_for;
    use crate::tui::events::page::row;

    fn rows(event_type: &str) -> Vec<Row> {
        let text = format!(r#"{{"event_type":"{event_type}","user_id":"u-1"}}"#);
        let _ = event(&text);
        let record: Record = record(1, &text, Decision::Accepted, Outcome::OnItsWay);
        vec![row(&record, None)]
    }

    #[test]
    fn a_name_is_cut_only_where_its_row_has_no_room_left() {
        let name = "A name that is much longer than the share";
        for width in 90..200 {
            let columns = columns_for(&[], width);
            let rows = rows(name);
            let widths = widths(&columns, &rows, width);
            assert!(widths[1] >= name.len(), "{width}: {widths:?}");
            let all = widths.iter().sum::<usize>() + gaps(&columns) + 4;
            assert!(all <= width, "{width}: {widths:?}");
        }
    }

    #[test]
    fn columns_fit_in_every_width() {
        let fields = [
            "a",
            "b",
            "c",
            "d.e",
            "lag",
            "latency",
            "delivered at",
            "size",
        ];
        let mut chosen: Vec<ChosenColumn> = fields
            .map(|name| ChosenColumn::from(Column::from(name.to_owned())))
            .into();
        chosen[2].width = Some(60);
        for width in 0..160 {
            let widths = widths(&chosen, &rows("A"), width);
            let room = width.saturating_sub(gaps(&chosen) + 4);
            assert!(widths.iter().sum::<usize>() <= room, "{width}: {widths:?}");
        }
        assert_eq!(widths(&chosen, &[], 150)[2], 60, "a chosen width holds");
    }
}
