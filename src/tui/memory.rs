//! The data that the screen keeps between runs for each workspace: the layout, the columns, the
//! watched conditions and the saved searches.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use crate::owner_only;
use crate::tui::action::Action;
use crate::tui::events::columns::state::ChosenColumn;
use crate::tui::frame::layout::Layout;
use crate::tui::searches::state::Search;
use crate::tui::state::State;
use crate::tui::watches::query::Watch;

/// The data kept between runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The operator's changes to the layout.
    pub layout: Layout,
    /// The chosen columns of the events.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ChosenColumn>,
    /// The watched conditions.
    pub watches: Vec<Watch>,
    /// The saved searches.
    pub searches: Vec<Search>,
}

impl Memory {
    /// What is kept of a state.
    pub(crate) fn of(state: &State) -> Self {
        Self {
            layout: state.layout.clone(),
            columns: state.columns.clone(),
            watches: state.watches.clone(),
            searches: state.searches.clone(),
        }
    }

    /// Reads the file. A missing file gives the defaults.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
        };
        toml::from_str(&text).map_err(|error| {
            let why = error.message();
            format!("{} can't be parsed: {why}; delete it", path.display())
        })
    }

    /// Replaces the file, atomically.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let text = toml::to_string(self).map_err(io::Error::other)?;
        if let Some(folder) = path.parent() {
            owner_only::create_folder(folder)?;
        }
        owner_only::replace(path, text.as_bytes())
    }
}

/// Saves the layout and the watches in the background; writes never overlap.
#[derive(Debug)]
pub(crate) struct MemoryWriter {
    /// The file. None: nothing is saved.
    path: Option<PathBuf>,
    /// The data of the next write.
    pending: Option<Memory>,
    writing: Option<JoinHandle<()>>,
    /// Receives a notice about each failed write.
    answers: UnboundedSender<Action>,
}

impl MemoryWriter {
    /// A writer to `path` that reports errors to `answers`.
    pub(crate) fn new(path: Option<PathBuf>, answers: UnboundedSender<Action>) -> Self {
        Self {
            path,
            pending: None,
            writing: None,
            answers,
        }
    }

    /// Queues `memory`. It replaces queued data.
    pub(crate) fn save(&mut self, memory: Memory) {
        self.pending = Some(memory);
    }

    /// Starts the next write, unless one is under way.
    pub(crate) fn work(&mut self) {
        if self.writing.iter().any(|task| !task.is_finished()) {
            return;
        }
        let (Some(path), Some(memory)) = (self.path.clone(), self.pending.take()) else {
            return;
        };
        let answers = self.answers.clone();
        self.writing = Some(tokio::task::spawn_blocking(move || {
            if let Err(error) = memory.write(&path) {
                let message = format!("can't save the layout to {}: {error}", path.display());
                // The screen may have been closed meanwhile.
                let _ = answers.send(Action::Notice(Err(message)));
            }
        }));
    }

    /// Completes all writes, before the screen closes.
    pub(crate) async fn end(&mut self) {
        for _ in 0..2 {
            if let Some(task) = self.writing.take() {
                // A panic in the write can't be reported any more.
                let _ = task.await;
            }
            self.work();
        }
    }
}

/// The file of a workspace, in the platform's state folder.
pub fn path_for(workspace: &str) -> Option<PathBuf> {
    let folder = crate::config::state_folder()?;
    let name = crate::config::as_file_name(workspace);
    Some(folder.join(format!("screen-{name}.toml")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::events::columns::column::Column;
    use crate::tui::frame::dock::DetailLayout;
    use crate::tui::frame::focus::Pane;

    #[test]
    fn what_is_remembered_is_read_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/screen.toml");
        assert_eq!(Memory::read(&path), Ok(Memory::default()));
        let memory = Memory {
            layout: Layout {
                hidden: [Pane::Violations, Pane::Delivery].into(),
                filters_percent: Some(40),
                detail: DetailLayout {
                    percent: Some(55),
                    hidden: true,
                },
                ..Layout::default()
            },
            columns: vec![
                Column::Outcome.into(),
                ChosenColumn {
                    column: Column::Field("event_properties.\"Ü\" x".to_owned()),
                    width: Some(30),
                },
            ],
            watches: vec![Watch {
                when: "country == \"Ü\"".to_owned(),
                above: Some(2.5),
                name: "from Ü".to_owned(),
            }],
            searches: vec![Search {
                name: "resets".to_owned(),
                text: "~Reset$".to_owned(),
            }],
        };
        memory.write(&path).unwrap();
        assert_eq!(Memory::read(&path), Ok(memory));
        fs::write(&path, "layout = 3").unwrap();
        let error = Memory::read(&path).unwrap_err();
        assert!(error.contains("delete it"), "{error}");
        assert!(Memory::read(dir.path()).is_err());
    }
}
