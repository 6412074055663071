//! Background work of the screen: queries over the ring and the dead letters, exports, saving.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::config::save::SaveError;
use crate::delivery::spool::dead_letters::{DeadLetter, DeadLetterGroup, DeadLetterSelection};
use crate::limits::Code;
use crate::owner_only;
use crate::pipeline::ShutdownReport;
use crate::protocol::Command;
use crate::text::{counted, grouped};
use crate::tui::action::{Action, Effect};
use crate::tui::audit::job as audit;
use crate::tui::customerio::ask::ask;
use crate::tui::each_second::EachSecond;
use crate::tui::events::export::{self, Exported};
use crate::tui::filters::recent_catalog::recent_catalog;
use crate::tui::forwarder::Forwarder;
use crate::tui::limits::query::Breakdown;
use crate::tui::ndjson_file::{write_ndjson, written};
use crate::tui::person::query::{Identity, Summary};
use crate::tui::properties::query::Properties;
use crate::tui::range::query::Figures;
use crate::tui::range::time_range::TimeRange;
use crate::tui::row::retried_event::RetriedEvent;
use crate::tui::terminal::{clipboard, opener};
use crate::tui::why::query::Answer;

/// Maximum dead letters loaded per group. An export has them all.
const DEAD_LETTERS_PER_GROUP: u64 = 500;

/// Maximum dead letters shown for a person.
const DEAD_LETTERS_PER_PERSON: u64 = 20;

/// Runs queries and exports in the background; the results come back as actions.
pub(crate) struct Jobs {
    forwarder: Forwarder,
    answers: mpsc::UnboundedSender<Action>,
    /// The folder that exports are written to.
    folder: PathBuf,
    clipboard: clipboard::System,
    /// The person whose events are summarized.
    summarized: EachSecond<Identity>,
    /// The limit whose violations are counted by place.
    broken_down: EachSecond<Code>,
    /// The event type whose properties are collected.
    explored: EachSecond<Arc<str>>,
    /// The question that is answered.
    asked: EachSecond<String>,
    /// The group whose newest dead letter is shown.
    previewed: EachSecond<DeadLetterGroup>,
    /// The run of the audit that is wanted; 0: none.
    audited: Arc<AtomicU64>,
    /// The range of time whose events are counted.
    counted: EachSecond<TimeRange>,
    /// The event whose whole is fetched.
    fetched: EachSecond<u64>,
    /// The ranges that are compared.
    compared: EachSecond<[TimeRange; 2]>,
}

impl Jobs {
    /// Queries on the pipeline's ring and dead letters, answered to `answers`; exports go into
    /// `folder`.
    pub(crate) fn new(
        forwarder: Forwarder,
        folder: PathBuf,
        answers: mpsc::UnboundedSender<Action>,
    ) -> Self {
        Self {
            forwarder,
            answers,
            folder,
            clipboard: clipboard::System::default(),
            summarized: EachSecond::default(),
            broken_down: EachSecond::default(),
            explored: EachSecond::default(),
            asked: EachSecond::default(),
            previewed: EachSecond::default(),
            counted: EachSecond::default(),
            fetched: EachSecond::default(),
            compared: EachSecond::default(),
            audited: Arc::default(),
        }
    }

    /// Puts a text into the system's clipboard. `format` names the text in the notice.
    pub(crate) fn put_into_clipboard(&self, format: &'static str, text: String) {
        let (clipboard, answers) = (self.clipboard.clone(), self.answers.clone());
        tokio::task::spawn_blocking(move || {
            let notice = match clipboard.put(text) {
                Ok(()) => Ok(format!("{format} copied to the clipboard")),
                Err(why) => Err(format!(
                    "system clipboard failed ({why}); sent to the terminal's clipboard only"
                )),
            };
            // The screen may be closed by now.
            let _ = answers.send(Action::Notice(notice));
        });
    }

    /// Changes the configuration file with `save`. Returns a notice that begins with `did`.
    pub(crate) async fn save(
        path: Option<PathBuf>,
        did: &str,
        save: impl FnOnce(&Path) -> Result<(), SaveError> + Send + 'static,
    ) -> Result<String, String> {
        let Some(path) = path else {
            return Err("no configuration file to save to; name one with --config".to_owned());
        };
        let shown = path.display().to_string();
        match tokio::task::spawn_blocking(move || save(&path)).await {
            Ok(Ok(())) => Ok(format!("{did} {shown}")),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("saving to {shown} was interrupted")),
        }
    }

    /// Has a command carried out, and answers then.
    pub(crate) fn apply(&self, command: Command) {
        let (forwarder, answers) = (self.forwarder.clone(), self.answers.clone());
        tokio::spawn(async move {
            let applied = forwarder.carry_out(command).await;
            // The screen may be closed by now.
            let _ = answers.send(applied);
        });
    }

    /// Loads the newest of the selected dead letters.
    pub(crate) async fn dead_letters(
        &self,
        which: DeadLetterSelection,
    ) -> Result<Vec<DeadLetter>, String> {
        self.forwarder
            .dead_letters(which, DEAD_LETTERS_PER_GROUP)
            .await
    }

    /// Finds the dead letters of an event.
    fn find_dead_letters(&self, event: RetriedEvent) {
        let (forwarder, answers) = (self.forwarder.clone(), self.answers.clone());
        tokio::spawn(async move {
            let whose = DeadLetterSelection::Person(event.person.clone());
            let found = forwarder.dead_letters(whose, DEAD_LETTERS_PER_GROUP).await;
            let of_event = found.map(|mut found| {
                found.retain(|letter| event.is_of(letter));
                found
            });
            // The screen may be closed by now.
            let _ = answers.send(Action::DeadLettersOfEvent(of_event));
        });
    }

    /// Loads the newest dead letter of the group under the cursor: at once, and again every second.
    pub(crate) fn preview_group(&mut self, group: Option<DeadLetterGroup>) {
        let Some(group) = self.previewed.due(group) else {
            return;
        };
        let (forwarder, answers) = (self.forwarder.clone(), self.answers.clone());
        tokio::spawn(async move {
            let which = DeadLetterSelection::Group(group.clone());
            let found = forwarder.dead_letters(which, 1).await;
            let newest = found.map(|found| found.into_iter().next().map(Box::new));
            // The screen may be closed by now.
            let _ = answers.send(Action::NewestDeadLetter(group, newest));
        });
    }

    /// Exports the selected dead letters to a file.
    pub(crate) async fn export(&self, which: DeadLetterSelection) -> Result<Exported, String> {
        let failed = |why: String| format!("cannot export the dead letters: {why}");
        let (file, path) = export::create_file(&self.folder, "dead-letters")
            .map_err(|error| failed(error.to_string()))?;
        let exported = self.forwarder.export_dead_letters(which, file).await;
        let count = exported.map_err(failed)?;
        Ok(written(&counted(count, "dead letter"), path))
    }

    /// Exports events in the ring to a file.
    fn export_events(&self, events: export::Events) {
        let (ring, answers) = (self.forwarder.ring().clone(), self.answers.clone());
        let folder = self.folder.clone();
        tokio::spawn(async move {
            let name = events.file_name();
            let reading = tokio::task::spawn_blocking(move || {
                let mut lines = events.lines(&ring);
                let count = lines.len() as u64;
                lines.push(String::new());
                (count, lines.join("\n"))
            });
            let (count, ndjson) = reading.await.unwrap_or_default();
            let notice = match count {
                0 => Err("the ring holds no such event: no file written".to_owned()),
                1 => write_ndjson(folder, name, "1 event", ndjson).await,
                _ => {
                    let count = format!("{} events", grouped(count));
                    write_ndjson(folder, name, &count, ndjson).await
                }
            };
            // The screen may be closed by now.
            let _ = answers.send(Action::Exported(notice));
        });
    }

    /// Starts an effect in the background.
    pub(crate) fn start(&self, effect: Effect) {
        match effect {
            Effect::Catalog => self.catalog(),
            Effect::AskCustomerIo(about) => {
                let (forwarder, answers) = (self.forwarder.clone(), self.answers.clone());
                tokio::spawn(async move {
                    // The screen may be closed by now.
                    let _ = answers.send(ask(forwarder, about).await);
                });
            }
            Effect::FindDeadLetters(event) => self.find_dead_letters(event),
            Effect::Audit(run) => {
                self.audited.store(run, Relaxed);
                let run = (run, self.audited.clone());
                audit::start(&self.forwarder, &self.folder, run, self.answers.clone());
            }
            Effect::StopAudit => self.audited.store(0, Relaxed),
            Effect::FindAudited(id) => {
                audit::find(self.forwarder.ring().clone(), id, self.answers.clone());
            }
            Effect::ExportEvents(events) => self.export_events(events),
            Effect::OpenFile(path) => self.answer(move || {
                let shown = path.display().to_string();
                match opener::open(&path) {
                    Ok(()) => Some(Ok(format!("opened {shown}, and copied its path"))),
                    Err(why) => Some(Err(format!("path copied; {why}: {shown}"))),
                }
            }),
            Effect::TourSeen(path) => self.answer(move || {
                let folder = path.parent().map_or(Ok(()), owner_only::create_folder);
                let made = folder.and_then(|()| owner_only::replace(&path, b""));
                let error = made.err()?;
                let shown = path.display();
                Some(Err(format!(
                    "the tour will be shown again: {shown}: {error}"
                )))
            }),
            _ => {}
        }
    }

    /// Runs `work` on a thread of its own, and sends its notice.
    fn answer(&self, work: impl FnOnce() -> Option<Result<String, String>> + Send + 'static) {
        let answers = self.answers.clone();
        tokio::task::spawn_blocking(move || {
            if let Some(notice) = work() {
                // The screen may be closed by now.
                let _ = answers.send(Action::Notice(notice));
            }
        });
    }

    /// Collects the catalog of event types and properties.
    fn catalog(&self) {
        let (ring, answers) = (self.forwarder.ring().clone(), self.answers.clone());
        tokio::task::spawn_blocking(move || {
            let catalog = recent_catalog(&ring);
            // The screen may be closed by now.
            let _ = answers.send(Action::Catalog(Arc::new(catalog)));
        });
    }

    /// Counts the violations of the open limit by place: at once, and again every second.
    pub(crate) fn break_down(&mut self, code: Option<Code>) {
        let Some(code) = self.broken_down.due(code) else {
            return;
        };
        let (forwarder, answers) = (self.forwarder.clone(), self.answers.clone());
        tokio::task::spawn_blocking(move || {
            let found = Breakdown::of(code, forwarder.ring(), &forwarder.mapping());
            // The screen may be closed by now.
            let _ = answers.send(Action::BrokenDown(code, Box::new(found)));
        });
    }

    /// Fetches the whole of the opened event if only a summary of it is here: at once, and again every
    /// second until it is here.
    pub(crate) fn fetch(&mut self, opened: Option<u64>) {
        let Forwarder::Remote(remote) = &self.forwarder else {
            return;
        };
        let summary = opened.filter(|sequence| remote.is_summary(*sequence));
        let Some(sequence) = self.fetched.due(summary) else {
            return;
        };
        let (remote, answers) = (remote.clone(), self.answers.clone());
        tokio::spawn(async move {
            let fetched = remote.fetch(sequence).await;
            let fetched =
                fetched.map_err(|error| format!("only a summary of the event is here: {error}"));
            // The screen may be closed by now.
            let _ = answers.send(Action::Fetched(fetched));
        });
    }

    /// Counts the events of the chosen range: at once, and again every second.
    pub(crate) fn count_range(&mut self, range: Option<TimeRange>) {
        let Some(range) = self.counted.due(range) else {
            return;
        };
        let (ring, answers) = (self.forwarder.ring().clone(), self.answers.clone());
        tokio::task::spawn_blocking(move || {
            let figures = Figures::of(range, &ring);
            // The screen may be closed by now.
            let _ = answers.send(Action::RangeCounted(range, Box::new(figures)));
        });
    }

    /// Counts the events of the compared ranges: at once, and again every second.
    pub(crate) fn compare(&mut self, ranges: Option<[TimeRange; 2]>) {
        let Some(ranges) = self.compared.due(ranges) else {
            return;
        };
        let (ring, answers) = (self.forwarder.ring().clone(), self.answers.clone());
        tokio::task::spawn_blocking(move || {
            let figures = ranges.map(|range| Figures::of(range, &ring));
            // The screen may be closed by now.
            let _ = answers.send(Action::RangesCompared(ranges, Box::new(figures)));
        });
    }

    /// Collects the properties of the open event type: at once, and again every second.
    pub(crate) fn explore(&mut self, event_type: Option<Arc<str>>) {
        let Some(event_type) = self.explored.due(event_type) else {
            return;
        };
        let (ring, answers) = (self.forwarder.ring().clone(), self.answers.clone());
        tokio::task::spawn_blocking(move || {
            let found = Properties::of(&event_type, &ring);
            // The screen may be closed by now.
            let _ = answers.send(Action::Properties(event_type, Box::new(found)));
        });
    }

    /// Answers the open question: at once, and again every second.
    pub(crate) fn explain(&mut self, asked: Option<String>) {
        let Some(asked) = self.asked.due(asked) else {
            return;
        };
        let (forwarder, answers) = (self.forwarder.clone(), self.answers.clone());
        tokio::spawn(async move {
            let (question, ring) = (asked.clone(), forwarder.ring().clone());
            let reading = tokio::task::spawn_blocking(move || Answer::of(&question, &ring));
            let Ok(mut answer) = reading.await else {
                return;
            };
            let whose = DeadLetterSelection::Person(answer.person_id(&asked).to_owned());
            let found = forwarder.dead_letters(whose, DEAD_LETTERS_PER_PERSON);
            // The pane of the dead letters reports errors.
            answer.dead_letters = found.await.unwrap_or_default();
            // The screen may be closed by now.
            let _ = answers.send(Action::Answered(asked, Box::new(answer)));
        });
    }

    /// Summarizes the events of the open person: at once, and again every second.
    pub(crate) fn summarize(&mut self, identity: Option<Identity>) {
        let Some(identity) = self.summarized.due(identity) else {
            return;
        };
        let (forwarder, answers) = (self.forwarder.clone(), self.answers.clone());
        tokio::spawn(async move {
            let (who, ring) = (identity.clone(), forwarder.ring().clone());
            let reading = tokio::task::spawn_blocking(move || Summary::of(&who, &ring));
            let Ok(mut summary) = reading.await else {
                return;
            };
            let whose = DeadLetterSelection::Person(identity.id().to_owned());
            let found = forwarder.dead_letters(whose, DEAD_LETTERS_PER_PERSON);
            // The pane of the dead letters reports errors.
            summary.dead_letters = found.await.unwrap_or_default();
            // The screen may be closed by now.
            let _ = answers.send(Action::Summarized(identity, Box::new(summary)));
        });
    }
}

/// Waits until the pipeline has ended. Never completes if it is not ending.
pub(crate) async fn ended(ending: &mut Option<JoinHandle<ShutdownReport>>) -> ShutdownReport {
    match ending {
        Some(task) => match task.await {
            Ok(ended) => ended,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        },
        None => std::future::pending().await,
    }
}
