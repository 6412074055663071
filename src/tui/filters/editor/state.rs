//! The state of the rule editor: fields, completion of the condition, and recall of earlier conditions.

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use crate::filter::advice::{Advice, check};
use crate::filter::catalog::Catalog;
use crate::filter::{CompileError, Condition, Filters, Rule, RuleEffect};
use crate::protocol::VersionedFilters;
use crate::tui::widget::condition_input::ConditionInput;

/// The rule editor.
#[derive(Debug)]
pub struct RuleEditor {
    /// The filters in force when the editor was opened, which a new draft is made from.
    pub base: VersionedFilters,
    /// The index of the edited rule. None for a new rule.
    pub index: Option<usize>,
    /// The name.
    pub name: Input,
    /// The effect.
    pub effect: RuleEffect,
    /// The condition.
    pub when: ConditionInput,
    /// The sample: the share of persons, in percent.
    pub sample: Input,
    /// The note: the purpose of the rule.
    pub note: Input,
    /// The field with the cursor.
    pub field: RuleField,
    /// The error in the condition.
    pub error: Option<CompileError>,
    /// Advice on a condition that compiles.
    pub advice: Option<Advice>,
}

/// A field of the rule editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleField {
    /// The name.
    Name,
    /// The effect.
    Effect,
    /// The condition.
    When,
    /// The sample.
    Sample,
    /// The note.
    Note,
}

/// The fields from top to bottom.
const FIELDS: [RuleField; 5] = [
    RuleField::Name,
    RuleField::Effect,
    RuleField::When,
    RuleField::Sample,
    RuleField::Note,
];

/// The reason why a rule can't be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The field with the error.
    pub field: RuleField,
    /// The error.
    pub why: String,
}

impl RuleEditor {
    /// An editor for a new rule.
    pub fn new(name: String, effect: RuleEffect, when: String) -> Self {
        let rule = Rule::new(name, effect, when);
        Self {
            index: None,
            ..Self::of(0, &rule)
        }
    }

    /// An editor for an existing rule.
    pub fn of(index: usize, rule: &Rule) -> Self {
        Self {
            base: VersionedFilters::default(),
            index: Some(index),
            name: Input::new(rule.name.clone()),
            effect: rule.effect,
            when: ConditionInput::new(rule.when.clone()),
            sample: Input::new(rule.sample.to_string()),
            note: Input::new(rule.note.clone()),
            field: RuleField::When,
            error: Condition::compile(&rule.when).err(),
            advice: None,
        }
    }

    /// Handles a key. `before` are earlier conditions, the newest first.
    pub fn type_key(&mut self, key: KeyEvent, catalog: &Catalog, before: &[String]) {
        let taken = self.field == RuleField::When && self.when.type_key(key, catalog, before);
        match key.code {
            _ if taken => {}
            KeyCode::Tab | KeyCode::Down => self.turn(1),
            KeyCode::BackTab | KeyCode::Up => self.turn(FIELDS.len() - 1),
            _ => self.type_into_field(key),
        }
        self.check(catalog);
    }

    /// Checks the condition, also against the events of the catalog.
    pub fn check(&mut self, catalog: &Catalog) {
        (self.error, self.advice) = check(self.when.value(), catalog);
    }

    fn type_into_field(&mut self, key: KeyEvent) {
        let event = TerminalEvent::Key(key);
        match self.field {
            RuleField::Name => _ = self.name.handle_event(&event),
            RuleField::Sample => _ = self.sample.handle_event(&event),
            RuleField::Note => _ = self.note.handle_event(&event),
            RuleField::When => {}
            RuleField::Effect => {
                let changes = matches!(
                    key.code,
                    KeyCode::Char(' ') | KeyCode::Left | KeyCode::Right
                );
                self.effect = match (changes, self.effect) {
                    (true, RuleEffect::Exclude) => RuleEffect::Include,
                    (true, RuleEffect::Include) => RuleEffect::Exclude,
                    (false, effect) => effect,
                };
            }
        }
    }

    fn turn(&mut self, by: usize) {
        let at = FIELDS.iter().position(|f| *f == self.field).unwrap_or(0);
        self.field = FIELDS[(at + by) % FIELDS.len()];
        self.when.menu = None;
    }

    /// Puts the rule into `filters`: in the place of the edited rule, or at the end. Returns its
    /// index.
    pub fn put_into(&self, filters: &mut Filters) -> Result<usize, Refusal> {
        let refuse = |field, why: &str| {
            let why = why.to_owned();
            Err(Refusal { field, why })
        };
        if self.error.is_some() {
            return refuse(
                RuleField::When,
                "the condition does not compile: rule not applied",
            );
        }
        if let Some(advice) = self.advice.as_ref().filter(|advice| advice.refuses) {
            return refuse(RuleField::When, &advice.text);
        }
        let sample = self.sample.value().trim().trim_end_matches('%').trim();
        let sample = sample.parse::<f64>().ok();
        let Some(sample) = sample.filter(|s| *s > 0.0 && *s <= 100.0) else {
            return refuse(
                RuleField::Sample,
                "the sample must be a percentage over 0 and up to 100",
            );
        };
        let name = self.name.value().trim().to_owned();
        let mut rules = filters.rules.iter().enumerate();
        if name.is_empty() || rules.any(|(i, r)| Some(i) != self.index && r.name == name) {
            return refuse(
                RuleField::Name,
                "the rule needs a name that no other rule has",
            );
        }
        let when = self.when.value().trim();
        let rule = Rule {
            sample,
            note: self.note.value().trim().to_owned(),
            ..Rule::new(name, self.effect, when)
        };
        match self.index.filter(|index| *index < filters.rules.len()) {
            Some(index) => {
                let on = filters.rules[index].on;
                filters.rules[index] = Rule { on, ..rule };
                Ok(index)
            }
            None => {
                filters.rules.push(rule);
                Ok(filters.rules.len() - 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;
    use crate::amplitude::frame::tests_support::event;

    fn catalog() -> Catalog {
        let mut catalog = Catalog::default();
        for plan in ["pro", "pro", "free"] {
            catalog.add(&event(&format!(
                r#"{{"event_type":"A","event_properties":{{"plan":"{plan}"}}}}"#
            )));
        }
        catalog
    }

    fn typed(editor: &mut RuleEditor, keys: &str) -> String {
        let before = ["has_user".to_owned(), "size_bytes > 3".to_owned()];
        for c in keys.chars() {
            let code = match c {
                '\t' => KeyCode::Tab,
                '⇤' => KeyCode::BackTab,
                '↑' => KeyCode::Up,
                '↓' => KeyCode::Down,
                '←' => KeyCode::Left,
                c => KeyCode::Char(c),
            };
            let key = KeyEvent::new(code, KeyModifiers::NONE);
            editor.type_key(key, &catalog(), &before);
        }
        editor.when.value().to_owned()
    }

    fn new() -> RuleEditor {
        RuleEditor::new("rule 1".to_owned(), RuleEffect::Exclude, String::new())
    }

    #[test]
    fn tab_completes_while_there_is_something_to_complete_and_then_goes_on() {
        let mut editor = new();
        assert_eq!(typed(&mut editor, "event_p\t"), "event_properties");
        assert_eq!(typed(&mut editor, ".pl\t"), "event_properties.plan");
        assert_eq!(
            typed(&mut editor, " == \t"),
            r#"event_properties.plan == "pro""#
        );
        assert_eq!(
            typed(&mut editor, "\t"),
            r#"event_properties.plan == "free""#
        );
        assert_eq!(typed(&mut editor, "⇤"), r#"event_properties.plan == "pro""#);
        assert_eq!(editor.error, None);
        // The text after the cursor stays.
        typed(&mut editor, " && has_user");
        assert_eq!(editor.when.menu, None);
        typed(&mut editor, "\t");
        assert_eq!(editor.field, RuleField::Sample);
        typed(&mut editor, "⇤⇤");
        assert_eq!(editor.field, RuleField::Effect);
    }

    #[test]
    fn a_completion_in_the_middle_keeps_what_is_behind_it() {
        let mut editor = new();
        assert_eq!(typed(&mut editor, " == 3←←←←←size_b\t"), "size_bytes == 3");
        assert_eq!(editor.when.cursor(), "size_bytes".len());
    }

    #[test]
    fn arrows_recall_what_was_written_before_and_come_back_to_what_is_written() {
        let mut editor = new();
        typed(&mut editor, "mine");
        assert_eq!(typed(&mut editor, "↑"), "has_user");
        assert_eq!(editor.error, None);
        assert_eq!(typed(&mut editor, "↑"), "size_bytes > 3");
        assert_eq!(typed(&mut editor, "↑"), "size_bytes > 3");
        assert_eq!(typed(&mut editor, "↓"), "has_user");
        assert_eq!(typed(&mut editor, "↓"), "mine");
        assert_eq!(typed(&mut editor, "↓"), "mine");
    }
}
