//! All that can happen on the screen, and all that it can ask for.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::config::Theme;
use crate::delivery::spool::dead_letters::{DeadLetter, DeadLetterSelection};
use crate::filter::Filters;
use crate::filter::catalog::Catalog;
use crate::filter::preview::Preview;
use crate::limits::Code;
use crate::protocol::{Command as PipelineCommand, Snapshot};
use crate::tui::events::export::Events;
use crate::tui::events::page::Page;
use crate::tui::events::seek::Seek;
use crate::tui::inspector::query::Inspected;
use crate::tui::limits::query::Breakdown;
use crate::tui::person::query::{Identity, Summary};
use crate::tui::properties::query::Properties;
use crate::tui::watches::query::Seen;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Action {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse was used.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size, in columns and rows.
    Resized(u16, u16),
    /// The pipeline says how it stands.
    Snapshot(Arc<Snapshot>),
    /// The rows that the events pane shows now.
    Page(Page),
    /// The event that was asked for, and what would be sent of it; none if it is gone.
    Inspected(Option<Box<Inspected>>),
    /// The pipeline took a command and has this to say, or says why not.
    Applied(Result<String, String>),
    /// Something that was asked for is done, or this is why not.
    Notice(Result<String, String>),
    /// The settings were read again: what that did, and the filters that are in force; or why
    /// nothing is changed.
    Reloaded(Result<(Reread, Filters), String>),
    /// What the events in the ring are made of.
    Catalog(Arc<Catalog>),
    /// What the draft of the filters would change, as far as it is known.
    Previewed(Box<Preview>),
    /// The properties of this type's events.
    Properties(Arc<str>, Box<Properties>),
    /// What the watches have seen.
    Watched(Vec<Seen>),
    /// The event that was sought, if there is one.
    JumpFound(Seek, Option<u64>),
    /// Whom the event that was asked about is about, if it says so.
    Who(Option<Identity>),
    /// Where a limit is broken.
    BrokenDown(Code, Box<Breakdown>),
    /// What became of a person's events.
    Summarized(Identity, Box<Summary>),
    /// The dead letters that were asked for, or why they can't be had.
    DeadLetters(Result<Vec<DeadLetter>, String>),
    /// A signal asks for the settings to be read again.
    Hangup,
    /// A signal asks the program to end.
    Terminated,
    /// The terminal was closed: nobody can be asked any more, and nobody looks.
    TerminalGone,
    /// All is settled, or given up: the screen may close.
    Drained,
}

/// The settings, read again, as far as the screen has to do with them.
#[derive(Debug, Clone, Default)]
pub struct Reread {
    /// What that did.
    pub says: String,
    /// The presets of the filters.
    pub presets: BTreeMap<String, Filters>,
}

/// Something that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Of the pipeline.
    Pipeline(PipelineCommand),
    /// Write these filters to the configuration file.
    Save(Filters),
    /// Write a preset to the configuration file, or take it out.
    SavePreset(String, Option<Filters>),
    /// Look what the events in the ring are made of.
    Catalog,
    /// Write what was changed of the filters to a file: this NDJSON.
    ExportHistory(String),
    /// Read the settings again, and put what is new in force.
    Reload,
    /// Fetch these dead letters, to look at them.
    DeadLetters(DeadLetterSelection),
    /// Write these dead letters to a file.
    ExportDeadLetters(DeadLetterSelection),
    /// Fetch this event, to look at it.
    Inspect(u64),
    /// Go to this event, from that one on.
    Seek(Seek, Option<u64>),
    /// Write these events in the ring to a file.
    ExportEvents(Events),
    /// Remember how the screen is laid out, and what is watched.
    Remember,
    /// Tell the operator, also where the screen is not looked at.
    Notify(String),
    /// Say this in the terminal's title.
    Title(String),
    /// Put a text into the clipboard: what it is, and the text.
    Copy(&'static str, String),
    /// Say whom this event is about.
    Who(u64),
    /// Take nothing more in, and settle what is under way.
    Drain,
    /// Wait no longer for that.
    Hurry,
    /// Go into the background, as Ctrl-Z does.
    Suspend,
    /// Draw in these colours.
    Colours(Theme),
    /// Take the mouse, or hand it to the terminal.
    Mouse(bool),
    /// Draw everything anew.
    Redraw,
    /// Close the screen.
    Close,
}
