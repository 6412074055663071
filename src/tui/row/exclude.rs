//! Excluding events like the one of a row: of its type, of its person, or with one of its values.

use crate::filter::expression_builder::quoted;
use crate::filter::{RuleEffect, Switch};
use crate::protocol::Record;
use crate::tui::action::Effect;
use crate::tui::filters::state::FilterCursor;
use crate::tui::filters::update as filters;
use crate::tui::frame::focus::Pane;
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::inspector::query::Inspected;
use crate::tui::inspector::update::inspect;
use crate::tui::person::query::Identity;
use crate::tui::state::State;

/// The choices, in the order of `PopupCommand::Choice`.
pub const CHOICES: [&str; 3] = [
    "events of this type",
    "events of this person, by a rule",
    "events with one of its values: opens the event",
];

/// Carries out a choice. Another key changes nothing.
pub(crate) fn chosen(
    state: &mut State,
    found: Box<Inspected>,
    command: Option<Command>,
) -> Vec<Effect> {
    let record = &found.record;
    match command {
        Some(Command::InPopup(PopupCommand::Choice(0))) => exclude_type(state, record),
        Some(Command::InPopup(PopupCommand::Choice(1))) => return exclude_person(state, record),
        Some(Command::InPopup(PopupCommand::Choice(2))) => {
            let key = state.key(Command::ExcludeThis);
            let message = format!("move to a field, then {key} excludes events with its value");
            state.notify(message);
            return inspect(state, record.sequence);
        }
        Some(Command::Back) => {}
        _ => state.popup = Some(Popup::Exclude(found)),
    }
    Vec::new()
}

/// Opens the rule editor with a rule that excludes the person.
fn exclude_person(state: &mut State, record: &Record) -> Vec<Effect> {
    match record.event().and_then(Identity::of) {
        Some(identity) => {
            let when = format!("{} == {}", identity.field(), quoted(identity.id()));
            state.focus = Pane::Filters;
            filters::write_rule(state, RuleEffect::Exclude, when)
        }
        None => {
            state.notify_error("the event has neither a user_id nor a device_id");
            Vec::new()
        }
    }
}

/// Switches a type off in the draft, and shows the draft.
fn exclude_type(state: &mut State, record: &Record) {
    let name = record.event_type();
    if record.event().is_none() {
        state.notify_error("this is no event: it has no type");
        return;
    }
    if !state.edited().selects(name) {
        state.notify("this type is excluded already");
        return;
    }
    state.layout.hidden.remove(&Pane::Filters);
    state.focus = Pane::Filters;
    state.zoomed = false;
    state.filter_cursor = FilterCursor::Type(Some(name.into()));
    filters::edit(state, |draft| {
        draft.types.insert(name.to_owned(), Switch::Off);
    });
    let [apply, discard] = [Command::Apply, Command::DiscardDraft].map(|does| state.key(does));
    let message = format!("drafted: this type is excluded ({apply} applies, {discard} discards)");
    state.notify(message);
}
