//! Copying an event, or a dead letter.

use crossterm::event::KeyCode;

use crate::customerio::client::Region;
use crate::tui::action::Effect;
use crate::tui::copy::format as copy;
use crate::tui::copy::format::{CHOICES, What};
use crate::tui::frame::popup::Popup;
use crate::tui::person::query::Identity;
use crate::tui::privacy::on_screen::ids_on_screen;
use crate::tui::state::State;

pub(crate) fn ask(state: &mut State) {
    let letter = state
        .overlays
        .dead_letters()
        .and_then(|l| l.opened.as_ref());
    let has_letter = letter.is_some_and(|opened| opened.letter().is_some());
    let has_event = state
        .overlays
        .inspector()
        .is_some_and(|i| i.found.is_some());
    if has_letter || (has_event && state.overlays.dead_letters().is_none()) {
        state.popup = Some(Popup::Copy);
    } else {
        state.inform("open an event first, with Enter");
    }
}

pub(crate) fn chosen(state: &mut State, key: KeyCode) -> Vec<Effect> {
    let choice = CHOICES.iter().find(|(c, ..)| key == KeyCode::Char(*c));
    let Some((_, what, says)) = choice else {
        return Vec::new();
    };
    match text(state, *what) {
        Ok(text) => vec![Effect::Copy(says, text)],
        Err(why) => {
            state.refuse(why);
            Vec::new()
        }
    }
}

pub(crate) fn text(state: &State, what: What) -> Result<String, &'static str> {
    let opened = state
        .overlays
        .dead_letters()
        .and_then(|l| l.opened.as_ref());
    let server = server(state);
    // What is copied while people are hidden hides them too.
    let document = |raw: &str| match state.privacy {
        Some(privacy) => privacy.document(raw),
        None => raw.to_owned(),
    };
    let hidden = |text: String| match state.privacy {
        Some(privacy) => privacy.text(&text, &ids_on_screen(state)),
        None => text,
    };
    if let Some(letter) = opened.and_then(|opened| opened.letter()) {
        let item = &letter.accepted.item;
        let body = document(&String::from_utf8_lossy(&item.body));
        return match what {
            What::Event => Err("a dead letter keeps what is sent, not the event as it came"),
            What::Request => Ok(body),
            What::Curl => Ok(hidden(copy::curl(server, &item.route, &body))),
            What::Trace => Ok(hidden(copy::letter(letter))),
            What::Person => Ok(hidden(letter.person())),
        };
    }
    let gone = "there is no event to copy";
    let inspector = state.overlays.inspector().ok_or(gone)?;
    let found = inspector.found.as_ref().ok_or(gone)?;
    let record = &found.record;
    let sent = || {
        let unsent = "without a person and a time it can't be sent";
        found.route.as_ref().ok_or(unsent)
    };
    match what {
        What::Event => Ok(document(record.text())),
        What::Request => sent().map(|_| document(&found.mapped)),
        What::Curl => {
            sent().map(|route| hidden(copy::curl(server, route, &document(&found.mapped))))
        }
        What::Trace => Ok(hidden(copy::trace(record))),
        What::Person => {
            let identity = record.event().and_then(Identity::of);
            let identity = identity.ok_or("the event names neither a user nor a device")?;
            Ok(hidden(identity.id().to_owned()))
        }
    }
}

/// Where requests go: as the settings say, or as Customer.io answered.
fn server(state: &State) -> &str {
    let known = state.snapshot.delivery.server.as_deref();
    match state.labels.server.as_str() {
        "" if known.is_some_and(|known| known.ends_with("eu")) => Region::Eu.url(),
        "" => Region::Us.url(),
        server => server,
    }
}
