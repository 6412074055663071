//! A field for a condition: completion from recent events, and recall of earlier texts.

use std::ops::Deref;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::filter::catalog::{Catalog, Completion};

/// Maximum texts kept for recall.
const RECALLED: usize = 200;

/// A field for a condition.
#[derive(Debug, Default)]
pub struct ConditionInput {
    input: Input,
    /// The completion at the cursor.
    pub menu: Option<Menu>,
    /// The index of the recalled text, and the text before the recall.
    recalled: Option<(usize, String)>,
}

/// The candidates of the completion.
#[derive(Debug, Clone, PartialEq)]
pub struct Menu {
    /// The candidates, and where they are inserted.
    pub completion: Completion,
    /// The inserted candidate.
    pub chosen: Option<usize>,
    /// The text before and after the cursor.
    written: (String, String),
}

impl Deref for ConditionInput {
    type Target = Input;

    fn deref(&self) -> &Input {
        &self.input
    }
}

impl ConditionInput {
    /// A field with this text.
    pub fn new(text: String) -> Self {
        Self {
            input: Input::new(text),
            ..Self::default()
        }
    }

    /// Handles a key. `before` are earlier texts, the newest first. Returns false for a key that
    /// leads to another field: Tab without a completion.
    pub fn type_key(&mut self, key: KeyEvent, catalog: &Catalog, before: &[String]) -> bool {
        match key.code {
            KeyCode::Tab if self.menu.is_some() => self.choose(1),
            KeyCode::BackTab if self.menu.as_ref().is_some_and(|m| m.chosen.is_some()) => {
                self.choose(-1);
            }
            KeyCode::Tab | KeyCode::BackTab => return false,
            KeyCode::Up => self.recall(before, 1),
            KeyCode::Down => self.recall(before, -1),
            _ => {
                self.input.handle_event(&TerminalEvent::Key(key));
                self.recalled = None;
                self.look_up(catalog);
            }
        }
        true
    }

    /// Finds the completion at the cursor.
    pub fn look_up(&mut self, catalog: &Catalog) {
        let value = self.input.value();
        let at = value
            .char_indices()
            .nth(self.input.cursor())
            .map_or(value.len(), |(at, _)| at);
        let (before, behind) = value.split_at(at);
        self.menu = catalog.complete(before).map(|completion| Menu {
            completion,
            chosen: None,
            written: (before.to_owned(), behind.to_owned()),
        });
    }

    /// Inserts the next or the previous candidate at the cursor.
    fn choose(&mut self, by: isize) {
        let Some(menu) = &mut self.menu else { return };
        let candidates = &menu.completion.candidates;
        let count = candidates.len().cast_signed();
        let next = match menu.chosen {
            Some(chosen) => (chosen.cast_signed() + by).rem_euclid(count),
            None => 0,
        };
        let next = next.cast_unsigned();
        let (before, behind) = &menu.written;
        let kept = &before[..menu.completion.start];
        let whole = format!("{kept}{}", candidates[next].text);
        let cursor = whole.chars().count();
        self.input = Input::new(whole + behind).with_cursor(cursor);
        menu.chosen = Some(next);
        if count == 1 {
            self.menu = None;
        }
    }

    /// Recalls an earlier text, or a later one, up to the text before the recall.
    fn recall(&mut self, before: &[String], by: isize) {
        self.menu = None;
        let (at, written) = match self.recalled.take() {
            Some((at, written)) => (at.checked_add_signed(by), written),
            None if by > 0 => (Some(0), self.input.value().to_owned()),
            None => return,
        };
        match at {
            Some(at) => {
                let at = at.min(before.len().saturating_sub(1));
                let text = before.get(at).unwrap_or(&written).clone();
                self.input = Input::new(text);
                self.recalled = Some((at, written));
            }
            None => self.input = Input::new(written),
        }
    }
}

/// Puts a text in front of the earlier ones.
pub(crate) fn remember(texts: &mut Vec<String>, text: &str) {
    texts.retain(|known| known != text);
    texts.insert(0, text.to_owned());
    texts.truncate(RECALLED);
}
