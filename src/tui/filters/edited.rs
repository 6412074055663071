//! The filters that the operator edits, and what they were made from.

use std::sync::Arc;

use crate::filter::Filters;
use crate::filter::change::changes;
use crate::filter::rebase::rebase;
use crate::protocol::VersionedFilters;
use crate::tui::frame::popup::Popup;
use crate::tui::state::State;

impl State {
    /// The filters that the operator edits: the draft, or else the active filters.
    pub fn edited(&self) -> &Filters {
        self.draft
            .as_ref()
            .map_or(&self.filters, |draft| &draft.filters)
    }

    /// The filters in force with their version: what a change is made from.
    pub fn versioned_filters(&self) -> VersionedFilters {
        VersionedFilters {
            version: self.filters_version,
            filters: Arc::new(self.filters.clone()),
        }
    }

    /// The filters that the draft was made from, or else the active filters.
    pub fn edited_from(&self) -> &Filters {
        self.draft
            .as_ref()
            .map_or(&self.filters, |draft| &draft.base.filters)
    }

    /// Whether the filters were changed since the draft was opened.
    pub fn has_outdated_draft(&self) -> bool {
        let base = self.draft.as_ref().map(|draft| draft.base.version);
        base.is_some_and(|base| base != self.filters_version)
    }

    /// The filters as they would be after applying now: the draft, with the rule in the editor, and with
    /// what others changed since it was opened. None if that changes nothing.
    pub fn proposed(&self) -> Option<Filters> {
        let editor = match &self.popup {
            Some(Popup::Rule(editor)) => Some(editor),
            _ => None,
        };
        let (base, mut proposed) = match (&self.draft, editor) {
            (Some(draft), _) => (&draft.base, draft.filters.clone()),
            (None, Some(editor)) => (&editor.base, Filters::clone(&editor.base.filters)),
            (None, None) => return None,
        };
        if let Some(editor) = editor {
            editor.put_into(&mut proposed).ok()?;
        }
        if base.version != self.filters_version {
            proposed = rebase(&base.filters, &proposed, &self.filters);
        }
        (!changes(&self.filters, &proposed).is_empty()).then_some(proposed)
    }
}
