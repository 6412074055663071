//! The saved searches, and the state of their list.

use serde::{Deserialize, Serialize};
use tui_input::Input;

/// A saved search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// The name. Empty: the text is its name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The text, as it is typed after `/`.
    pub text: String,
}

impl Search {
    /// The name, or the text of a search without one.
    pub fn label(&self) -> &str {
        match self.name.as_str() {
            "" => &self.text,
            name => name,
        }
    }
}

/// The list of saved searches.
#[derive(Debug, Default)]
pub struct SearchList {
    /// The row of the cursor.
    pub row: usize,
    /// The open editor.
    pub editor: Option<SearchEditor>,
}

/// The editor of a saved search.
#[derive(Debug)]
pub struct SearchEditor {
    /// The index of the edited search. None for a new one.
    pub index: Option<usize>,
    /// The name.
    pub name: Input,
    /// The text.
    pub text: Input,
    /// Whether the cursor is in the text instead of the name.
    pub in_text: bool,
}

impl SearchEditor {
    /// An editor for a search with this text. An empty text is asked for first, otherwise the name.
    pub fn new(index: Option<usize>, search: Search) -> Self {
        Self {
            index,
            in_text: search.text.is_empty(),
            name: Input::new(search.name),
            text: Input::new(search.text),
        }
    }
}
