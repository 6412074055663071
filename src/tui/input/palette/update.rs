//! Commands by name: choosing one, and saying why it does nothing where it does nothing.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::backend::crossterm::EventHandler;

use crate::filter::Filters;
use crate::filter::change::{changes, in_a_line};
use crate::tui::action::Effect;
use crate::tui::filters::state::Sort;
use crate::tui::filters::update as filters;
use crate::tui::frame::focus::{OverlayKind, Pane};
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::{Command, DefaultBinding, Place};
use crate::tui::input::palette::state::Palette;
use crate::tui::input::perform::perform;
use crate::tui::state::State;
use crate::tui::view;
use crate::tui::widget::list::stepped;

pub(crate) fn type_key(state: &mut State, mut palette: Palette, key: KeyEvent) -> Vec<Effect> {
    let keymap = state.keymap.clone();
    let found = keymap.palette(palette.input.value(), state.input_context());
    let last = found.len().saturating_sub(1);
    match key.code {
        KeyCode::Esc => return Vec::new(),
        KeyCode::Enter => {
            return match found.get(palette.row.min(last)) {
                Some(binding) => chosen(state, binding),
                None => {
                    let says = "nothing that can be done is called so; ? lists all";
                    state.refuse(says);
                    Vec::new()
                }
            };
        }
        KeyCode::Up => palette.row = stepped(palette.row, -1, last),
        KeyCode::Down | KeyCode::Tab => palette.row = stepped(palette.row, 1, last),
        _ => {
            palette.input.handle_event(&TerminalEvent::Key(key));
            palette.row = 0;
        }
    }
    state.popup = Some(Popup::Palette(palette));
    Vec::new()
}

/// Does what was chosen. A key that does nothing at the end of a list needs no words; a command
/// that was looked for by its name does.
fn chosen(state: &mut State, command: &DefaultBinding) -> Vec<Effect> {
    state.message = None;
    let (before, edited) = (view::picture(state), state.edited().clone());
    let effects = perform(state, command.does);
    let does_something = effects.iter().any(|effect| is_seen(state, effect));
    if !does_something && !page_moves(state) && view::picture(state) == before {
        let says = why_nothing(state, command, &edited);
        state.inform(says);
    }
    effects
}

/// Whether something is seen of what an effect does, or it is said.
fn is_seen(state: &State, effect: &Effect) -> bool {
    match effect {
        // What is remembered of a layout that stays as it is changes nothing.
        Effect::Remember => false,
        // They move what lies under these: the cursor among events, the event that is open.
        Effect::Seek(..) | Effect::Inspect(_) => !matches!(
            state.overlays.top_kind(),
            Some(OverlayKind::DeadLetters | OverlayKind::Properties)
        ),
        _ => true,
    }
}

/// Whether other events are about to be shown.
fn page_moves(state: &State) -> bool {
    let events = &state.events;
    let shown = matches!(state.overlays.top_kind(), None | Some(OverlayKind::Person));
    let below = events.page.matched - events.page.above.min(events.page.matched);
    let is_older = below > events.page.rows.len() as u64;
    shown && (events.shift > 0 && is_older || events.shift < 0 && events.page.above > 0)
}

/// Why a command changed nothing that can be seen; `edited` are the filters as they were before.
fn why_nothing(state: &State, command: &DefaultBinding, edited: &Filters) -> String {
    let drafted = changes(edited, state.edited());
    if !drafted.is_empty() {
        let [back, filters] = [Command::Back, Command::FocusFilters].map(|does| state.key(does));
        let says = in_a_line(&drafted);
        return format!("drafted: {says}; {back}, then {filters} shows the draft");
    }
    match command.does {
        Command::Follow => "the newest event is on top already".to_owned(),
        Command::Back => "nothing is open that could be closed".to_owned(),
        Command::FocusFilters if state.overlays.is_empty() => {
            "the filters have the focus already".to_owned()
        }
        Command::Up | Command::PageUp | Command::Top => "there is nothing further up".to_owned(),
        Command::Down | Command::PageDown | Command::Bottom => {
            "there is nothing further down".to_owned()
        }
        _ => why_by_kind(state, command),
    }
}

fn why_by_kind(state: &State, command: &DefaultBinding) -> String {
    let needs_rule = matches!(
        command.does,
        Command::DeleteRule | Command::RuleUp | Command::RuleDown
    );
    let is_size = matches!(
        command.does,
        Command::Wider | Command::Narrower | Command::Higher | Command::Lower
    );
    if is_size && state.zoomed {
        let zoom = state.key(Command::Zoom);
        return format!("the pane has the whole screen: {zoom} gives the others their room back");
    }
    if is_size && state.overlays.is_empty() {
        return format!("the pane can't be made {} here", command.name);
    }
    if command.place == Place::Draft && state.draft.is_none() {
        return "there is no draft: change a filter first".to_owned();
    }
    if needs_rule && state.overlays.is_empty() {
        return match filters::selected_rule(state) {
            None => "put the cursor on a rule first".to_owned(),
            Some(_) => "the rule is at that end already".to_owned(),
        };
    }
    if !command.place.is_at(state.input_context()) {
        return format!("“{}” works {}", command.name, place(state, command.place));
    }
    let usual = state.key(Command::UsualLayout);
    match command.does {
        Command::Sort => {
            let by = match state.sort {
                Sort::Count => "count",
                Sort::Rate => "rate",
                Sort::Name => "name",
            };
            format!("sorted by {by}: the order is the same")
        }
        Command::LookThrough => {
            let zoom = state.key(Command::Zoom);
            format!("the events are not shown: {zoom} brings them back")
        }
        Command::Only => "put the cursor on an event type first".to_owned(),
        Command::All => "every event type is on already".to_owned(),
        Command::None => "every event type is off already".to_owned(),
        Command::Window if state.overlays.is_empty() => {
            let zoom = state.key(Command::Zoom);
            format!("the throughput is not shown: {zoom} or {usual} brings it back")
        }
        Command::Zoom | Command::NextPane | Command::PreviousPane if state.overlays.is_empty() => {
            format!("only this pane is shown: {usual} brings the others back")
        }
        Command::Earlier | Command::Later => "no other time is shown that way".to_owned(),
        Command::NextMatch | Command::PreviousMatch => {
            "there is no other event that way".to_owned()
        }
        Command::Fold => "there is nothing to fold on this line".to_owned(),
        Command::StoryUp | Command::StoryDown => "the story has no more lines that way".to_owned(),
        Command::FindProperty => "there is no property under the cursor".to_owned(),
        Command::Open => "what is under the cursor is open already".to_owned(),
        _ if !state.overlays.is_empty() => {
            let back = state.key(Command::Back);
            format!(
                "“{}” changes what is under this view: {back} leads back to it",
                command.name
            )
        }
        _ => format!("“{}” changes nothing here", command.name),
    }
}

fn name(pane: Pane) -> &'static str {
    match pane {
        Pane::Throughput => "throughput",
        Pane::Delivery => "delivery",
        Pane::Filters => "filters",
        Pane::Events => "events",
        Pane::Violations => "violations",
    }
}

/// Where a command works, and how to get there.
fn place(state: &State, place: Place) -> String {
    let key = |does| state.key(does);
    let back = if state.overlays.is_empty() {
        String::new()
    } else {
        format!("{}, then ", key(Command::Back))
    };
    match place {
        Place::Anywhere => "everywhere".to_owned(),
        Place::In(Pane::Filters) | Place::Draft => {
            format!(
                "among the filters: {back}{} goes there",
                key(Command::FocusFilters)
            )
        }
        Place::In(pane) => {
            let next = key(Command::NextPane);
            format!("in the pane of the {}: {back}{next} goes there", name(pane))
        }
        Place::Inspector => format!(
            "on an event that is open: {back}{} opens one",
            key(Command::Open)
        ),
        Place::DeadLetters => format!(
            "among the dead letters: {} lists them",
            key(Command::DeadLetters)
        ),
        Place::Person => format!("on a person's events: {} shows them", key(Command::Person)),
        Place::Limit => format!(
            "where a limit is broken: {back}{} on a violation goes there",
            key(Command::Open)
        ),
        Place::Properties => {
            format!(
                "on the properties of a type: {back}{} shows them",
                key(Command::Properties)
            )
        }
    }
}
