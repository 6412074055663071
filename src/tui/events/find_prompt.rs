//! The prompt for a search, with completion and earlier searches as in the rule editor.

use crate::filter::advice::{Advice, check};
use crate::filter::catalog::Catalog;
use crate::tui::events::find::{Find, FindError};
use crate::tui::widget::condition_input::ConditionInput;

/// The prompt for a search.
#[derive(Debug, Default)]
pub struct FindPrompt {
    /// The text.
    pub text: ConditionInput,
    /// The kind of a valid search: text, condition or regular expression.
    pub kind: Option<String>,
    /// The reason why the text is no valid search.
    pub error: Option<FindError>,
    /// Advice on a valid condition.
    pub advice: Option<Advice>,
    /// The search before the prompt was opened.
    pub(super) before: Option<Find>,
}

impl FindPrompt {
    /// A prompt that begins with the text of the active search.
    pub fn new(active: Option<&Find>) -> Self {
        let text = active.map_or_else(String::new, |find| find.text.clone());
        let mut prompt = Self {
            text: ConditionInput::new(text),
            before: active.cloned(),
            ..Self::default()
        };
        prompt.parse();
        prompt
    }

    /// Reads the text. Returns the search, unless it is not valid.
    pub(super) fn parse(&mut self) -> Option<Find> {
        let find = Find::parse(self.text.value());
        self.kind = find.as_ref().map(|find| find.kind().to_owned());
        self.error = find.as_ref().and_then(|find| find.error().cloned());
        find
    }

    /// Checks a condition against the events of the catalog.
    pub fn check(&mut self, catalog: &Catalog) {
        let is_condition = self.kind.as_deref() == Some("condition");
        let text = self.text.value();
        self.advice = is_condition.then(|| check(text, catalog).1).flatten();
    }
}
