//! Copying an event, or a dead letter.

use crate::customerio::client::Region;
use crate::tui::action::Effect;
use crate::tui::copy::format as copy;
use crate::tui::copy::format::{CHOICES, CopyFormat};
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::inspector::query::Inspected;
use crate::tui::person::query::Identity;
use crate::tui::privacy::on_screen::ids_on_screen;
use crate::tui::row::kind::RowAction;
use crate::tui::row::update as row;
use crate::tui::state::State;

/// Opens the choice of formats, for what is open or for the row of the events pane.
pub(crate) fn ask(state: &mut State) -> Vec<Effect> {
    let letter = state
        .overlays
        .dead_letters()
        .and_then(|l| l.opened.as_ref());
    let has_letter = letter.is_some_and(|opened| opened.at_cursor().is_some());
    let has_event = state
        .overlays
        .inspector()
        .is_some_and(|i| i.found.is_some());
    if has_letter || (has_event && state.overlays.dead_letters().is_none()) {
        state.popup = Some(Popup::Copy(None));
        return Vec::new();
    }
    if state.overlays.dead_letters().is_none() {
        return row::ask(state, RowAction::Copy);
    }
    state.notify("open a group first, with Enter");
    Vec::new()
}

pub(crate) fn chosen(
    state: &mut State,
    row: Option<Box<Inspected>>,
    command: Option<Command>,
) -> Vec<Effect> {
    let number = match command {
        Some(Command::InPopup(PopupCommand::Choice(number))) => usize::from(number),
        Some(Command::Back) => return Vec::new(),
        _ => usize::MAX,
    };
    let Some((format, name)) = CHOICES.get(number) else {
        state.popup = Some(Popup::Copy(row));
        return Vec::new();
    };
    match text(state, row.as_deref(), *format) {
        Ok(text) => vec![Effect::Copy(name, text)],
        Err(why) => {
            state.notify_error(why);
            Vec::new()
        }
    }
}

/// The text in a format: of the event of a row, or else of what is open.
pub(crate) fn text(
    state: &State,
    row: Option<&Inspected>,
    format: CopyFormat,
) -> Result<String, &'static str> {
    let letters = state.overlays.dead_letters().filter(|_| row.is_none());
    let opened = letters.and_then(|l| l.opened.as_ref());
    let server = server(state);
    // Copies are masked too.
    let document = |raw: &str| match state.privacy {
        Some(privacy) => privacy.document(raw),
        None => raw.to_owned(),
    };
    let hidden = |text: String| match state.privacy {
        Some(privacy) => privacy.text(&text, &ids_on_screen(state)),
        None => text,
    };
    if let Some(letter) = opened.and_then(|opened| opened.at_cursor()) {
        let item = &letter.accepted.item;
        let body = document(&String::from_utf8_lossy(&item.body));
        return match format {
            CopyFormat::Event => Err("a dead letter holds the request, not the raw event"),
            CopyFormat::Request => Ok(body),
            CopyFormat::Curl => Ok(hidden(copy::curl(server, &item.route, &body))),
            CopyFormat::Trace => Ok(hidden(copy::letter(letter))),
            CopyFormat::Person => Ok(hidden(letter.person())),
        };
    }
    let gone = "no event to copy";
    let inspector = state.overlays.inspector();
    let inspected = inspector.and_then(|open| open.found.as_deref());
    let found = row.or(inspected).ok_or(gone)?;
    let record = &found.record;
    let sent = || {
        let unsent = "it can't be sent without a person and a time";
        found.route.as_ref().ok_or(unsent)
    };
    match format {
        CopyFormat::Event => Ok(document(record.text())),
        CopyFormat::Request => sent().map(|_| document(&found.mapped)),
        CopyFormat::Curl => {
            sent().map(|route| hidden(copy::curl(server, route, &document(&found.mapped))))
        }
        CopyFormat::Trace => Ok(hidden(copy::trace(record))),
        CopyFormat::Person => {
            let identity = record.event().and_then(Identity::of);
            let identity = identity.ok_or("the event has neither a user_id nor a device_id")?;
            Ok(hidden(identity.id().to_owned()))
        }
    }
}

/// The URL of the destination: configured, or else detected.
fn server(state: &State) -> &str {
    let known = state.snapshot.delivery.server.as_deref();
    match state.labels.server.as_str() {
        "" if known.is_some_and(|known| known.ends_with("eu")) => Region::Eu.url(),
        "" => Region::Us.url(),
        server => server,
    }
}
