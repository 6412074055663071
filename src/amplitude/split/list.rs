//! The list around the next element, and the line that it is on.

/// The list around the next element.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Inside {
    #[default]
    Nothing,
    /// An array.
    Array,
    /// The list of an envelope that was parsed whole and ends at this byte.
    Envelope(usize),
    /// The list of an envelope that is broken, or larger than the window.
    OpenEnvelope,
    /// The rest of an envelope after its list.
    EnvelopeTail,
}

/// The comma that is expected in a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Comma {
    /// At the start of the list: an element or the end comes next.
    #[default]
    First,
    /// After a comma: an element comes next.
    Behind,
    /// After an element: a comma or the end comes next.
    Wanted,
    /// After damage: anything may come next.
    Either,
}

/// The white space at the start of the current line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// The white space, in bytes.
    pub(super) indent: usize,
    /// The end of the text that was searched for lines.
    pub(super) upto: usize,
    /// Whether the text begins a line.
    pub(super) is_first: bool,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            indent: 0,
            upto: 0,
            is_first: true,
        }
    }
}
