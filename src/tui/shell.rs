//! The loop around the screen: it reads keys, takes snapshots, carries out effects, and draws, only
//! when something changed and as often as the settings say. It speaks to the pipeline by snapshots,
//! records and commands only.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossterm::event::EventStream;
use futures_util::StreamExt;
use ratatui::Frame;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::amplitude::time;
use crate::config::save::{self};
use crate::filter::Filters;
use crate::filter::preview::Batching;
use crate::pipeline::{Ended, Handle, Pipeline};
use crate::protocol::Record;
use crate::signals::{
    Hangup, {self},
};
use crate::tui::action::{Action, Effect, Reread};
use crate::tui::events::finder::Finder;
use crate::tui::filters::preview::query::{Previewer, Question};
use crate::tui::frame::news::says_something_new;
use crate::tui::inspector::query::Inspected;
use crate::tui::jobs::{Jobs, ended, write_ndjson};
use crate::tui::memory::{Memory, MemoryWriter};
use crate::tui::opening::{Opening, Reload};
use crate::tui::person::query::Identity;
use crate::tui::state::State;
use crate::tui::terminal::event::terminal_action;
use crate::tui::terminal::screen::Screen;
use crate::tui::terminal::{clipboard, screen as terminal};
use crate::tui::watches::query::Watcher;
use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;
use crate::tui::{update, view};

const SECOND: Duration = Duration::from_secs(1);

/// Opens the screen on a pipeline, and drains it when the operator leaves. Returns how it ended.
pub async fn run(pipeline: Pipeline, opening: Opening) -> io::Result<Option<Ended>> {
    // Before the screen is open: the terminal answers on the keyboard's side.
    let colours = terminal::colours(opening.look.theme);
    let mut screen = Screen::open(&format!("sluicegate {}", opening.labels.workspace))?;
    screen.take_mouse(opening.look.mouse)?;
    let handle = pipeline.handle().clone();
    let (state, unread) = opening.state(colours, screen.size()?);
    let Opening {
        look,
        drain,
        reload,
        memory,
        ..
    } = opening;
    let answers = mpsc::unbounded_channel();
    if let Some(why) = unread {
        // The other end is in the same hands.
        let _ = answers.0.send(Action::Notice(Err(why)));
    }
    let shell = Shell {
        state,
        screen,
        theme: Theme::of(colours, look.ascii),
        frame: SECOND / look.frames_per_second.get().min(60),
        finder: Finder::new(handle.ring().clone()),
        previewer: Previewer::new(handle.ring().clone()),
        memory: MemoryWriter::new(memory, answers.0.clone()),
        jobs: Jobs::new(handle.clone(), answers.0.clone()),
        answers,
        watcher: Watcher::new(handle.ring().clone(), time::now),
        handle,
        pipeline: Some(pipeline),
        drain,
        reload,
        hurry: CancellationToken::new(),
        ending: None,
        ended: None,
        closed: false,
        has_terminal: true,
        dirty: true,
        drawn_second: 0,
    };
    Box::pin(shell.run()).await
}

struct Shell {
    screen: Screen,
    state: State,
    theme: Theme,
    /// So long a frame stays, at the least.
    frame: Duration,
    finder: Finder,
    previewer: Previewer,
    /// What was asked for and is being worked on beside the screen.
    answers: (
        mpsc::UnboundedSender<Action>,
        mpsc::UnboundedReceiver<Action>,
    ),
    /// What is watched.
    watcher: Watcher,
    /// Saves the layout and the watches.
    memory: MemoryWriter,
    jobs: Jobs,
    handle: Handle,
    /// Until it is drained.
    pipeline: Option<Pipeline>,
    drain: Duration,
    reload: Option<Reload>,
    hurry: CancellationToken,
    ending: Option<JoinHandle<Ended>>,
    /// How the pipeline ended, once it has.
    ended: Option<Ended>,
    closed: bool,
    /// Whether there is a terminal to read keys from, and to draw on.
    has_terminal: bool,
    dirty: bool,
    drawn_second: i64,
}

impl Shell {
    async fn run(mut self) -> io::Result<Option<Ended>> {
        let mut keys = EventStream::new();
        let mut snapshots = self.handle.snapshots();
        let mut terminations = signals::terminations();
        let mut hangups = signals::hangups();
        let mut next_frame = Instant::now();
        let pipeline = self.handle.clone();
        let failed = async move { pipeline.failed().await };
        tokio::pin!(failed);
        let mut has_failed = false;
        loop {
            let action = tokio::select! {
                key = keys.next(), if self.has_terminal => terminal_action(key),
                Ok(()) = snapshots.changed() => Some(Action::Snapshot(snapshots.borrow_and_update().clone())),
                Some(()) = terminations.recv() => Some(Action::Terminated),
                // Nothing comes in, or out, any more.
                () = &mut failed, if !has_failed => {
                    has_failed = true;
                    Some(Action::Terminated)
                }
                Some(hangup) = hangups.recv() => Some(match hangup {
                    Hangup::Reload => Action::Hangup,
                    Hangup::TerminalGone => Action::TerminalGone,
                }),
                Some(answer) = self.answers.1.recv() => Some(answer),
                seen = self.watcher.next() => Some(Action::Watched(seen)),
                preview = self.previewer.next() => Some(Action::Previewed(Box::new(preview))),
                ended = ended(&mut self.ending) => {
                    self.ending = None;
                    self.ended = Some(ended);
                    Some(Action::Drained)
                }
                () = tokio::time::sleep_until(next_frame), if self.dirty => None,
            };
            let keyed = matches!(
                action,
                Some(Action::Key(_) | Action::Mouse(_) | Action::Paste(_))
            );
            if let Some(action) = action {
                self.has_terminal &= !matches!(action, Action::TerminalGone);
                self.dirty |= self.is_worth_drawing(&action);
                self.act(action).await?;
            }
            self.dirty &= self.has_terminal;
            self.memory.work();
            if self.closed {
                self.memory.end().await;
                return Ok(self.ended);
            }
            // A key is answered at once; what comes by itself waits for its frame.
            if self.dirty && (keyed || Instant::now() >= next_frame) {
                self.turn_page().await?;
                let began = Instant::now();
                let draw = |frame: &mut Frame<'_>| view::draw(frame, &self.state, &self.theme);
                if !self.screen.draw(draw)? {
                    self.has_terminal = false;
                    self.act(Action::TerminalGone).await?;
                }
                self.dirty = false;
                // A line that takes long for a frame gets fewer of them, so that keys get through.
                let took = began.elapsed();
                next_frame = Instant::now() + self.frame.max(took * 2);
            }
        }
    }

    /// A snapshot that says nothing new is drawn only when the clock shows another second.
    fn is_worth_drawing(&mut self, action: &Action) -> bool {
        let Action::Snapshot(new) = action else {
            return true;
        };
        let second = new.at_ms.div_euclid(1_000);
        if second != self.drawn_second {
            self.drawn_second = second;
            return true;
        }
        self.state.frozen.is_none() && says_something_new(&self.state.snapshot, new)
    }

    async fn act(&mut self, action: Action) -> io::Result<()> {
        let mut actions = vec![action];
        while let Some(action) = actions.pop() {
            for effect in update::update(&mut self.state, action) {
                actions.extend(self.carry_out(effect).await?);
            }
        }
        Ok(())
    }

    async fn carry_out(&mut self, effect: Effect) -> io::Result<Option<Action>> {
        let answer = match effect {
            Effect::Pipeline(command) => {
                let applied = self.handle.apply(command).await;
                Some(Action::Applied(applied.map_err(|error| error.to_string())))
            }
            Effect::Save(filters) => {
                let save = move |path: &Path| save::filters(path, &filters);
                Some(Action::Notice(
                    Jobs::save(self.save_path(), "filters saved to", save).await,
                ))
            }
            Effect::SavePreset(name, filters) => {
                let did = match filters {
                    Some(_) => format!("“{name}” is kept in"),
                    None => format!("“{name}” is taken out of"),
                };
                let save = move |path: &Path| save::preset(path, &name, filters.as_ref());
                Some(Action::Notice(
                    Jobs::save(self.save_path(), &did, save).await,
                ))
            }
            Effect::Reload => Some(Action::Reloaded(self.reload().await)),
            Effect::DeadLetters(which) => Some(Action::DeadLetters(self.jobs.letters(which).await)),
            Effect::ExportDeadLetters(which) => Some(Action::Notice(self.jobs.export(which).await)),
            Effect::Catalog => {
                self.jobs.look_around();
                None
            }
            Effect::ExportHistory(ndjson) => {
                let told = write_ndjson("filter-changes", "the changes are", ndjson).await;
                Some(Action::Notice(told))
            }
            Effect::ExportEvents(events) => {
                self.jobs.export_events(events);
                None
            }
            Effect::Seek(seek, from) => Some(Action::JumpFound(seek, self.finder.seek(seek, from))),
            Effect::Copy(what, text) => {
                self.screen.copy(&text)?;
                let size = text::bytes(text.len());
                let says = format!("{what} is handed to the terminal's clipboard, {size}");
                if clipboard::System::is_here() {
                    self.jobs.put_into_clipboard(what, text);
                }
                Some(Action::Notice(Ok(says)))
            }
            Effect::Who(sequence) => {
                let record = self.finder.record(sequence);
                let event = record.as_ref().and_then(Record::event);
                Some(Action::Who(event.and_then(Identity::of)))
            }
            Effect::Inspect(sequence) => Some(Action::Inspected(self.inspected(sequence))),
            Effect::Drain => {
                if let Some(pipeline) = self.pipeline.take() {
                    self.ending = Some(tokio::spawn(pipeline.end(self.drain, self.hurry.clone())));
                }
                None
            }
            Effect::Hurry => {
                self.hurry.cancel();
                None
            }
            Effect::Remember => {
                self.memory.save(Memory {
                    layout: self.state.layout.clone(),
                    watches: self.state.watches.clone(),
                });
                None
            }
            effect @ (Effect::Notify(_)
            | Effect::Title(_)
            | Effect::Suspend
            | Effect::Colours(_)
            | Effect::Mouse(_)
            | Effect::Redraw) => {
                self.on_terminal(effect)?;
                None
            }
            Effect::Close => {
                self.closed = true;
                None
            }
        };
        Ok(answer)
    }

    /// Carries out an effect on the terminal alone.
    fn on_terminal(&mut self, effect: Effect) -> io::Result<()> {
        match effect {
            Effect::Notify(says) => self.screen.notify(&says)?,
            Effect::Title(title) => self.screen.set_title(&title)?,
            Effect::Suspend => {
                self.screen.suspend()?;
                self.screen.take_mouse(self.state.has_mouse)?;
                self.dirty = true;
            }
            Effect::Colours(colours) => {
                self.theme = Theme::of(colours, self.theme.ascii);
            }
            Effect::Mouse(take) => self.screen.take_mouse(take)?,
            Effect::Redraw => {
                self.screen.clear()?;
                self.dirty = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn save_path(&self) -> Option<PathBuf> {
        self.state.labels.save_to.clone()
    }

    async fn reload(&self) -> Result<(Reread, Filters), String> {
        let Some(reload) = &self.reload else {
            return Err("the demo has no configuration file: there is nothing to read".to_owned());
        };
        let reread = reload().await?;
        Ok((reread, self.handle.filters()))
    }

    fn inspected(&self, sequence: u64) -> Option<Box<Inspected>> {
        let record = self.finder.record(sequence)?;
        let snapshot = &self.state.snapshot;
        let mapping = &self.handle.terms().mapping;
        let found = Inspected::of(record, &snapshot.filters, snapshot.mode, mapping);
        Some(Box::new(found))
    }

    /// What is proposed, and by what terms its effect is measured.
    fn question(&self) -> Option<Question> {
        let after = self.state.proposed()?;
        let settings = self.handle.settings();
        Some(Question {
            before: self.state.filters.clone(),
            after,
            batching: Batching {
                age: settings.delivery.batch_age,
                bytes: settings.delivery.batch_bytes,
            },
            send_users: self.handle.terms().mapping.send_users,
        })
    }

    /// Searches on, and turns to the page that the state asks for.
    async fn turn_page(&mut self) -> io::Result<()> {
        self.finder.look_for(self.state.events.find.as_ref());
        self.finder.work();
        let question = self.question();
        let draft = self.state.draft.as_ref().filter(|draft| draft.shows_events);
        self.finder
            .look_through(draft.and(question.as_ref()).cloned());
        self.previewer.ask(question);
        self.watcher.ask(&self.state.watches);
        let person = self.state.overlays.person();
        self.jobs
            .summarize(person.map(|open| open.identity.clone()));
        self.jobs
            .break_down(self.state.overlays.limit().map(|open| open.code));
        let properties = self.state.overlays.properties();
        self.jobs
            .explore(properties.map(|open| open.event_type.clone()));
        let room = self.state.event_rows();
        let events = &mut self.state.events;
        events.room = room;
        let page = self
            .finder
            .page(events.anchor(), events.shift, room, &events.bookmarks);
        self.dirty = !page.complete;
        self.act(Action::Page(page)).await?;
        if let Some(inspector) = self.state.overlays.inspector()
            && inspector.is_outdated(
                self.finder.record(inspector.sequence).as_ref(),
                &self.state.snapshot,
            )
        {
            let found = self.inspected(inspector.sequence);
            self.act(Action::Inspected(found)).await?;
        }
        Ok(())
    }
}
