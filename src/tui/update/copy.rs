//! Copying an event, or a dead letter.

use crossterm::event::KeyCode;

use super::say;
use crate::customerio::client::Region;
use crate::customerio::mapping::Route;
use crate::tui::action::Effect;
use crate::tui::copy::{self, CHOICES, What};
use crate::tui::person::Identity;
use crate::tui::state::{Popup, State};

pub(super) fn ask(state: &mut State) {
    let letter = state.letters.as_ref().and_then(|l| l.opened.as_ref());
    let has_letter = letter.is_some_and(|opened| opened.letter().is_some());
    let has_event = state.inspector.as_ref().is_some_and(|i| i.found.is_some());
    if has_letter || (has_event && state.letters.is_none()) {
        state.popup = Some(Popup::Copy);
    } else {
        say(state, "open an event first, with Enter".to_owned(), false);
    }
}

pub(super) fn chosen(state: &mut State, key: KeyCode) -> Vec<Effect> {
    let choice = CHOICES.iter().find(|(c, ..)| key == KeyCode::Char(*c));
    let Some((_, what, says)) = choice else {
        return Vec::new();
    };
    match text(state, *what) {
        Ok(text) => vec![Effect::Copy(says, text)],
        Err(why) => {
            say(state, why.to_owned(), true);
            Vec::new()
        }
    }
}

fn text(state: &State, what: What) -> Result<String, &'static str> {
    let server = server(state);
    let opened = state.letters.as_ref().and_then(|l| l.opened.as_ref());
    if let Some(letter) = opened.and_then(|opened| opened.letter()) {
        let item = &letter.accepted.item;
        let body = String::from_utf8_lossy(&item.body);
        return match what {
            What::Event => Err("a dead letter keeps what is sent, not the event as it came"),
            What::Request => Ok(body.into_owned()),
            What::Curl => Ok(copy::curl(server, &item.route, &body)),
            What::Trace => Ok(copy::letter(letter)),
            What::Person => Ok(letter.person()),
        };
    }
    let gone = "there is no event to copy";
    let inspector = state.inspector.as_ref().ok_or(gone)?;
    let found = inspector.found.as_ref().ok_or(gone)?;
    let (record, route) = (&found.record, found.route.as_ref());
    let unsent = "without a person and a time it can't be sent";
    let sent = |with: &dyn Fn(&Route, &str) -> String| {
        let route = route.ok_or(unsent)?;
        Ok(with(route, &found.mapped))
    };
    match what {
        What::Event => Ok(record.text().to_owned()),
        What::Request => sent(&|_, body| body.to_owned()),
        What::Curl => sent(&|route, body| copy::curl(server, route, body)),
        What::Trace => Ok(copy::trace(record)),
        What::Person => {
            let identity = record.event().and_then(Identity::of);
            let identity = identity.ok_or("the event names neither a user nor a device")?;
            Ok(identity.id().to_owned())
        }
    }
}

/// Where requests go: as the settings say, or as Customer.io answered.
fn server(state: &State) -> &str {
    let known = state.snapshot.standing.server.as_deref();
    match state.labels.server.as_str() {
        "" if known.is_some_and(|known| known.ends_with("eu")) => Region::Eu.url(),
        "" => Region::Us.url(),
        server => server,
    }
}
