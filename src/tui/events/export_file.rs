//! The file of the last export: its notice, and opening it.

use crate::tui::action::Effect;
use crate::tui::events::export::Exported;
use crate::tui::input::keymap::Command;
use crate::tui::state::State;

/// Tells the operator about the file. The name comes first, since a long folder may be cut.
pub(crate) fn exported(state: &mut State, exported: Result<Exported, String>) {
    let Exported { count, path } = match exported {
        Ok(exported) => exported,
        Err(why) => return state.notify_error(why),
    };
    let name = path.file_name().unwrap_or_default().display();
    let folder = path.parent().unwrap_or(&path).display();
    let key = state.key(Command::OpenExport);
    state.notify(format!(
        "{count} written to {name}; {key} opens it, in {folder}"
    ));
    state.exported = Some(path);
}

/// Opens the file, and copies its path: over SSH there is no desktop to open it on.
pub(crate) fn open(state: &mut State) -> Vec<Effect> {
    let Some(path) = state.exported.clone() else {
        let key = state.key(Command::ExportEvents);
        state.notify(format!("no export yet: {key} exports events to a file"));
        return Vec::new();
    };
    let shown = path.display().to_string();
    vec![Effect::Copy("path", shown), Effect::OpenFile(path)]
}
