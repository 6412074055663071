//! The state of the detail pane while it doesn't have the focus. With the focus it is the inspector.

use crate::amplitude::time::UnixMs;
use crate::limits::Code;
use crate::tui::inspector::query::Inspected;
use crate::tui::inspector::state::{Inspector, View};

/// The detail pane.
#[derive(Debug, Default)]
pub struct Detail {
    /// The event on display, and the place that it was taken from. None without an event.
    pub shown: Option<(Source, Inspector)>,
    /// The time at which it was put on display.
    pub since_ms: UnixMs,
    /// The view of the next event.
    pub view: View,
    /// Whether the pane is zoomed: `Esc` returns it to its place.
    pub zoomed: bool,
}

/// The place that the event on display is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The cursor.
    Cursor,
    /// The top of a list that follows the newest event.
    Newest,
    /// The last violation in a row of a limit.
    Violation(Code, usize),
}

/// An event for the pane.
#[derive(Debug, Clone)]
pub struct Followed {
    /// The place that it was taken from.
    pub source: Source,
    /// The sequence number of the event.
    pub sequence: u64,
    /// The event. None if it has left the ring.
    pub found: Option<Box<Inspected>>,
}
