//! A command with its default keys, and the scope in which they work.

use crate::tui::frame::focus::{InputContext, OverlayKind, Pane, PopupKind};
use crate::tui::input::keymap::command::Command;

/// The part of the screen in which a key has a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere, unless a narrower scope uses the key.
    Anywhere,
    /// In a pane.
    In(Pane),
    /// In the filters pane, while a draft is open.
    Draft,
    /// In the inspector of an event.
    Inspector,
    /// In the dead letters.
    DeadLetters,
    /// In the events of a person.
    Person,
    /// In the violations of a limit.
    Limit,
    /// In the properties of an event type.
    Properties,
    /// In a popup, which gets all keys.
    Popup(PopupKind),
    /// In the stages of the pipeline.
    Stages,
    /// In the answer to a question.
    Why,
    /// In the answer of Customer.io.
    CustomerIo,
    /// In the audit.
    Audit,
}

/// A command with its default keys.
#[derive(Debug)]
pub struct DefaultBinding {
    /// The keys, as the help writes them.
    pub keys: &'static [&'static str],
    /// The command.
    pub command: Command,
    /// The scope in which the keys work.
    pub scope: Scope,
    /// The name of the command in the palette and the configuration.
    pub name: &'static str,
    /// The text in the help and the palette.
    pub help: &'static str,
    /// The text in the footer. The footer leaves out commands without one.
    pub footer: &'static str,
}

use Scope::{
    Anywhere, Audit, CustomerIo, DeadLetters, Draft, In, Inspector, Limit, Person, Properties,
    Stages, Why,
};

impl Scope {
    /// Whether keys have the meaning of this scope in a context.
    pub fn includes(self, context: InputContext) -> bool {
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
            // A context is that of the panes below the popup.
            Scope::Popup(_) => false,
            Stages => over(OverlayKind::Stages),
            Why => over(OverlayKind::Why),
            CustomerIo => over(OverlayKind::CustomerIo),
            Audit => over(OverlayKind::Audit),
        }
    }

    /// The rank of the scope. If several scopes bind a key, the one with the lowest rank wins.
    pub fn rank(self) -> u8 {
        match self {
            Draft => 0,
            Inspector | DeadLetters | Person | Limit | Properties | Stages | Why | CustomerIo
            | Audit => 1,
            In(_) => 2,
            Anywhere => 3,
            Scope::Popup(_) => 4,
        }
    }
}

/// An entry of the table of default bindings. `texts` are its name, its help, and its footer.
pub(super) const fn bind(
    keys: &'static [&'static str],
    command: Command,
    scope: Scope,
    texts: [&'static str; 3],
) -> DefaultBinding {
    let [name, help, footer] = texts;
    DefaultBinding {
        keys,
        command,
        scope,
        name,
        help,
        footer,
    }
}
