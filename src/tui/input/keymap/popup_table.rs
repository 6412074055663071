//! The default keys in popups.

use crate::tui::frame::focus::PopupKind::{
    Copy, Exclude, Export, Help, History, List, Question, Text,
};
use crate::tui::input::keymap::binding::Scope::Popup;
use crate::tui::input::keymap::binding::{DefaultBinding, bind};
use crate::tui::input::keymap::command::Command::{self, InPopup};
use crate::tui::input::keymap::command::PopupCommand as Does;

/// The commands of popups, in the order of the help.
#[rustfmt::skip]
pub(super) static POPUP_KEYS: &[DefaultBinding] = &[
    bind(&["y"], InPopup(Does::Yes), Popup(Question), ["yes", "do what the question says", "yes"]),
    bind(&["n", "q", "Esc"], InPopup(Does::No), Popup(Question), ["no", "do nothing", "no"]),
    bind(&["g"], Command::Top, Popup(Question), ["question-top", "leave the question about the gate for the top of the list: gg", ""]),
    bind(&["Enter"], InPopup(Does::Choose), Popup(List), ["choose", "use this one: draft the preset, find the events of the watch or search", "uses it"]),
    bind(&["r"], InPopup(Does::New), Popup(List), ["new-entry", "a new watch or search", "new"]),
    bind(&["e"], InPopup(Does::Edit), Popup(List), ["edit-entry", "edit the watch or search: name, text, alert", "edit"]),
    bind(&["D", "Delete"], InPopup(Does::Remove), Popup(List), ["remove-entry", "remove the watch, search or preset", "removes"]),
    bind(&["s"], InPopup(Does::SaveAs), Popup(List), ["save-preset", "save the filters as a preset", "saves"]),
    bind(&["Space"], InPopup(Does::Mark), Popup(List), ["mark-preset", "compare the other presets with this one", "marks"]),
    bind(&["g"], Command::Top, Popup(List), ["list-top", "first row: gg", ""]),
    bind(&["Esc", "q"], Command::Back, Popup(List), ["close-list", "close", "closes"]),
    bind(&["Enter"], InPopup(Does::Accept), Popup(Text), ["accept", "take over what is typed", ""]),
    bind(&["Esc"], InPopup(Does::Cancel), Popup(Text), ["cancel", "leave without a change", ""]),
    bind(&["↑"], InPopup(Does::Earlier), Popup(Text), ["earlier-entry", "earlier conditions or searches; the field or row above", ""]),
    bind(&["↓"], InPopup(Does::Later), Popup(Text), ["later-entry", "later ones; the field or row below", ""]),
    bind(&["Tab"], InPopup(Does::Complete), Popup(Text), ["complete", "complete the name or value, or go to the next field", ""]),
    bind(&["Shift-Tab"], InPopup(Does::CompleteBack), Popup(Text), ["complete-back", "previous completion, or previous field", ""]),
    bind(&["Ctrl-s"], InPopup(Does::SaveSearch), Popup(Text), ["save-search", "in the search: save it under a name", ""]),
    bind(&["/"], Command::Find, Popup(Help), ["find-in-help", "search the help", "search"]),
    bind(&["→", "Tab", "l"], InPopup(Does::NextSection), Popup(Help), ["next-section", "next part of the help", "part"]),
    bind(&["←", "Shift-Tab", "h"], InPopup(Does::PreviousSection), Popup(Help), ["previous-section", "previous part of the help", ""]),
    bind(&["Space"], Command::PageDown, Popup(Help), ["help-page-down", "a page down", ""]),
    bind(&["g"], Command::Top, Popup(Help), ["help-top", "first line: gg", ""]),
    bind(&["Esc", "q", "?"], Command::Back, Popup(Help), ["close-help", "close", "closes"]),
    bind(&["X"], InPopup(Does::Export), Popup(History), ["export-history", "export the changes to a file", "exports"]),
    bind(&["u"], InPopup(Does::Undo), Popup(History), ["undo-last", "undo the last change", "undoes the last"]),
    bind(&["g"], Command::Top, Popup(History), ["history-top", "first row: gg", ""]),
    bind(&["Esc", "q", "H"], Command::Back, Popup(History), ["close-history", "close", "closes"]),
    bind(&["e"], InPopup(Does::Choice(0)), Popup(Copy), ["copy-event", "copy the raw event", ""]),
    bind(&["m"], InPopup(Does::Choice(1)), Popup(Copy), ["copy-request", "copy the mapped request", ""]),
    bind(&["c"], InPopup(Does::Choice(2)), Popup(Copy), ["copy-curl", "copy a curl command", ""]),
    bind(&["t"], InPopup(Does::Choice(3)), Popup(Copy), ["copy-history", "copy its history as Markdown", ""]),
    bind(&["p"], InPopup(Does::Choice(4)), Popup(Copy), ["copy-person", "copy the person's id", ""]),
    bind(&["Esc", "q"], Command::Back, Popup(Copy), ["close-copy", "close", "closes"]),
    bind(&["e"], InPopup(Does::Choice(0)), Popup(Export), ["export-event", "export the event under the cursor", ""]),
    bind(&["f"], InPopup(Does::Choice(1)), Popup(Export), ["export-found", "export the events found by the search", ""]),
    bind(&["o"], InPopup(Does::Choice(2)), Popup(Export), ["export-filtered-out", "export the events that were filtered out", ""]),
    bind(&["m"], InPopup(Does::Choice(3)), Popup(Export), ["export-bookmarked", "export the events with a bookmark", ""]),
    bind(&["a"], InPopup(Does::Choice(4)), Popup(Export), ["export-all", "export all events in the ring", ""]),
    bind(&["s"], InPopup(Does::Choice(5)), Popup(Export), ["export-selected", "export the selected events", ""]),
    bind(&["l"], InPopup(Does::Choice(6)), Popup(Export), ["export-listed", "export the events of the list that is shown", ""]),
    bind(&["Esc", "q"], Command::Back, Popup(Export), ["close-export", "close", "closes"]),
    bind(&["t"], InPopup(Does::Choice(0)), Popup(Exclude), ["exclude-type", "exclude events of this type", ""]),
    bind(&["u"], InPopup(Does::Choice(1)), Popup(Exclude), ["exclude-person", "exclude events of this person, by a rule", ""]),
    bind(&["v"], InPopup(Does::Choice(2)), Popup(Exclude), ["exclude-value", "exclude events with one of its values", ""]),
    bind(&["Esc", "q"], Command::Back, Popup(Exclude), ["close-exclude", "close", "closes"]),
];
