//! Conditions that are watched: which, and what is said when one is met too often.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::filter::Condition;
use crate::tui::action::Effect;
use crate::tui::events::find::Find;
use crate::tui::events::update::follow;
use crate::tui::frame::focus::Pane;
use crate::tui::frame::popup::Popup;
use crate::tui::privacy::on_screen::ids_on_screen;
use crate::tui::state::State;
use crate::tui::watches::query::{Seen, Watch};
use crate::tui::watches::state::{WatchEditor, WatchList};
use crate::tui::widget::list::stepped;

/// So many conditions can be watched: each costs its time on every event.
const MOST: usize = 20;

pub(crate) fn open(state: &mut State) {
    let mut list = WatchList::default();
    // What is looked for is what one wants to watch.
    let condition = state.events.find.as_ref().filter(|f| f.is_condition());
    let is_watched = |find: &&Find| state.watches.iter().any(|w| w.when == find.text);
    if let Some(find) = condition.filter(|find| !is_watched(find)) {
        list.editor = Some(WatchEditor::new(&find.text));
    } else if state.watches.is_empty() {
        list.editor = Some(WatchEditor::new(""));
    }
    state.popup = Some(Popup::Watches(list));
}

pub(crate) fn type_key(state: &mut State, mut open: WatchList, key: KeyEvent) -> Vec<Effect> {
    if let Some(editor) = open.editor.take() {
        return type_editor(state, open, editor, key);
    }
    let last = state.watches.len().saturating_sub(1);
    open.row = open.row.min(last);
    match key.code {
        KeyCode::Esc | KeyCode::Char('q') => return Vec::new(),
        KeyCode::Up | KeyCode::Char('k') => open.row = stepped(open.row, -1, last),
        KeyCode::Down | KeyCode::Char('j') => open.row = stepped(open.row, 1, last),
        KeyCode::Char('n' | 'r') if state.watches.len() < MOST => {
            open.editor = Some(WatchEditor::new(""));
        }
        KeyCode::Char('n' | 'r') => {
            let says = format!("{MOST} conditions are watched, which is the most: D drops one");
            state.refuse(says);
        }
        KeyCode::Char('e') => {
            open.editor = state.watches.get(open.row).map(|watch| WatchEditor {
                index: Some(open.row),
                above: Input::new(watch.above.map_or_else(String::new, |n| n.to_string())),
                ..WatchEditor::new(&watch.when)
            });
        }
        KeyCode::Char('D') | KeyCode::Delete if open.row < state.watches.len() => {
            state.watches.remove(open.row);
            if open.row < state.seen.len() {
                state.seen.remove(open.row);
            }
            state.popup = Some(Popup::Watches(open));
            return vec![Effect::Remember];
        }
        KeyCode::Enter => {
            if let Some(watch) = state.watches.get(open.row) {
                state.events.find = Find::condition(&watch.when);
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
                        // Another condition has seen nothing yet.
                        if let Some(seen) = state.seen.get_mut(index)
                            && state.watches[index].when != watch.when
                        {
                            *seen = Seen::default();
                        }
                        state.watches[index] = watch;
                    }
                    None => {
                        list.row = state.watches.len();
                        state.watches.push(watch);
                    }
                }
                state.message = None;
                state.popup = Some(Popup::Watches(list));
                return vec![Effect::Remember];
            }
            Err(why) => state.refuse(why),
        },
        KeyCode::Tab | KeyCode::BackTab | KeyCode::Up | KeyCode::Down => {
            editor.in_above = !editor.in_above;
        }
        _ if editor.in_above => _ = editor.above.handle_event(&event),
        _ => {
            editor.when.handle_event(&event);
            editor.error = Condition::compile(editor.when.value()).err();
        }
    }
    list.editor = Some(editor);
    state.popup = Some(Popup::Watches(list));
    Vec::new()
}

fn written(editor: &WatchEditor) -> Result<Watch, String> {
    let when = editor.when.value().trim();
    Condition::compile(when).map_err(|error| error.message)?;
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
        above,
    })
}

/// What the watches have seen. One that is met too often from now on is told, on the terminal's
/// bell too.
pub(crate) fn seen(state: &mut State, seen: Vec<Seen>) -> Vec<Effect> {
    // What was asked before a watch was dropped is of no use.
    if seen.len() != state.watches.len() {
        return Vec::new();
    }
    let before = std::mem::replace(&mut state.seen, seen);
    let mut effects = Vec::new();
    for (index, watch) in state.watches.iter().enumerate() {
        let was_over = before.get(index).is_some_and(|old| watch.is_over(old));
        let now = &state.seen[index];
        if watch.is_over(now) && !was_over {
            let (workspace, rate) = (&state.labels.workspace, now.rate());
            let says = format!("{workspace}: {rate:.1} a second meet {}", watch.when);
            // A notification is seen by whoever sees the screen.
            let says = match state.privacy {
                Some(privacy) => privacy.text(&says, &ids_on_screen(state)),
                None => says,
            };
            effects.push(Effect::Notify(says));
        }
    }
    effects
}
