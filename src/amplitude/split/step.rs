//! The input and the result of a step.

use crate::amplitude::event::Event;
use crate::amplitude::malformed::Malformed;
use crate::amplitude::time::UnixMs;

/// The options by which a text is split.
#[derive(Debug, Clone, Copy)]
pub(in crate::amplitude) struct SplitOptions<'a> {
    /// Whether the text ends at its end; a window goes on.
    pub is_whole: bool,
    /// The time at which the text was received.
    pub received_ms: UnixMs,
    /// The name of the feed's own message id.
    pub message_id_field: &'a str,
    /// Whether any object counts as an event. Then envelopes are not opened.
    pub any_object: bool,
}

/// The result of a step.
#[derive(Debug)]
pub(in crate::amplitude) enum Step {
    /// An event, or a malformed part.
    Found(Result<Event, Malformed>),
    /// The text ends within an element.
    More,
    /// The text is at its end.
    End,
}
