//! Opening and closing the events of a person.

use crate::tui::action::Effect;
use crate::tui::events::current::at;
use crate::tui::events::update::follow;
use crate::tui::frame::focus::{OverlayKind, Pane};
use crate::tui::frame::overlays::Overlay;
use crate::tui::person::query::{Identity, Summary};
use crate::tui::person::state::OpenedPerson;
use crate::tui::state::State;

/// Opens the person of the dead letter or the event under the cursor.
pub(crate) fn ask(state: &mut State) -> Vec<Effect> {
    let in_answer = state.overlays.top_kind() == Some(OverlayKind::Why);
    if !in_answer && let Some(dead_letters) = state.overlays.dead_letters() {
        let dead_letter = dead_letters
            .opened
            .as_ref()
            .and_then(|opened| opened.at_cursor());
        let identity = dead_letter.map(|dead_letter| {
            let id = dead_letter.person();
            if dead_letter.is_anonymous() {
                Identity::Device(id)
            } else {
                Identity::User(id)
            }
        });
        match identity {
            Some(identity) => open(state, Some(identity)),
            None => state.notify("open the group first, with Enter"),
        }
        return Vec::new();
    }
    match at(state) {
        Some(sequence) => vec![Effect::Who(sequence)],
        None => {
            state.notify("no event yet");
            Vec::new()
        }
    }
}

pub(crate) fn open(state: &mut State, identity: Option<Identity>) {
    let Some(identity) = identity else {
        state.notify_error("the event has neither a user_id nor a device_id");
        return;
    };
    if let Some(Overlay::Person(person)) = state.overlays.top()
        && person.identity == identity
    {
        state.notify("this person's events are already open");
        return;
    }
    let events = &mut state.events;
    let (find_before, list_before) = match state.overlays.close(OverlayKind::Person) {
        Some(Overlay::Person(before)) => (before.find_before, before.list_before),
        _ => (events.find.take(), std::mem::take(&mut events.list)),
    };
    events.in_context = false;
    for kind in [
        OverlayKind::DeadLetters,
        OverlayKind::Inspector,
        OverlayKind::Properties,
    ] {
        state.overlays.close(kind);
    }
    state.zoomed = false;
    state.focus = Pane::Events;
    follow(state);
    state.events.find = identity.find();
    state.overlays.push(Overlay::Person(OpenedPerson {
        identity,
        summary: None,
        find_before,
        list_before,
    }));
}

pub(crate) fn close(state: &mut State) {
    if let Some(Overlay::Person(person)) = state.overlays.close(OverlayKind::Person) {
        state.events.find = person.find_before;
        state.events.list = person.list_before;
        follow(state);
    }
}

/// Takes over a summary, if it is for the open person.
pub(crate) fn summarized(state: &mut State, identity: &Identity, summary: Summary) {
    let is_frozen = state.frozen.is_some();
    if let Some(person) = state.overlays.person_mut()
        && person.identity == *identity
        && !(is_frozen && person.summary.is_some())
    {
        person.summary = Some(summary);
    }
}
