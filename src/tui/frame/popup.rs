//! Popups: one lies over the whole screen and gets all keys.

use tui_input::Input;

use crate::delivery::spool::dead_letters::DeadLetterSelection;
use crate::filter::Mode;
use crate::tui::filters::editor::state::RuleEditor;
use crate::tui::filters::presets::state::Presets;
use crate::tui::input::palette::state::Palette;
use crate::tui::watches::state::WatchList;

/// The open popup.
#[derive(Debug)]
pub enum Popup {
    /// The help, scrolled by this number of lines.
    Help(usize),
    /// A question with yes and no.
    Confirm(Confirm),
    /// The rule editor.
    Rule(Box<RuleEditor>),
    /// The prompt for the search.
    Find(Input),
    /// The palette of commands.
    Palette(Palette),
    /// The history of the filters, scrolled by this number of lines.
    History(usize),
    /// The choice of a format to copy.
    Copy,
    /// The prompt for the duration of a temporary change.
    ForTime(Input),
    /// The list of presets.
    Presets(Presets),
    /// The prompt for a time to go to.
    GoTo(Input),
    /// The choice of events to export.
    Export,
    /// The list of watched conditions.
    Watches(WatchList),
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
