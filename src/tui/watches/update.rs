//! Key presses in the list of watches, and notifications when a rate is too high.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::filter::Condition;
use crate::tui::action::Effect;
use crate::tui::events::find::Find;
use crate::tui::events::list::EventList;
use crate::tui::events::update::follow;
use crate::tui::frame::focus::{Pane, PopupKind};
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::privacy::on_screen::ids_on_screen;
use crate::tui::state::State;
use crate::tui::watches::query::{Watch, WatchCount};
use crate::tui::watches::state::{WatchEditor, WatchField, WatchList};
use crate::tui::widget::list::moved;

/// Maximum watched conditions: each costs time on every event.
const MAX_WATCHES: usize = 20;

pub(crate) fn open(state: &mut State) -> Vec<Effect> {
    let mut list = WatchList::default();
    // The condition of the search is a likely watch.
    let condition = state.events.find.as_ref().filter(|f| f.is_condition());
    let is_watched = |find: &&Find| state.watches.iter().any(|w| w.when == find.text);
    if let Some(find) = condition.filter(|find| !is_watched(find)) {
        list.editor = Some(WatchEditor::new(&find.text));
    } else if state.watches.is_empty() {
        list.editor = Some(WatchEditor::new(""));
    }
    state.popup = Some(Popup::Watches(list));
    vec![Effect::Catalog]
}

pub(crate) fn type_key(
    state: &mut State,
    mut open: WatchList,
    command: Option<Command>,
    key: KeyEvent,
) -> Vec<Effect> {
    if let Some(editor) = open.editor.take() {
        return type_editor(state, open, editor, key);
    }
    let last = state.watches.len().saturating_sub(1);
    open.row = open.row.min(last);
    let does = match command {
        Some(Command::Back) => return Vec::new(),
        Some(Command::InPopup(does)) => Some(does),
        Some(command) => {
            open.row = moved(open.row, command, last).unwrap_or(open.row);
            None
        }
        None => None,
    };
    match does {
        Some(PopupCommand::New) if state.watches.len() < MAX_WATCHES => {
            open.editor = Some(WatchEditor::new(""));
        }
        Some(PopupCommand::New) => {
            let remove = Command::InPopup(PopupCommand::Remove);
            let remove = state.keymap.popup_key(remove, PopupKind::List);
            let message =
                format!("{MAX_WATCHES} conditions are watched, the maximum: {remove} removes one");
            state.notify_error(message);
        }
        Some(PopupCommand::Edit) => {
            open.editor = state.watches.get(open.row).map(|watch| WatchEditor {
                index: Some(open.row),
                above: Input::new(watch.above.map_or_else(String::new, |n| n.to_string())),
                name: Input::new(watch.name.clone()),
                ..WatchEditor::new(&watch.when)
            });
        }
        Some(PopupCommand::Remove) if open.row < state.watches.len() => {
            state.watches.remove(open.row);
            if open.row < state.watch_counts.len() {
                state.watch_counts.remove(open.row);
            }
            state.popup = Some(Popup::Watches(open));
            return vec![Effect::Remember];
        }
        Some(PopupCommand::Choose) => {
            if let Some(watch) = state.watches.get(open.row) {
                state.events.find = Find::condition(&watch.when);
                state.events.list = EventList::All;
                state.focus = Pane::Events;
                follow(state);
            }
            return Vec::new();
        }
        _ => {}
    }
    state.popup = Some(Popup::Watches(open));
    Vec::new()
}

fn type_editor(
    state: &mut State,
    mut list: WatchList,
    mut editor: WatchEditor,
    key: KeyEvent,
) -> Vec<Effect> {
    let event = TerminalEvent::Key(key);
    match key.code {
        KeyCode::Esc if state.watches.is_empty() => return Vec::new(),
        KeyCode::Esc => {
            state.popup = Some(Popup::Watches(list));
            return Vec::new();
        }
        KeyCode::Enter => match written(&editor) {
            Ok(watch) => {
                match editor.index {
                    Some(index) => {
                        // A changed condition has no counts yet.
                        if let Some(seen) = state.watch_counts.get_mut(index)
                            && state.watches[index].when != watch.when
                        {
                            *seen = WatchCount::default();
                        }
                        state.watches[index] = watch;
                    }
                    None => {
                        list.row = state.watches.len();
                        state.watches.push(watch);
                    }
                }
                state.notice = None;
                state.popup = Some(Popup::Watches(list));
                return vec![Effect::Remember];
            }
            Err(why) => state.notify_error(why),
        },
        _ if editor.field == WatchField::When
            && editor.when.type_key(key, &state.catalog, &state.conditions) =>
        {
            editor.check(&state.catalog);
        }
        KeyCode::Tab | KeyCode::Down => editor.field = editor.field.next(),
        KeyCode::BackTab | KeyCode::Up => editor.field = editor.field.next().next(),
        _ if editor.field == WatchField::Above => _ = editor.above.handle_event(&event),
        _ => _ = editor.name.handle_event(&event),
    }
    list.editor = Some(editor);
    state.popup = Some(Popup::Watches(list));
    Vec::new()
}

fn written(editor: &WatchEditor) -> Result<Watch, String> {
    let when = editor.when.value().trim();
    Condition::compile(when).map_err(|error| error.message)?;
    if let Some(advice) = editor.advice.as_ref().filter(|advice| advice.refuses) {
        return Err(advice.text.clone());
    }
    let above = editor.above.value().trim().trim_end_matches("/s").trim();
    let above = match above {
        "" => None,
        text => match text.parse::<f64>() {
            Ok(rate) if rate >= 0.0 && rate.is_finite() => Some(rate),
            _ => return Err("an alert is above a number of events a second, or none".to_owned()),
        },
    };
    Ok(Watch {
        when: when.to_owned(),
        name: editor.name.value().trim().to_owned(),
        above,
    })
}

/// Takes over new counts. Notifies the operator of each watch whose rate has just exceeded its
/// alert rate.
pub(crate) fn take_counts(state: &mut State, seen: Vec<WatchCount>) -> Vec<Effect> {
    // Counts from before a watch was removed are out of date.
    if seen.len() != state.watches.len() {
        return Vec::new();
    }
    let before = std::mem::replace(&mut state.watch_counts, seen);
    let mut effects = Vec::new();
    for (index, watch) in state.watches.iter().enumerate() {
        let was_over = before
            .get(index)
            .is_some_and(|old| watch.exceeds_alert(old));
        let now = &state.watch_counts[index];
        if watch.exceeds_alert(now) && !was_over {
            let (workspace, rate) = (&state.labels.workspace, now.rate());
            let message = format!("{workspace}: {rate:.1}/s match {}", watch.label());
            // Others can see notifications too.
            let message = match state.privacy {
                Some(privacy) => privacy.text(&message, &ids_on_screen(state)),
                None => message,
            };
            effects.push(Effect::Notify(message));
        }
    }
    effects
}
