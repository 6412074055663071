//! Opening the pipeline view, its cursor, and the way to the events of a stage.

use crate::tui::action::Effect;
use crate::tui::dead_letters::state::DeadLetters;
use crate::tui::events::list::EventList;
use crate::tui::events::update::show_list;
use crate::tui::frame::focus::OverlayKind;
use crate::tui::frame::overlays::Overlay;
use crate::tui::stages::query::rows;
use crate::tui::stages::stage::Stage;
use crate::tui::stages::state::OpenedStages;
use crate::tui::state::State;
use crate::tui::widget::list::stepped;

/// Opens the pipeline view, or closes it.
pub(crate) fn toggle(state: &mut State) {
    if state.overlays.top_kind() == Some(OverlayKind::Stages) {
        state.overlays.pop();
    } else {
        open_at(state, Stage::Received);
    }
}

/// Opens the pipeline view with the cursor on a stage.
pub(crate) fn open_at(state: &mut State, at: Stage) {
    state
        .overlays
        .push(Overlay::Stages(OpenedStages { stage: at }));
}

/// The row of the cursor among the stages.
pub(crate) fn cursor(state: &State, open: &OpenedStages) -> usize {
    let rows = rows(state.shown());
    let at = rows.iter().position(|row| row.stage == open.stage);
    at.unwrap_or(0)
}

pub(crate) fn move_cursor(state: &mut State, by: i64) {
    let Some(open) = state.overlays.stages() else {
        return;
    };
    let rows = rows(state.shown());
    let row = stepped(cursor(state, open), by, rows.len().saturating_sub(1));
    if let Some(row) = rows.into_iter().nth(row) {
        open_at(state, row.stage);
    }
}

/// Shows the events of the stage under the cursor. Dead letters have a view of their own, which
/// has those of earlier runs too.
pub(crate) fn show(state: &mut State) -> Vec<Effect> {
    let Some(open) = state.overlays.stages() else {
        return Vec::new();
    };
    match open.stage.clone() {
        Stage::DeadLetters => {
            let dead_letters = Overlay::DeadLetters(DeadLetters::default());
            state.overlays.push(dead_letters);
        }
        Stage::Received => show_list(state, EventList::All),
        Stage::FilteredOut => show_list(state, EventList::FilteredOut),
        other => show_list(state, EventList::At(other)),
    }
    Vec::new()
}
