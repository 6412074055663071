//! What is open over the whole screen.

use tui_input::Input;

use crate::delivery::spool::dead_letters::DeadLetterSelection;
use crate::filter::Mode;
use crate::tui::filters::editor::state::RuleEditor;
use crate::tui::filters::presets::state::Presets;
use crate::tui::input::palette::state::Palette;
use crate::tui::watches::state::WatchList;

/// What is open over everything.
#[derive(Debug)]
pub enum Popup {
    /// The keys, scrolled by so many lines.
    Help(usize),
    /// A question.
    Confirm(Confirm),
    /// A rule that is written.
    Rule(Box<RuleEditor>),
    /// What to find.
    Find(Input),
    /// All that can be done, to be found by a few letters.
    Palette(Palette),
    /// What was changed of the filters, scrolled by so many lines.
    History(usize),
    /// What to copy.
    Copy,
    /// For how long the draft is put in force.
    ForTime(Input),
    /// The presets.
    Presets(Presets),
    /// To which time to go.
    GoTo(Input),
    /// Which events to write to a file.
    Export,
    /// The conditions that are watched.
    Watches(WatchList),
}

/// A question, and what is done if the answer is yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirm {
    /// Open the gate, shut it, or go into dry run.
    Gate(Mode),
    /// Try a halted delivery again.
    Resume,
    /// Try so many dead letters again.
    RetryDeadLetters(DeadLetterSelection, u64),
    /// Discard so many dead letters.
    DiscardDeadLetters(DeadLetterSelection, u64),
    /// Leave the program.
    Quit,
}
