//! The palette: it runs commands by name, and says why a command had no effect.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::backend::crossterm::EventHandler;

use crate::filter::Filters;
use crate::filter::change::summary;
use crate::tui::action::Effect;
use crate::tui::filters::state::Sort;
use crate::tui::filters::update as filters;
use crate::tui::frame::focus::OverlayKind;
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::{Command, DefaultBinding, Scope};
use crate::tui::input::palette::obstacle::way_to;
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
                    let message = "no such command; ? lists all";
                    state.notify_error(message);
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

/// Runs a command. A key without effect needs no notice, such as Down at the end of a list; a
/// command chosen by name does.
fn chosen(state: &mut State, command: &DefaultBinding) -> Vec<Effect> {
    state.notice = None;
    let (before, edited) = (view::picture(state), state.edited().clone());
    let effects = perform(state, command.command);
    let does_something = effects.iter().any(|effect| is_seen(state, effect));
    if !does_something && !page_moves(state) && view::picture(state) == before {
        let reason = no_effect(state, command, &edited);
        state.notify(reason);
    }
    effects
}

/// Whether the operator notices an effect, on the screen or by a notice.
fn is_seen(state: &State, effect: &Effect) -> bool {
    match effect {
        // Saving an unchanged layout shows nothing.
        Effect::Remember => false,
        // These overlays hide the events and the inspector.
        Effect::Seek(..) | Effect::Inspect(_) => !matches!(
            state.overlays.top_kind(),
            Some(OverlayKind::DeadLetters | OverlayKind::Properties)
        ),
        _ => true,
    }
}

/// Whether the events pane is about to show other events.
fn page_moves(state: &State) -> bool {
    let events = &state.events;
    let shown = matches!(state.overlays.top_kind(), None | Some(OverlayKind::Person));
    let below = events.page.shown - events.page.above.min(events.page.shown);
    let is_older = below > events.page.rows.len() as u64;
    shown && (events.shift > 0 && is_older || events.shift < 0 && events.page.above > 0)
}

/// Why a command had no visible effect; `edited` are the filters before it.
fn no_effect(state: &State, command: &DefaultBinding, edited: &Filters) -> String {
    let drafted = state.changes(edited, state.edited());
    if !drafted.is_empty() {
        let [back, filters] = [Command::Back, Command::FocusFilters].map(|does| state.key(does));
        let changes = summary(&drafted);
        return format!("drafted: {changes} ({back}, then {filters} to see the draft)");
    }
    match command.command {
        Command::Follow => "the newest event is already on top".to_owned(),
        Command::Back => "nothing to close".to_owned(),
        Command::FocusFilters if state.overlays.is_empty() => {
            "the filters already have the focus".to_owned()
        }
        Command::Up | Command::HalfUp | Command::PageUp | Command::Top => {
            "already at the top".to_owned()
        }
        Command::Down | Command::HalfDown | Command::PageDown | Command::Bottom => {
            "already at the bottom".to_owned()
        }
        _ => no_effect_here(state, command),
    }
}

fn no_effect_here(state: &State, command: &DefaultBinding) -> String {
    let needs_rule = matches!(
        command.command,
        Command::DeleteRule | Command::RuleUp | Command::RuleDown
    );
    let is_size = matches!(
        command.command,
        Command::Wider | Command::Narrower | Command::Higher | Command::Lower
    );
    if is_size && state.zoomed {
        let zoom = state.key(Command::Zoom);
        return format!("the pane is zoomed: {zoom} leaves the zoom");
    }
    if is_size && state.overlays.is_empty() {
        return format!("the pane can't be made {} here", command.name);
    }
    if command.scope == Scope::Draft && state.draft.is_none() {
        return "no draft: change a filter first".to_owned();
    }
    if needs_rule && state.overlays.is_empty() {
        return match filters::selected_rule(state) {
            None => "move the cursor to a rule first".to_owned(),
            Some(_) => "the rule is already at that end".to_owned(),
        };
    }
    if !command.scope.includes(state.input_context()) {
        return format!("“{}” works {}", command.name, way_to(state, command.scope));
    }
    no_effect_of(state, command)
}

/// Why a command that works in this scope had no effect.
fn no_effect_of(state: &State, command: &DefaultBinding) -> String {
    let reset = state.key(Command::ResetLayout);
    match command.command {
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
            format!("the events pane is not visible: {zoom} shows it")
        }
        Command::Only => "move the cursor to an event type first".to_owned(),
        Command::All => "all event types are already on".to_owned(),
        Command::None => "all event types are already off".to_owned(),
        Command::Window if state.overlays.is_empty() => {
            let zoom = state.key(Command::Zoom);
            format!("the throughput pane is not visible: {zoom} or {reset} shows it")
        }
        Command::Zoom | Command::NextPane | Command::PreviousPane if state.overlays.is_empty() => {
            format!("no other pane is visible: {reset} shows them")
        }
        Command::Earlier | Command::Later => "no more times in that direction".to_owned(),
        Command::NextMatch | Command::PreviousMatch => {
            "no more events in that direction".to_owned()
        }
        Command::Fold => "nothing to fold on this line".to_owned(),
        Command::StoryUp | Command::StoryDown => "the history ends here".to_owned(),
        Command::FindProperty => "no property under the cursor".to_owned(),
        Command::Open => "already open".to_owned(),
        _ if !state.overlays.is_empty() => {
            let back = state.key(Command::Back);
            format!(
                "“{}” acts on the panes behind this view: {back} shows them",
                command.name
            )
        }
        _ => format!("“{}” has no effect here", command.name),
    }
}
