//! Asking, taking over the answer, and the cursor of the timeline.

use crate::tui::action::Effect;
use crate::tui::customerio::about::AskedAbout;
use crate::tui::customerio::query::CustomerIoAnswer;
use crate::tui::customerio::state::OpenedCustomerIo;
use crate::tui::events::current::at;
use crate::tui::frame::overlays::Overlay;
use crate::tui::state::State;
use crate::tui::widget::list::stepped;

/// Asks Customer.io about the person whose events are open, or about the event under the cursor.
/// Where its answer is open, asks again.
pub(crate) fn ask(state: &mut State) -> Vec<Effect> {
    let about = match state.overlays.top() {
        Some(Overlay::CustomerIo(open)) => match open.answer {
            // One question at a time.
            None => return Vec::new(),
            Some(_) => Some(open.about.clone()),
        },
        Some(Overlay::Person(person)) => Some(AskedAbout::Person(person.identity.clone())),
        _ => at(state).map(AskedAbout::Event),
    };
    let Some(about) = about else {
        state.notify("no event yet");
        return Vec::new();
    };
    let open = OpenedCustomerIo::new(about.clone());
    state.overlays.push(Overlay::CustomerIo(open));
    vec![Effect::AskCustomerIo(about)]
}

/// Takes over an answer, if it is to the open question.
pub(crate) fn answered(
    state: &mut State,
    about: &AskedAbout,
    answer: Result<Box<CustomerIoAnswer>, String>,
) {
    if let Some(open) = state.overlays.customerio_mut()
        && open.about == *about
    {
        open.answer = Some(answer);
        open.row = None;
    }
}

pub(crate) fn move_cursor(open: &mut OpenedCustomerIo, by: i64) {
    open.row = Some(stepped(open.cursor(), by, open.last_row()));
}
