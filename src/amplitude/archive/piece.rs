//! The pieces of an archive.

use std::ops::ControlFlow;

use bytestring::ByteString;

use crate::amplitude::event::Event;
use crate::amplitude::malformed::Malformed;

use super::error::ArchiveError;
use super::position::Position;

/// A piece of an archive.
#[derive(Debug)]
pub enum Piece {
    /// An event.
    Event(Event, Position),
    /// A part that is not an event, with the beginning of its text.
    Malformed(Malformed, ByteString, Position),
    /// A member of a zip that is not an export.
    Skipped(Position),
    /// The archive can't be read further. Earlier pieces are valid.
    Broken(ArchiveError),
}

/// Takes pieces until it breaks.
pub type Take<'t> = dyn FnMut(Piece) -> ControlFlow<()> + 't;
