//! The chosen columns, and the popup that chooses them.

use serde::{Deserialize, Serialize};
use tui_input::Input;

use crate::tui::events::columns::column::{COLUMNS, Column};

/// A chosen column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChosenColumn {
    /// The column.
    pub column: Column,
    /// Its width, in columns of the terminal. None: as wide as its values need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u16>,
}

impl From<Column> for ChosenColumn {
    fn from(column: Column) -> Self {
        Self {
            column,
            width: None,
        }
    }
}

/// The popup that chooses columns: the chosen ones in their order, then the others.
#[derive(Debug, Default)]
pub struct ColumnChooser {
    /// The row of the cursor.
    pub row: usize,
    /// The path of a new field, while it is typed.
    pub field: Option<Input>,
}

/// From this inner width on, the default has a column for the size.
const SIZED: usize = 64;
/// From this inner width on, the default has lag and attempts.
const WIDE: usize = 150;
/// From this inner width on, the default has country and platform.
const WIDEST: usize = 180;

/// The columns for a pane of this inner width: the chosen ones, or else the default.
pub fn columns_for(chosen: &[ChosenColumn], width: usize) -> Vec<ChosenColumn> {
    if !chosen.is_empty() {
        return chosen.to_vec();
    }
    let mut columns = vec![Column::Received, Column::Type, Column::Person];
    if width >= WIDEST {
        let fields = ["country", "platform"];
        columns.extend(fields.map(|path| Column::Field(path.to_owned())));
    }
    if width >= SIZED {
        columns.push(Column::Size);
    }
    if width >= WIDE {
        columns.extend([Column::Lag, Column::Attempts]);
    }
    columns.push(Column::Outcome);
    columns.into_iter().map(ChosenColumn::from).collect()
}

/// Whether the columns have a row of titles: those that everyone knows need none.
pub fn has_titles(columns: &[ChosenColumn]) -> bool {
    columns.iter().any(|chosen| {
        !matches!(
            chosen.column,
            Column::Received | Column::Type | Column::Person | Column::Size | Column::Outcome
        )
    })
}

/// The rows of the chooser: the chosen columns in their order, then the others.
pub fn entries(chosen: &[ChosenColumn]) -> Vec<(ChosenColumn, bool)> {
    let is_chosen = |column: &&Column| chosen.iter().any(|c| c.column == **column);
    let others = COLUMNS.iter().filter(|column| !is_chosen(column));
    let others = others.map(|column| (ChosenColumn::from(column.clone()), false));
    let chosen = chosen.iter().map(|chosen| (chosen.clone(), true));
    chosen.chain(others).collect()
}
