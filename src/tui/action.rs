//! Actions: all inputs of the screen. Effects: all requests of the screen to the shell.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};
use ulid::Ulid;

use crate::config::Theme;
use crate::delivery::spool::dead_letters::{DeadLetter, DeadLetterGroup, DeadLetterSelection};
use crate::filter::Filters;
use crate::filter::catalog::Catalog;
use crate::filter::preview::Preview;
use crate::limits::Code;
use crate::protocol::{
    Applied, Command as PipelineCommand, FiltersConflict, Record, Snapshot, VersionedFilters,
};
use crate::tui::audit::state::Finding;
use crate::tui::customerio::about::AskedAbout;
use crate::tui::customerio::query::CustomerIoAnswer;
use crate::tui::detail::state::Followed;
use crate::tui::events::export::{Events, Exported};
use crate::tui::events::page::Page;
use crate::tui::events::seek::Seek;
use crate::tui::inspector::query::Inspected;
use crate::tui::limits::query::Breakdown;
use crate::tui::person::query::{Identity, Summary};
use crate::tui::properties::query::Properties;
use crate::tui::range::query::Figures;
use crate::tui::range::time_range::TimeRange;
use crate::tui::row::kind::RowAction;
use crate::tui::row::retried_event::RetriedEvent;
use crate::tui::watches::query::WatchCount;
use crate::tui::why::query::Answer;

/// An input of the screen.
#[derive(Debug, Clone)]
pub enum Action {
    /// A key was pressed.
    Key(KeyEvent),
    /// A mouse event.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal was resized to these columns and rows.
    Resized(u16, u16),
    /// A new snapshot of the pipeline.
    Snapshot(Arc<Snapshot>),
    /// New rows of the events pane.
    Page(Page),
    /// The inspected event and its request. None if the event has left the ring.
    Inspected(Option<Box<Inspected>>),
    /// The event of a row, for an action. None if the event has left the ring.
    Loaded(RowAction, Option<Box<Inspected>>),
    /// The two events of a comparison. None if one of them has left the ring.
    PairLoaded([u64; 2], Option<Box<[Record; 2]>>),
    /// The event for the detail pane. None if the list has no event.
    Followed(Option<Followed>),
    /// The result of a command of this kind.
    Applied(CommandKind, Result<Applied, CommandFailure>),
    /// The result of another effect: a notice, or an error.
    Notice(Result<String, String>),
    /// The file of an export, or an error.
    Exported(Result<Exported, String>),
    /// The result of a reload: a report and the filters in force, or an error. After an error the
    /// settings are unchanged.
    Reloaded(Result<(ReloadOutcome, VersionedFilters), String>),
    /// The catalog of event types and properties in the ring.
    Catalog(Arc<Catalog>),
    /// The preview of the proposed filters, possibly on a part of the events so far.
    Previewed(Box<Preview>),
    /// The properties of an event type.
    Properties(Arc<str>, Box<Properties>),
    /// The counts of the watched conditions, in their order.
    Watched(Vec<WatchCount>),
    /// The figures of a range of time.
    RangeCounted(TimeRange, Box<Figures>),
    /// The figures of the two ranges of a comparison.
    RangesCompared([TimeRange; 2], Box<[Figures; 2]>),
    /// The result of a jump: the event, if there is one.
    JumpFound(Seek, Option<u64>),
    /// The person of the event that the operator asked about, if it names one.
    Who(Option<Identity>),
    /// The violations of a limit, grouped.
    BrokenDown(Code, Box<Breakdown>),
    /// The answer to a question: why events did not arrive.
    Answered(String, Box<Answer>),
    /// The answer of Customer.io about an event or a person, or why there is none.
    CustomerIoAnswered(AskedAbout, Result<Box<CustomerIoAnswer>, String>),
    /// The progress of an audit: its run, the files read, and all files.
    AuditReads(u64, usize, usize),
    /// The result of an audit, or why it can't be made.
    Audited(u64, Result<Box<Finding>, String>),
    /// The event with a dedupe id. None if it has left the ring.
    AuditedEvent(Ulid, Option<u64>),
    /// The summary of a person's events.
    Summarized(Identity, Box<Summary>),
    /// The dead letters of the open group, or an error.
    DeadLetters(Result<Vec<DeadLetter>, String>),
    /// The dead letters of an event that is to be retried, or an error.
    DeadLettersOfEvent(Result<Vec<DeadLetter>, String>),
    /// The newest dead letter of a group, if it has one, or an error.
    NewestDeadLetter(DeadLetterGroup, Result<Option<Box<DeadLetter>>, String>),
    /// The whole of an event is here of which there was a summary, or why not.
    Fetched(Result<(), String>),
    /// A signal asks for a reload.
    Hangup,
    /// A signal asks the program to end.
    Terminated,
    /// The terminal was closed: no more questions can be asked.
    TerminalGone,
    /// Draining has ended: the screen closes.
    Drained,
}

/// The kind of a command to the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandKind {
    /// It changes the filters.
    Filters,
    /// Another one.
    Other,
}

impl CommandKind {
    /// The kind of a command.
    pub fn of(command: &PipelineCommand) -> Self {
        match command {
            PipelineCommand::SetFilters { .. } | PipelineCommand::UndoFilters { .. } => {
                Self::Filters
            }
            PipelineCommand::SetGate(_)
            | PipelineCommand::Resume
            | PipelineCommand::RetryDeadLetters(_)
            | PipelineCommand::DiscardDeadLetters(_) => Self::Other,
        }
    }
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum CommandFailure {
    /// Somebody else changed the filters meanwhile.
    Conflict(Box<FiltersConflict>),
    /// Another reason, in words.
    Other(String),
}

impl fmt::Display for CommandFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict(conflict) => conflict.fmt(f),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// The part of a reload that concerns the screen.
#[derive(Debug, Clone, Default)]
pub struct ReloadOutcome {
    /// A notice about the changes.
    pub notice: String,
    /// The filter presets.
    pub presets: BTreeMap<String, Filters>,
}

/// A request of the screen to the shell.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Apply a command of the pipeline.
    Pipeline(PipelineCommand),
    /// Save these filters to the configuration file.
    Save(Filters),
    /// Save a preset to the configuration file, or delete it there.
    SavePreset(String, Option<Filters>),
    /// Make the catalog of event types and properties.
    Catalog,
    /// Export the history of the filters: this NDJSON.
    ExportHistory(String),
    /// Reload the configuration.
    Reload,
    /// Load these dead letters.
    DeadLetters(DeadLetterSelection),
    /// Find the dead letters of this event, to retry them.
    FindDeadLetters(RetriedEvent),
    /// Export these dead letters to a file.
    ExportDeadLetters(DeadLetterSelection),
    /// Load this event for the inspector.
    Inspect(u64),
    /// Load this event for an action on its row.
    Load(u64, RowAction),
    /// Load these two events for a comparison.
    LoadPair([u64; 2]),
    /// Find the event to jump to, beginning at the given one.
    Seek(Seek, Option<u64>),
    /// Export these events in the ring to a file.
    ExportEvents(Events),
    /// Open this file of an export with the desktop's program for it.
    OpenFile(PathBuf),
    /// Record in this file that the tour was seen.
    TourSeen(PathBuf),
    /// Save the layout and the watched conditions.
    Remember,
    /// Notify the operator outside the screen too.
    Notify(String),
    /// Set the title of the terminal.
    Title(String),
    /// Copy a text to the clipboard: the name of its format, and the text.
    Copy(&'static str, String),
    /// Find the person of this event.
    Who(u64),
    /// Ask Customer.io about an event or a person.
    AskCustomerIo(AskedAbout),
    /// Make an audit with this number.
    Audit(u64),
    /// Stop the audit.
    StopAudit,
    /// Find the event with this dedupe id.
    FindAudited(Ulid),
    /// Stop the feed, and wait for the outcome of all items in flight.
    Drain,
    /// End the draining now.
    Hurry,
    /// Suspend the program.
    Suspend,
    /// Use this colour theme.
    Colours(Theme),
    /// Receive mouse events, or leave the mouse to the terminal.
    Mouse(bool),
    /// Clear the terminal and draw everything.
    Redraw,
    /// Close the screen.
    Close,
}
