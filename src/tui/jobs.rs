//! Background work of the screen: queries over the ring and the dead letters, exports, saving.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::amplitude::Event;
use crate::config::save::SaveError;
use crate::delivery::spool::dead_letters::{DeadLetter, DeadLetterSelection};
use crate::filter::catalog::Catalog;
use crate::limits::Code;
use crate::pipeline::{Handle, ShutdownReport};
use crate::text::grouped;
use crate::tui::action::Action;
use crate::tui::events::export;
use crate::tui::limits::query::Breakdown;
use crate::tui::person::query::{Identity, Summary};
use crate::tui::properties::query::Properties;
use crate::tui::terminal::clipboard;

const SECOND: Duration = Duration::from_secs(1);
/// Maximum dead letters loaded per group; an export has them all.
const LETTERS: u64 = 500;

/// Number of the newest events that the catalog of event types and properties is made from.
const CATALOGED: u64 = 5_000;

/// Maximum dead letters shown for a person.
const LETTERS_OF_PERSON: u64 = 20;

/// Runs queries and exports in the background; the results come back as actions.
pub(crate) struct Jobs {
    handle: Handle,
    answers: mpsc::UnboundedSender<Action>,
    clipboard: clipboard::System,
    /// The person whose events are summarized.
    summarized: EachSecond<Identity>,
    /// The limit whose violations are counted by place.
    broken_down: EachSecond<Code>,
    /// The event type whose properties are collected.
    explored: EachSecond<Arc<str>>,
}

impl Jobs {
    /// Queries on the pipeline's ring and dead letters, answered to `answers`.
    pub(crate) fn new(handle: Handle, answers: mpsc::UnboundedSender<Action>) -> Self {
        Self {
            handle,
            answers,
            clipboard: clipboard::System::default(),
            summarized: EachSecond(None),
            broken_down: EachSecond(None),
            explored: EachSecond(None),
        }
    }

    /// Into the system's clipboard too, beside the screen.
    pub(crate) fn put_into_clipboard(&self, what: &'static str, text: String) {
        let (clipboard, answers) = (self.clipboard.clone(), self.answers.clone());
        tokio::task::spawn_blocking(move || {
            let told = match clipboard.put(text) {
                Ok(()) => Ok(format!("{what} is in the clipboard")),
                Err(why) => Err(format!(
                    "the system's clipboard does not take it ({why}); the terminal was asked to"
                )),
            };
            // The screen may have been closed meanwhile.
            let _ = answers.send(Action::Notice(told));
        });
    }

    /// Writes into the configuration file.
    pub(crate) async fn save(
        path: Option<PathBuf>,
        did: &str,
        save: impl FnOnce(&Path) -> Result<(), SaveError> + Send + 'static,
    ) -> Result<String, String> {
        let Some(path) = path else {
            return Err(
                "there is no configuration file to save to; name one with --config".to_owned(),
            );
        };
        let shown = path.display().to_string();
        match tokio::task::spawn_blocking(move || save(&path)).await {
            Ok(Ok(())) => Ok(format!("{did} {shown}")),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("saving to {shown} broke off")),
        }
    }

    pub(crate) async fn letters(
        &self,
        which: DeadLetterSelection,
    ) -> Result<Vec<DeadLetter>, String> {
        let found = self
            .handle
            .with_letters(move |l| Ok(l.page(&which, 0, LETTERS)?));
        found.await.map_err(|error| error.to_string())
    }

    /// Writes them into the folder that the program was started in.
    pub(crate) async fn export(&self, which: DeadLetterSelection) -> Result<String, String> {
        let exported = self.handle.with_letters(move |letters| {
            let (file, name) = export::create_file("dead-letters")?;
            let mut file = std::io::BufWriter::new(file);
            let count = letters.export(&which, &mut file)?;
            std::io::Write::flush(&mut file)?;
            Ok((count, name))
        });
        match exported.await {
            Ok((count, name)) => Ok(format!("{} dead letters written to {name}", grouped(count))),
            Err(error) => Err(format!("cannot export the dead letters: {error}")),
        }
    }

    /// Writes them, beside the screen.
    pub(crate) fn export_events(&self, events: export::Events) {
        let (ring, answers) = (self.handle.ring().clone(), self.answers.clone());
        tokio::spawn(async move {
            let name = events.file_name();
            let looking = tokio::task::spawn_blocking(move || {
                let mut lines = events.lines(&ring);
                let count = lines.len() as u64;
                lines.push(String::new());
                (count, lines.join("\n"))
            });
            let (count, ndjson) = looking.await.unwrap_or_default();
            let told = match count {
                0 => Err("there is no such event in the ring: nothing is written".to_owned()),
                1 => write_ndjson(name, "1 event is", ndjson).await,
                _ => write_ndjson(name, &format!("{} events are", grouped(count)), ndjson).await,
            };
            // The screen may have been closed meanwhile.
            let _ = answers.send(Action::Notice(told));
        });
    }

    /// Looks what the newest events are made of, beside the screen.
    pub(crate) fn look_around(&self) {
        let (ring, answers) = (self.handle.ring().clone(), self.answers.clone());
        tokio::task::spawn_blocking(move || {
            let events: Vec<Event> = {
                let ring = ring.lock();
                let from = ring.end().saturating_sub(CATALOGED);
                let records = ring.from(from);
                records.filter_map(|r| r.event().cloned()).collect()
            };
            let mut catalog = Catalog::default();
            events.iter().for_each(|event| catalog.add(event));
            // The screen may have been closed meanwhile.
            let _ = answers.send(Action::Catalog(Arc::new(catalog)));
        });
    }

    /// Looks where the limit is broken that is looked at, beside the screen: now, and again every
    /// second.
    pub(crate) fn break_down(&mut self, code: Option<Code>) {
        let Some(code) = self.broken_down.due(code) else {
            return;
        };
        let (handle, answers) = (self.handle.clone(), self.answers.clone());
        tokio::task::spawn_blocking(move || {
            let judge_rules = handle.judge_rules();
            let found = Breakdown::of(code, handle.ring(), &judge_rules.mapping);
            // The screen may have been closed meanwhile.
            let _ = answers.send(Action::BrokenDown(code, Box::new(found)));
        });
    }

    /// Looks what the events are made of whose type is looked at, beside the screen: now, and
    /// again every second.
    pub(crate) fn explore(&mut self, event_type: Option<Arc<str>>) {
        let Some(event_type) = self.explored.due(event_type) else {
            return;
        };
        let (ring, answers) = (self.handle.ring().clone(), self.answers.clone());
        tokio::task::spawn_blocking(move || {
            let found = Properties::of(&event_type, &ring);
            // The screen may have been closed meanwhile.
            let _ = answers.send(Action::Properties(event_type, Box::new(found)));
        });
    }

    /// Looks through the events of the person that is looked at, beside the screen: now, and
    /// again every second.
    pub(crate) fn summarize(&mut self, identity: Option<Identity>) {
        let Some(identity) = self.summarized.due(identity) else {
            return;
        };
        let (handle, answers) = (self.handle.clone(), self.answers.clone());
        tokio::spawn(async move {
            let (who, ring) = (identity.clone(), handle.ring().clone());
            let looking = tokio::task::spawn_blocking(move || Summary::of(&who, &ring));
            let Ok(mut summary) = looking.await else {
                return;
            };
            let whose = DeadLetterSelection::Person(identity.id().to_owned());
            let found = handle.with_letters(move |l| Ok(l.page(&whose, 0, LETTERS_OF_PERSON)?));
            // What can't be read now is told by the pane of the dead letters.
            summary.letters = found.await.unwrap_or_default();
            // The screen may have been closed meanwhile.
            let _ = answers.send(Action::Summarized(identity, Box::new(summary)));
        });
    }
}

/// What is looked for beside the screen: at once when it is something else, and again each
/// second.
struct EachSecond<K>(Option<(K, Instant)>);

impl<K: PartialEq + Clone> EachSecond<K> {
    /// What is to be looked for now, where `wanted` is what the screen shows.
    fn due(&mut self, wanted: Option<K>) -> Option<K> {
        let now = Instant::now();
        let fresh = |(key, at): &(K, Instant)| wanted.as_ref() == Some(key) && now - *at < SECOND;
        if self.0.as_ref().is_some_and(fresh) {
            return None;
        }
        self.0 = wanted.clone().map(|key| (key, now));
        wanted
    }
}

/// Writes NDJSON into the folder that the program was started in.
pub(crate) async fn write_ndjson(
    name: &'static str,
    what: &str,
    ndjson: String,
) -> Result<String, String> {
    let writing = tokio::task::spawn_blocking(move || {
        let (mut file, name) = export::create_file(name)?;
        std::io::Write::write_all(&mut file, ndjson.as_bytes())?;
        Ok::<_, std::io::Error>(name)
    });
    match writing.await {
        Ok(Ok(file)) => Ok(format!("{what} written to {file}")),
        Ok(Err(error)) => Err(format!("cannot export to {name}-….ndjson: {error}")),
        Err(_) => Err(format!("the export to {name}-….ndjson broke off")),
    }
}

/// Waits for the pipeline's end, for ever where it is not ending.
pub(crate) async fn ended(ending: &mut Option<JoinHandle<ShutdownReport>>) -> ShutdownReport {
    match ending {
        Some(task) => match task.await {
            Ok(ended) => ended,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        },
        None => std::future::pending().await,
    }
}
