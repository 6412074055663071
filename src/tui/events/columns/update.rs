//! Key presses in the chooser of columns. Each change is visible and saved at once.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::tui::action::Effect;
use crate::tui::events::columns::column::Column;
use crate::tui::events::columns::state::{ChosenColumn, ColumnChooser, entries};
use crate::tui::events::columns::widths::widths;
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::state::State;
use crate::tui::widget::list::{self, stepped};

/// The widths that can be chosen, in columns of the terminal.
const WIDTHS: (u16, u16) = (3, 120);

/// Columns of the terminal per key press.
const STEP: i32 = 2;

/// Maximum columns: more have no room on any screen.
const MAX_COLUMNS: usize = 24;

/// Handles a key of the chooser, with its command.
pub(crate) fn type_key(
    state: &mut State,
    mut open: ColumnChooser,
    command: Option<Command>,
    key: KeyEvent,
) -> Vec<Effect> {
    if let Some(field) = open.field.take() {
        return type_field(state, open, field, key);
    }
    let before = state.event_columns();
    let last = entries(&before).len() - 1;
    open.row = open.row.min(last);
    let mut chosen = before.clone();
    match command {
        Some(Command::Back) => return Vec::new(),
        Some(Command::InPopup(does)) => change(state, &mut open, &mut chosen, does),
        Some(Command::Wider) => widen(state, &mut chosen, open.row, STEP),
        Some(Command::Narrower) => widen(state, &mut chosen, open.row, -STEP),
        Some(Command::ResetLayout) => chosen.clear(),
        Some(command) => open.row = list::moved(open.row, command, last).unwrap_or(open.row),
        None => {}
    }
    state.popup = Some(Popup::Columns(open));
    choose(state, &before, chosen)
}

/// Changes the chosen columns by a command on the row of the cursor.
fn change(
    state: &mut State,
    open: &mut ColumnChooser,
    chosen: &mut Vec<ChosenColumn>,
    does: PopupCommand,
) {
    match does {
        PopupCommand::Mark | PopupCommand::Choose => toggle(state, open, chosen),
        PopupCommand::MoveUp => open.row = swapped(chosen, open.row, -1),
        PopupCommand::MoveDown => open.row = swapped(chosen, open.row, 1),
        PopupCommand::Automatic => {
            if let Some(column) = chosen.get_mut(open.row) {
                column.width = None;
            }
        }
        PopupCommand::New if chosen.len() >= MAX_COLUMNS => {
            state.notify(format!("{MAX_COLUMNS} columns are shown, the maximum"));
        }
        PopupCommand::New => open.field = Some(Input::default()),
        _ => {}
    }
}

/// Shows or hides the column under the cursor.
fn toggle(state: &mut State, open: &mut ColumnChooser, chosen: &mut Vec<ChosenColumn>) {
    if open.row >= chosen.len() {
        let (column, _) = entries(chosen).swap_remove(open.row);
        open.row = chosen.len();
        chosen.push(column);
    } else if chosen.len() > 1 {
        chosen.remove(open.row);
    } else {
        state.notify("the last column stays");
    }
}

/// Takes over the columns. None chosen: the default.
fn choose(state: &mut State, before: &[ChosenColumn], chosen: Vec<ChosenColumn>) -> Vec<Effect> {
    if chosen == before {
        return Vec::new();
    }
    state.columns = chosen;
    vec![Effect::Remember]
}

/// Moves a chosen column by `by` places. Returns the row of the cursor.
fn swapped(chosen: &mut [ChosenColumn], row: usize, by: i64) -> usize {
    if row >= chosen.len() {
        return row;
    }
    let to = stepped(row, by, chosen.len() - 1);
    chosen.swap(row, to);
    to
}

/// Changes the width of a chosen column. A width that is automatic begins with the present one.
fn widen(state: &State, chosen: &mut [ChosenColumn], row: usize, by: i32) {
    let room = usize::from(state.events_area().width.saturating_sub(2));
    let now = widths(chosen, &state.events.page.rows, room);
    if let (Some(column), Some(now)) = (chosen.get_mut(row), now.get(row)) {
        let now = column.width.map_or(*now as i32, i32::from);
        let (least, most) = WIDTHS;
        let wanted = (now + by).clamp(i32::from(least), i32::from(most));
        column.width = Some(wanted as u16);
    }
}

fn type_field(
    state: &mut State,
    mut open: ColumnChooser,
    mut field: Input,
    key: KeyEvent,
) -> Vec<Effect> {
    let before = state.event_columns();
    let mut chosen = before.clone();
    match key.code {
        KeyCode::Esc => {}
        KeyCode::Enter => {
            let column = Column::from(field.value().trim().to_owned());
            let row = chosen.iter().position(|c| c.column == column);
            if column.name().is_empty() {
                state.notify("write the path of a field, such as event_properties.total");
                open.field = Some(field);
            } else if let Some(row) = row {
                state.notify(format!("{} is a column already", column.name()));
                open.row = row;
            } else {
                open.row = chosen.len();
                chosen.push(ChosenColumn::from(column));
            }
        }
        _ => {
            field.handle_event(&TerminalEvent::Key(key));
            open.field = Some(field);
        }
    }
    state.popup = Some(Popup::Columns(open));
    choose(state, &before, chosen)
}
