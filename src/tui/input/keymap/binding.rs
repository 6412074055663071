//! A command with its default keys, and where they work.

use crate::tui::frame::focus::{InputContext, OverlayKind, Pane};
use crate::tui::input::keymap::command::Command;

/// Where a key means what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Everywhere that nothing else claims it.
    Anywhere,
    /// In this pane.
    In(Pane),
    /// Among the filters, while a draft of them is open.
    Draft,
    /// While an event is inspected.
    Inspector,
    /// While the dead letters are looked at.
    DeadLetters,
    /// While the events of a person are looked at.
    Person,
    /// While it is looked at where a limit is broken.
    Limit,
    /// While the properties of a type are looked at.
    Properties,
}

/// Something that can be done, with the keys that it usually has.
#[derive(Debug)]
pub struct DefaultBinding {
    /// The keys, as the help writes them.
    pub keys: &'static [&'static str],
    /// What they do.
    pub does: Command,
    /// Where.
    pub place: Place,
    /// Its name, for the palette and the settings.
    pub name: &'static str,
    /// What the help says.
    pub help: &'static str,
    /// What the footer says; nothing keeps it out.
    pub footer: &'static str,
}

use Place::{Anywhere, DeadLetters, Draft, In, Inspector, Limit, Person, Properties};

impl Place {
    /// Whether this is where keys go.
    pub fn is_at(self, context: InputContext) -> bool {
        let among = |pane| context.overlay.is_none() && context.pane == pane;
        let over = |kind| context.overlay == Some(kind);
        match self {
            Anywhere => true,
            In(pane) => among(pane),
            Draft => context.has_draft && among(Pane::Filters),
            Inspector => over(OverlayKind::Inspector),
            DeadLetters => over(OverlayKind::DeadLetters),
            Person => over(OverlayKind::Person),
            Limit => over(OverlayKind::Limit),
            Properties => over(OverlayKind::Properties),
        }
    }

    /// A narrower place wins over a wider one.
    pub fn width(self) -> u8 {
        match self {
            Draft => 0,
            Inspector | DeadLetters | Person | Limit | Properties => 1,
            In(_) => 2,
            Anywhere => 3,
        }
    }
}

/// An entry of the table.
pub(super) const fn bind(
    keys: &'static [&'static str],
    does: Command,
    place: Place,
    name: &'static str,
    help: &'static str,
    footer: &'static str,
) -> DefaultBinding {
    DefaultBinding {
        keys,
        does,
        place,
        name,
        help,
        footer,
    }
}
