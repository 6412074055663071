//! The event loop of the screen. It reads keys and snapshots, carries out effects, and draws when
//! something has changed, at most at the configured frame rate. It uses snapshots, records and
//! commands of the pipeline only.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use ratatui::Frame;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::amplitude::time;
use crate::config::save;
use crate::control::remote::Remote;
use crate::pipeline::{Pipeline, ShutdownReport};
use crate::protocol::VersionedFilters;
use crate::signals::Hangup;
use crate::tui::action::{Action, Effect, ReloadOutcome};
use crate::tui::dead_letters::query::previewed_group;
use crate::tui::detail::query::opened_event;
use crate::tui::filters::preview::query::Previewer;
use crate::tui::forwarder::Forwarder;
use crate::tui::frame::news::has_news;
use crate::tui::inputs::Inputs;
use crate::tui::jobs::{Jobs, ended};
use crate::tui::memory::{Memory, MemoryWriter};
use crate::tui::ndjson_file::write_ndjson;
use crate::tui::opening::{Opening, Reload};
use crate::tui::session::Session;
use crate::tui::terminal::event::terminal_action;
use crate::tui::terminal::screen::Screen;
use crate::tui::terminal::{clipboard, screen as terminal};
use crate::tui::view;
use crate::tui::watches::query::Watcher;
use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;

const SECOND: Duration = Duration::from_secs(1);

/// Opens the screen on a pipeline, and drains the pipeline when the operator quits. Returns the
/// result of the pipeline; none if it was not drained.
pub async fn run(pipeline: Pipeline, opening: Opening) -> io::Result<Option<ShutdownReport>> {
    let forwarder = Forwarder::Here(pipeline.handle().clone());
    open(forwarder, Some(pipeline), opening).await
}

/// Opens the screen on a forwarder in another process, which goes on when the operator quits.
pub async fn attach(remote: Remote, opening: Opening) -> io::Result<()> {
    let closed = open(Forwarder::Remote(remote), None, opening).await;
    closed.map(drop)
}

async fn open(
    forwarder: Forwarder,
    pipeline: Option<Pipeline>,
    opening: Opening,
) -> io::Result<Option<ShutdownReport>> {
    // Asked before the screen is open: the terminal answers as if keys were pressed.
    let colours = terminal::colours(opening.look.theme);
    let mut screen = Screen::open(&format!("sluicegate {}", opening.labels.workspace))?;
    screen.take_mouse(opening.look.mouse)?;
    let (state, unread) = opening.state(colours, screen.size()?);
    let folder = state.labels.folder.clone();
    let Opening {
        look,
        drain,
        reload,
        memory,
        ..
    } = opening;
    let answers = mpsc::unbounded_channel();
    if let Some(why) = unread {
        // This function holds the receiver, so sending cannot fail.
        let _ = answers.0.send(Action::Notice(Err(why)));
    }
    let ring = forwarder.ring().clone();
    let shell = Shell {
        session: Session::new(state, forwarder.query_settings(), ring.clone()),
        screen,
        theme: Theme::of(colours, look.ascii),
        frame: SECOND / look.frames_per_second.get().min(60),
        previewer: Previewer::new(ring.clone()),
        memory: MemoryWriter::new(memory, answers.0.clone()),
        jobs: Jobs::new(forwarder.clone(), folder, answers.0.clone()),
        answers,
        watcher: Watcher::new(ring, time::now),
        forwarder,
        pipeline,
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
    session: Session,
    screen: Screen,
    theme: Theme,
    /// Minimum time between two frames.
    frame: Duration,
    previewer: Previewer,
    /// The results of background work.
    answers: (
        mpsc::UnboundedSender<Action>,
        mpsc::UnboundedReceiver<Action>,
    ),
    /// Counts the events that meet the watched conditions.
    watcher: Watcher,
    /// Saves the layout and the watches.
    memory: MemoryWriter,
    jobs: Jobs,
    forwarder: Forwarder,
    /// None once draining has started, and if the forwarder is another process.
    pipeline: Option<Pipeline>,
    drain: Duration,
    reload: Option<Reload>,
    hurry: CancellationToken,
    ending: Option<JoinHandle<ShutdownReport>>,
    /// The result of the pipeline, once it has ended.
    ended: Option<ShutdownReport>,
    closed: bool,
    /// Whether there is a terminal to read keys from, and to draw on.
    has_terminal: bool,
    dirty: bool,
    drawn_second: i64,
}

impl Shell {
    async fn run(mut self) -> io::Result<Option<ShutdownReport>> {
        let mut inputs = Inputs::new(&self.forwarder);
        let mut next_frame = Instant::now();
        loop {
            let action = self.next_action(&mut inputs, next_frame).await;
            let is_input = matches!(
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
            // Input is answered at once; everything else waits for the next frame.
            if self.dirty && (is_input || Instant::now() >= next_frame) {
                next_frame = self.draw().await?;
            }
        }
    }

    /// Waits for the next action. None when it is time for a frame.
    async fn next_action(&mut self, inputs: &mut Inputs, next_frame: Instant) -> Option<Action> {
        tokio::select! {
            key = inputs.keys.next(), if self.has_terminal => terminal_action(key),
            Ok(()) = inputs.snapshots.changed() => {
                Some(Action::Snapshot(inputs.snapshots.borrow_and_update().clone()))
            }
            Some(()) = inputs.terminations.recv() => Some(Action::Terminated),
            // A failed pipeline neither receives nor sends.
            () = &mut inputs.failed, if !inputs.has_failed => {
                inputs.has_failed = true;
                Some(Action::Terminated)
            }
            Some(hangup) = inputs.hangups.recv() => Some(match hangup {
                Hangup::Reload => Action::Hangup,
                Hangup::TerminalGone => Action::TerminalGone,
            }),
            Some(answer) = self.answers.1.recv() => Some(answer),
            counts = self.watcher.next() => Some(Action::Watched(counts)),
            preview = self.previewer.next() => Some(Action::Previewed(Box::new(preview))),
            ended = ended(&mut self.ending) => {
                self.ending = None;
                self.ended = Some(ended);
                Some(Action::Drained)
            }
            () = tokio::time::sleep_until(next_frame), if self.dirty => None,
        }
    }

    /// Draws a frame. Returns the earliest time of the next one.
    async fn draw(&mut self) -> io::Result<Instant> {
        self.session.refresh(self.screen.size().ok());
        self.start_queries();
        let began = Instant::now();
        let draw = |frame: &mut Frame<'_>| view::draw(frame, &self.session.state, &self.theme);
        if !self.screen.draw(draw)? {
            self.has_terminal = false;
            self.act(Action::TerminalGone).await?;
        }
        self.dirty = false;
        // A slow connection gets fewer frames, so that keys get through.
        let took = began.elapsed();
        Ok(Instant::now() + self.frame.max(took * 2))
    }

    /// Starts the background queries that the open panes need.
    fn start_queries(&mut self) {
        self.previewer.ask(self.session.question());
        let state = &self.session.state;
        self.watcher.ask(&state.watches);
        let person = state.overlays.person().map(|open| open.identity.clone());
        self.jobs.summarize(person);
        let limit = state.overlays.limit().map(|open| open.code);
        self.jobs.break_down(limit);
        self.jobs.preview_group(previewed_group(state).cloned());
        let open = state.overlays.properties();
        self.jobs.explore(open.map(|open| open.event_type.clone()));
        let why = state.overlays.why();
        self.jobs.explain(why.map(|open| open.asked.clone()));
        self.jobs.count_range(state.chosen_range());
        self.jobs.fetch(opened_event(state));
        self.jobs.compare(state.compared_ranges());
    }

    /// Whether an action needs a frame. A snapshot in which only the clock has changed is drawn
    /// once a second.
    fn is_worth_drawing(&mut self, action: &Action) -> bool {
        let Action::Snapshot(new) = action else {
            return true;
        };
        let second = new.at_ms.div_euclid(1_000);
        if second != self.drawn_second {
            self.drawn_second = second;
            return true;
        }
        self.session.state.frozen.is_none() && has_news(&self.session.state.snapshot, new)
    }

    async fn act(&mut self, action: Action) -> io::Result<()> {
        let mut actions = vec![action];
        while let Some(action) = actions.pop() {
            for effect in self.session.act(action) {
                actions.extend(self.carry_out(effect).await?);
            }
        }
        Ok(())
    }

    /// Carries out an effect. Returns its result, if that is known at once.
    async fn carry_out(&mut self, effect: Effect) -> io::Result<Option<Action>> {
        match effect {
            Effect::Pipeline(_)
            | Effect::Reload
            | Effect::Save(_)
            | Effect::SavePreset(..)
            | Effect::ExportHistory(_)
            | Effect::ExportDeadLetters(_)
            | Effect::DeadLetters(_) => Ok(self.request(effect).await),
            Effect::Copy(format, text) => {
                self.screen.copy(&text)?;
                let size = text::bytes(text.len());
                let notice = format!("{format} sent to the terminal's clipboard, {size}");
                if clipboard::System::is_here() {
                    self.jobs.put_into_clipboard(format, text);
                }
                Ok(Some(Action::Notice(Ok(notice))))
            }
            Effect::Notify(_)
            | Effect::Title(_)
            | Effect::Suspend
            | Effect::Colours(_)
            | Effect::Mouse(_)
            | Effect::Redraw => self.on_terminal(effect).map(|()| None),
            _ => {
                self.start(effect);
                Ok(None)
            }
        }
    }

    /// Carries out an effect whose result the screen waits for.
    async fn request(&mut self, effect: Effect) -> Option<Action> {
        Some(match effect {
            // Another process takes its time, in which keys are answered.
            Effect::Pipeline(command) if matches!(self.forwarder, Forwarder::Remote(_)) => {
                self.jobs.apply(command);
                return None;
            }
            Effect::Pipeline(command) => self.forwarder.carry_out(command).await,
            Effect::Reload => {
                let reloaded = self.reload().await;
                self.session.settings = self.forwarder.query_settings();
                Action::Reloaded(reloaded)
            }
            Effect::Save(filters) => {
                let save = move |path: &Path| save::filters(path, &filters);
                Action::Notice(Jobs::save(self.save_path(), "filters saved to", save).await)
            }
            Effect::SavePreset(name, filters) => {
                let did = match filters {
                    Some(_) => format!("preset “{name}” saved to"),
                    None => format!("preset “{name}” deleted from"),
                };
                let save = move |path: &Path| save::preset(path, &name, filters.as_ref());
                Action::Notice(Jobs::save(self.save_path(), &did, save).await)
            }
            Effect::ExportHistory(ndjson) => {
                let folder = self.session.state.labels.folder.clone();
                Action::Exported(write_ndjson(folder, "filter-changes", "changes", ndjson).await)
            }
            Effect::ExportDeadLetters(which) => Action::Exported(self.jobs.export(which).await),
            Effect::DeadLetters(which) => Action::DeadLetters(self.jobs.dead_letters(which).await),
            _ => return None,
        })
    }

    /// Starts background work, or changes the shell itself.
    fn start(&mut self, effect: Effect) {
        match effect {
            Effect::Drain => match self.pipeline.take() {
                Some(pipeline) => {
                    self.ending = Some(tokio::spawn(pipeline.end(self.drain, self.hurry.clone())));
                }
                // Another process goes on without this screen.
                None if self.ending.is_none() => self.closed = true,
                None => {}
            },
            Effect::Hurry => self.hurry.cancel(),
            Effect::Remember => self.memory.save(Memory::of(&self.session.state)),
            Effect::Close => self.closed = true,
            _ => self.jobs.start(effect),
        }
    }

    /// Carries out an effect on the terminal.
    fn on_terminal(&mut self, effect: Effect) -> io::Result<()> {
        match effect {
            Effect::Notify(message) => self.screen.notify(&message)?,
            Effect::Title(title) => self.screen.set_title(&title)?,
            Effect::Suspend => {
                self.screen.suspend()?;
                self.screen.take_mouse(self.session.state.has_mouse)?;
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
        self.session.state.labels.save_to.clone()
    }

    async fn reload(&self) -> Result<(ReloadOutcome, VersionedFilters), String> {
        let Some(reload) = &self.reload else {
            return Err("the demo has no configuration file to reload".to_owned());
        };
        let reread = reload().await?;
        Ok((reread, self.forwarder.versioned_filters()))
    }
}
