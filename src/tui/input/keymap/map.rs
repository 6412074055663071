//! The key bindings of a run: the defaults, with the changes of the configuration.

use std::collections::BTreeMap;
use std::ops::Deref;

use crossterm::event::KeyEvent;
use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::tui::frame::focus::{InputContext, Pane, PopupKind};
use crate::tui::input::keymap::binding::DefaultBinding;
use crate::tui::input::keymap::binding::Scope;
use crate::tui::input::keymap::binding::Scope::Anywhere;
use crate::tui::input::keymap::command::Command;
use crate::tui::input::keymap::error::{KeyError, unknown};
use crate::tui::input::keymap::key_name::{canonical, name_of};
use crate::tui::input::keymap::popup_table::POPUP_KEYS;
use crate::tui::input::keymap::synonyms::synonyms;
use crate::tui::input::keymap::table::KEYS;

/// The score of a letter in a synonym: between that of a letter in a help text and in a name.
const SYNONYM_LETTER: u32 = 30;

/// A command with its keys.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The keys, as the help writes them.
    pub keys: Vec<String>,
    default: &'static DefaultBinding,
}

impl Deref for Binding {
    type Target = DefaultBinding;

    fn deref(&self) -> &DefaultBinding {
        self.default
    }
}

/// All key bindings.
#[derive(Debug, Clone)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Default for Keymap {
    /// The default keys.
    fn default() -> Self {
        let binding = |default: &'static DefaultBinding| Binding {
            keys: default.keys.iter().map(|key| (*key).to_owned()).collect(),
            default,
        };
        Self {
            bindings: KEYS.iter().chain(POPUP_KEYS).map(binding).collect(),
        }
    }
}

impl Keymap {
    /// The default keys, with other keys for the commands that `own` names. Returns all errors in
    /// `own`.
    pub fn with(own: &BTreeMap<String, Vec<String>>) -> Result<Self, Vec<KeyError>> {
        let mut map = Self::default();
        let mut wrong = Vec::new();
        for (name, keys) in own {
            let Some(binding) = map.bindings.iter_mut().find(|b| b.name == name) else {
                wrong.push(unknown(name));
                continue;
            };
            binding.keys.clear();
            for key in keys {
                match canonical(key) {
                    Some(key) => binding.keys.push(key),
                    None => wrong.push(KeyError::NoKey {
                        name: name.clone(),
                        key: key.clone(),
                    }),
                }
            }
        }
        wrong.extend(map.conflicts(own));
        // There must always be a key to quit.
        let quit = map.bindings.iter_mut().find(|b| b.command == Command::Quit);
        if let Some(quit) = quit.filter(|quit| !quit.keys.iter().any(|key| key == "Ctrl-c")) {
            quit.keys.push("Ctrl-c".to_owned());
        }
        if wrong.is_empty() {
            Ok(map)
        } else {
            Err(wrong)
        }
    }

    /// Keys that are bound twice in one scope. The error names the command that `own` names.
    fn conflicts(&self, own: &BTreeMap<String, Vec<String>>) -> Vec<KeyError> {
        let mut found = Vec::new();
        for (index, one) in self.bindings.iter().enumerate() {
            for other in &self.bindings[index + 1..] {
                if one.scope != other.scope || one.command == other.command {
                    continue;
                }
                let is_digit = |key: &str| key.len() == 1 && ("1"..="9").contains(&key);
                let shared = one.keys.iter().find(|key| {
                    let rules = other.command == Command::Rule(0) && is_digit(key);
                    other.keys.contains(key) || rules
                });
                let (mine, theirs) = if own.contains_key(other.name) {
                    (other, one)
                } else {
                    (one, other)
                };
                found.extend(shared.map(|key| KeyError::Taken {
                    name: mine.name.to_owned(),
                    key: key.clone(),
                    other: theirs.name.to_owned(),
                }));
            }
        }
        found
    }

    /// All bindings, in the order of the help.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// The first key of a command, for a message. The name of the command if it has no key.
    pub fn key(&self, does: Command) -> &str {
        let binding = self.bindings.iter().find(|b| b.command == does);
        match binding {
            Some(binding) => binding.keys.first().map_or(binding.name, String::as_str),
            None => "",
        }
    }

    /// The command of a key in a context, if it has one.
    pub fn look_up(&self, key: KeyEvent, context: InputContext) -> Option<Command> {
        let name = name_of(key)?;
        if let Some(digit) = name.parse::<u8>().ok().filter(|d| *d > 0) {
            return Some(Command::Rule(digit));
        }
        let bound = |b: &&Binding| b.scope.includes(context) && b.keys.contains(&name);
        let all = self.bindings.iter().filter(bound);
        all.min_by_key(|b| b.scope.rank()).map(|b| b.command)
    }

    /// The command of a key in a popup, if it has one. Lists move by the keys that move everywhere.
    pub fn look_up_in_popup(&self, key: KeyEvent, kind: PopupKind) -> Option<Command> {
        let name = name_of(key)?;
        let bound = |scope| {
            let mut bound = self.bindings.iter();
            let bound = bound.find(|b| b.scope == scope && b.keys.contains(&name));
            bound.map(|b| b.command)
        };
        let moves = |command: &Command| {
            matches!(
                command,
                Command::Up
                    | Command::Down
                    | Command::HalfUp
                    | Command::HalfDown
                    | Command::PageUp
                    | Command::PageDown
                    | Command::Top
                    | Command::Bottom
                    | Command::Back
            )
        };
        match kind {
            PopupKind::Text => bound(Scope::Popup(kind)),
            _ => bound(Scope::Popup(kind)).or_else(|| bound(Anywhere).filter(moves)),
        }
    }

    /// The first key of a command in a popup, for a message. The name of the command if it has no
    /// key.
    pub fn popup_key(&self, does: Command, kind: PopupKind) -> &str {
        let in_popup = |b: &&Binding| b.command == does && b.scope == Scope::Popup(kind);
        match self.bindings.iter().find(in_popup) {
            Some(binding) => binding.keys.first().map_or(binding.name, String::as_str),
            None => self.key(does),
        }
    }

    /// Keys of a popup with their footers, for its title: `Enter finds, r new`.
    pub fn popup_hints(&self, kind: PopupKind, commands: &[Command]) -> String {
        let hint = |does: &Command| {
            let in_popup = |b: &&Binding| b.command == *does && b.scope == Scope::Popup(kind);
            let binding = self.bindings.iter().find(in_popup)?;
            Some(format!("{} {}", binding.keys.first()?, binding.footer))
        };
        let hints: Vec<String> = commands.iter().filter_map(hint).collect();
        hints.join(", ")
    }

    /// The bindings that the footer lists in a context, the narrowest scope first.
    pub fn footer(&self, context: InputContext) -> Vec<&Binding> {
        let is_free = context.overlay.is_none();
        let here = self.bindings.iter().filter(|b| b.scope.includes(context));
        let mut all: Vec<&Binding> = here.filter(|b| !b.keys.is_empty()).collect();
        all.sort_by_key(|b| b.scope.rank());
        // If several scopes bind a key, only the narrowest counts.
        let mut taken: Vec<&String> = Vec::new();
        all.retain(|b| {
            let is_new = !taken.contains(&&b.keys[0]);
            taken.extend(&b.keys);
            is_new
        });
        let among_filters = is_free && context.pane == Pane::Filters;
        let is_of_use =
            |does| !(among_filters && matches!(does, Command::Open | Command::FocusFilters));
        all.retain(|b| {
            let is_listed = is_free || b.scope != Anywhere || b.command == Command::Help;
            !b.footer.is_empty() && is_listed && is_of_use(b.command)
        });
        all
    }

    /// The commands whose name or help match `letters`, the best match first. Without letters:
    /// all commands, those that work in the context first.
    pub fn palette(&self, letters: &str, context: InputContext) -> Vec<&Binding> {
        let rank = |b: &Binding| (!b.scope.includes(context), b.scope.rank());
        let mut all: Vec<&Binding> = Vec::new();
        for binding in &self.bindings {
            let is_offered = !matches!(binding.command, Command::Rule(_) | Command::Palette);
            if !is_offered || matches!(binding.scope, Scope::Popup(_)) {
                continue;
            }
            // A command that is bound in several scopes appears once, with its key here.
            match all.iter_mut().find(|b| b.command == binding.command) {
                Some(other) if rank(binding) < rank(other) => *other = binding,
                Some(_) => {}
                None => all.push(binding),
            }
        }
        all.sort_by_key(|b| rank(b));
        let pattern = Pattern::new(
            letters,
            CaseMatching::Ignore,
            Normalization::Smart,
            AtomKind::Fuzzy,
        );
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut score = |text: &str| pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher);
        let mut found: Vec<(u32, &Binding)> = all
            .into_iter()
            .filter_map(|b| {
                // A match in the name counts more than one in the help. A synonym counts only if it
                // begins with the letters: it is what the operator calls the command.
                let by_name = score(b.name).map(|score| score * 2);
                let by_synonym = synonyms(b.command)
                    .split_whitespace()
                    .any(|word| !letters.is_empty() && word.starts_with(&letters.to_lowercase()));
                let by_synonym = by_synonym.then_some(SYNONYM_LETTER * letters.len() as u32);
                let by_help = score(b.help);
                Some((by_name.max(by_synonym).max(by_help)?, b))
            })
            .collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.into_iter().map(|(_, binding)| binding).collect()
    }
}

#[cfg(test)]
mod tests;
