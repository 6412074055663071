//! Key presses in the tour. Keys that the tour doesn't use end it and act as usual, so that the
//! operator can try what it says at once.

use crossterm::event::KeyCode;

use crate::tui::action::Effect;
use crate::tui::frame::popup::Popup;
use crate::tui::state::State;
use crate::tui::tour::state::{STEPS, Tour};

/// Opens the tour at its first step.
pub(crate) fn open(state: &mut State) {
    state.popup = Some(Popup::Tour(Tour::default()));
}

/// Handles a key of the tour. None if the key is not one of the tour's: it is then closed.
pub(crate) fn type_key(state: &mut State, tour: Tour, key: KeyCode) -> Option<Vec<Effect>> {
    let step = match key {
        KeyCode::Enter | KeyCode::Right => tour.step + 1,
        KeyCode::Left => tour.step.saturating_sub(1),
        KeyCode::Esc => STEPS,
        _ => return None,
    };
    if step < STEPS {
        state.popup = Some(Popup::Tour(Tour { step }));
        return Some(Vec::new());
    }
    Some(end(state))
}

/// Closes the tour, and records that it was seen.
pub(crate) fn end(state: &mut State) -> Vec<Effect> {
    state.popup = None;
    let unseen = state.labels.tour.take();
    unseen.map(Effect::TourSeen).into_iter().collect()
}
