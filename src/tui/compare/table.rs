//! The table of a comparison: sections of rows with two values each.

/// The differences of two events or ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// The names of both.
    pub names: [String; 2],
    /// Sentences about what is not counted.
    pub notes: Vec<String>,
    /// The sections.
    pub sections: Vec<Section>,
    /// Whether rows name the change from the first value to the second.
    pub has_changes: bool,
}

/// Rows under a title.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// The title.
    pub title: String,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A row with two values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// What the values are of.
    pub label: String,
    /// Both values. An empty one is missing.
    pub values: [String; 2],
    /// The change from the first to the second.
    pub change: String,
    /// Whether the row is emphasized.
    pub is_different: bool,
}

impl Row {
    /// A row that is emphasized if its values differ.
    pub(crate) fn new(label: impl Into<String>, values: [String; 2]) -> Self {
        Self {
            label: label.into(),
            is_different: values[0] != values[1],
            values,
            change: String::new(),
        }
    }

    /// The row with a change.
    pub(crate) fn with_change(self, change: String) -> Self {
        Self { change, ..self }
    }
}

impl Table {
    /// Number of lines: the notes, and the sections with their titles and an empty line between two.
    pub fn lines(&self) -> usize {
        let sections = self.sections.iter().map(|section| section.rows.len() + 2);
        self.notes.len() + sections.sum::<usize>().saturating_sub(1)
    }
}
