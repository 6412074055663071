//! What the screen remembers of a workspace from one start to the next: its layout, and the
//! conditions that are watched.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use crate::owner_only;
use crate::tui::action::Action;
use crate::tui::frame::layout::Layout;
use crate::tui::watches::query::Watch;

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Where the panes are.
    pub layout: Layout,
    /// The conditions that are watched.
    pub watches: Vec<Watch>,
}

impl Memory {
    /// Reads it. What is not there is nothing; what can't be read is an error that says so.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
        };
        toml::from_str(&text).map_err(|error| {
            let why = error.message();
            format!("{} is not what it was: {why}; delete it", path.display())
        })
    }

    /// Writes it, whole or not at all.
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
    /// The file, if anything is remembered.
    path: Option<PathBuf>,
    /// The next to write.
    pending: Option<Memory>,
    writing: Option<JoinHandle<()>>,
    /// Takes the reason where writing failed.
    answers: UnboundedSender<Action>,
}

impl MemoryWriter {
    /// A writer to `path`, which tells failures to `answers`.
    pub(crate) fn new(path: Option<PathBuf>, answers: UnboundedSender<Action>) -> Self {
        Self {
            path,
            pending: None,
            writing: None,
            answers,
        }
    }

    /// Queues `memory` in the place of what is not written yet.
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
                let says = format!("cannot remember this in {}: {error}", path.display());
                // The screen may have been closed meanwhile.
                let _ = answers.send(Action::Notice(Err(says)));
            }
        }));
    }

    /// Completes all writes, before the screen closes.
    pub(crate) async fn end(&mut self) {
        for _ in 0..2 {
            if let Some(task) = self.writing.take() {
                // Where writing broke off there is nobody left to tell.
                let _ = task.await;
            }
            self.work();
        }
    }
}

/// The file for a workspace, in the platform's folder for such things.
pub fn path_for(workspace: &str) -> Option<PathBuf> {
    let folder = crate::config::state_folder()?;
    let name = crate::config::as_file_name(workspace);
    Some(folder.join(format!("screen-{name}.toml")))
}

#[cfg(test)]
mod tests {
    use super::*;
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
                ..Layout::default()
            },
            watches: vec![Watch {
                when: "country == \"Ü\"".to_owned(),
                above: Some(2.5),
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
