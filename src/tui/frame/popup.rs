//! Popups: one lies over the whole screen and gets all keys.

use tui_input::Input;

use crate::delivery::spool::dead_letters::DeadLetterSelection;
use crate::filter::Mode;
use crate::tui::compare::state::Compare;
use crate::tui::events::columns::state::ColumnChooser;
use crate::tui::events::find_prompt::FindPrompt;
use crate::tui::filters::conflict::state::Conflict;
use crate::tui::filters::editor::state::RuleEditor;
use crate::tui::filters::presets::state::{Presets, Prompt};
use crate::tui::frame::focus::PopupKind;
use crate::tui::input::help::state::Help;
use crate::tui::input::list_find::state::ListFind;
use crate::tui::input::palette::state::Palette;
use crate::tui::inspector::query::Inspected;
use crate::tui::searches::state::SearchList;
use crate::tui::tour::state::Tour;
use crate::tui::watches::state::WatchList;

/// The open popup.
#[derive(Debug)]
pub enum Popup {
    /// The help.
    Help(Help),
    /// A question with yes and no.
    Confirm(Confirm),
    /// The rule editor.
    Rule(Box<RuleEditor>),
    /// The prompt for the search.
    Find(FindPrompt),
    /// The palette of commands.
    Palette(Palette),
    /// The history of the filters, scrolled by this number of lines.
    History(usize),
    /// The choice of a format to copy: of this event of a row, or else of what is open.
    Copy(Option<Box<Inspected>>),
    /// The choice of what to exclude like this event of a row.
    Exclude(Box<Inspected>),
    /// The prompt for the duration of a temporary change.
    ForTime(Input),
    /// The list of presets.
    Presets(Presets),
    /// The prompt for a time to go to.
    GoTo(Input),
    /// The prompt for a question: why events did not arrive.
    Why(Input),
    /// The choice of events to export.
    Export,
    /// The list of watched conditions.
    Watches(WatchList),
    /// The saved searches.
    Searches(SearchList),
    /// The prompt that moves the cursor of a list to a row with a text.
    ListFind(ListFind),
    /// The chooser of the columns of the events.
    Columns(ColumnChooser),
    /// The comparison of two events or ranges.
    Compare(Box<Compare>),
    /// A draft whose filters somebody else has changed.
    Conflict(Conflict),
    /// The tour of the demo.
    Tour(Tour),
}

impl Popup {
    /// The kind of the popup, which decides on the meaning of keys.
    pub fn kind(&self) -> PopupKind {
        match self {
            Self::Help(help) if !help.is_searching => PopupKind::Help,
            Self::Confirm(_) => PopupKind::Question,
            Self::History(_) => PopupKind::History,
            Self::Copy(_) => PopupKind::Copy,
            Self::Exclude(_) => PopupKind::Exclude,
            Self::Conflict(_) => PopupKind::Conflict,
            Self::Export => PopupKind::Export,
            Self::Presets(open) => match open.prompt {
                Some(Prompt::Name(_)) => PopupKind::Text,
                Some(Prompt::Delete(_)) => PopupKind::Question,
                None => PopupKind::List,
            },
            Self::Watches(WatchList { editor: None, .. })
            | Self::Searches(SearchList { editor: None, .. }) => PopupKind::List,
            Self::Columns(ColumnChooser { field: None, .. }) => PopupKind::Columns,
            Self::Compare(_) => PopupKind::Compare,
            // The tour takes its keys before all others.
            _ => PopupKind::Text,
        }
    }
}

/// A question. Each variant names the action of the answer "yes".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirm {
    /// Set the mode of the gate.
    Gate(Mode),
    /// Resume a halted delivery.
    Resume,
    /// Retry the selected dead letters, with their number.
    RetryDeadLetters(DeadLetterSelection, u64),
    /// Discard the selected dead letters, with their number.
    DiscardDeadLetters(DeadLetterSelection, u64),
    /// Quit the program.
    Quit,
}
