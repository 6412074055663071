//! What a relay's screen shows, and what keys do to it. Plain data; no terminal.

use std::collections::VecDeque;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::config::Theme;
use crate::feed::server::ClientStatus;
use crate::relay::RelayStatus;
use crate::relay::sources::SourceStatus;
use crate::tui::relay::LogLine;
use crate::tui::relay::layout::{Pane, room_of};

/// Rates are averages over so many seconds.
const RATE_SECONDS: usize = 5;
/// The course of what comes in goes back so many seconds.
const COURSE_SECONDS: usize = 600;

/// What does not change.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// Where to send events to.
    pub url: String,
    /// Where to subscribe.
    pub feed_url: String,
    /// What it asks of those who send and read.
    pub asks: String,
}

/// What the shell has to do for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Leave.
    Close,
    /// Draw everything anew.
    Redraw,
}

/// The state.
#[derive(Debug, Clone)]
pub struct State {
    /// What does not change.
    pub labels: Labels,
    /// How the relay stands.
    pub standing: RelayStatus,
    /// How it stood, once a second, the present second last.
    seconds: VecDeque<RelayStatus>,
    /// Events a second, the oldest first.
    pub course: VecDeque<f64>,
    /// The log.
    pub lines: Vec<LogLine>,
    /// The pane that keys scroll.
    pub focus: Pane,
    /// How far each pane is scrolled: the log from its end, the others from their start.
    scroll: [usize; 3],
    /// Whether the keys are told.
    pub help: bool,
    /// Whether leaving is to be confirmed: clients are connected.
    pub leaving: bool,
    /// The colours.
    pub colours: Theme,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
}

impl State {
    /// The screen of a relay that stands so.
    pub fn new(labels: Labels, colours: Theme, standing: RelayStatus, size: (u16, u16)) -> Self {
        Self {
            labels,
            seconds: VecDeque::from([standing.clone()]),
            standing,
            course: VecDeque::new(),
            lines: Vec::new(),
            focus: Pane::Sources,
            scroll: [0; 3],
            help: false,
            leaving: false,
            colours,
            size,
        }
    }

    /// How it stands now, and what the log says.
    pub fn stand(&mut self, standing: RelayStatus, lines: Vec<LogLine>) {
        if let Some(last) = self.seconds.back()
            && standing.at_ms.div_euclid(1_000) > last.at_ms.div_euclid(1_000)
        {
            let seconds = (standing.at_ms - last.at_ms) as f64 / 1_000.0;
            let more = standing.received.saturating_sub(last.received) as f64;
            self.course.push_back(more / seconds);
            if self.course.len() > COURSE_SECONDS {
                self.course.pop_front();
            }
            self.seconds.push_back(standing.clone());
            if self.seconds.len() > RATE_SECONDS + 1 {
                self.seconds.pop_front();
            }
        }
        self.standing = standing;
        self.lines = lines;
    }

    /// What grew from a few seconds ago until now, a second.
    fn rate(&self, of: impl Fn(&RelayStatus) -> Option<u64>) -> f64 {
        let (Some(first), Some(last)) = (self.seconds.front(), self.seconds.back()) else {
            return 0.0;
        };
        let seconds = (last.at_ms - first.at_ms) as f64 / 1_000.0;
        if seconds < 0.5 {
            return 0.0;
        }
        let more = of(last).unwrap_or(0).saturating_sub(of(first).unwrap_or(0));
        more as f64 / seconds
    }

    /// Events that come in, a second.
    pub fn rate_in(&self) -> f64 {
        self.rate(|standing| Some(standing.received))
    }

    /// Messages that go out, a second. A client that has gone takes nothing away from it.
    pub fn rate_out(&self) -> f64 {
        let clients = &self.standing.clients;
        clients.iter().map(|client| self.rate_to(client)).sum()
    }

    /// Events of a source, a second.
    pub fn rate_of(&self, source: &SourceStatus) -> f64 {
        self.rate(|standing| {
            let is_it = |row: &&SourceStatus| {
                (row.endpoint, row.address) == (source.endpoint, source.address)
                    && row.agent == source.agent
            };
            standing.sources.iter().find(is_it).map(|row| row.events)
        })
    }

    /// Messages that a client is sent, a second.
    pub fn rate_to(&self, client: &ClientStatus) -> f64 {
        self.rate(|standing| {
            let is_it =
                |row: &&ClientStatus| row.name == client.name && row.since_ms == client.since_ms;
            standing.clients.iter().find(is_it).map(|row| row.sent)
        })
    }

    /// The rows of a list that are shown.
    pub fn shown(&self, pane: Pane) -> std::ops::Range<usize> {
        let (rows, room) = (self.rows(pane), room_of(pane, self.size));
        let most = rows.saturating_sub(room);
        let scroll = self.scroll[pane as usize].min(most);
        let first = match pane {
            Pane::Log => most - scroll,
            Pane::Sources | Pane::Clients => scroll,
        };
        first..rows.min(first + room)
    }

    fn rows(&self, pane: Pane) -> usize {
        match pane {
            Pane::Sources => self.standing.sources.len(),
            Pane::Clients => self.standing.clients.len(),
            Pane::Log => self.lines.len(),
        }
    }

    fn scroll_by(&mut self, down: isize) {
        let room = room_of(self.focus, self.size);
        let last = self.rows(self.focus).saturating_sub(room);
        let scroll = &mut self.scroll[self.focus as usize];
        // The log is read from its end.
        let by = if self.focus == Pane::Log { -down } else { down };
        *scroll = (*scroll).min(last).saturating_add_signed(by).min(last);
    }

    /// A key.
    pub fn press(&mut self, key: KeyEvent) -> Option<Effect> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c' | 'd') if ctrl => return Some(Effect::Close),
            KeyCode::Char('l') if ctrl => return Some(Effect::Redraw),
            _ if ctrl => return None,
            _ => {}
        }
        if self.leaving {
            self.leaving = false;
            let yes = matches!(key.code, KeyCode::Char('y' | 'q') | KeyCode::Enter);
            return yes.then_some(Effect::Close);
        }
        if self.help {
            self.help = false;
            return None;
        }
        match key.code {
            // Who reads the feed is not left without it by a slip.
            KeyCode::Char('q') if self.standing.clients.is_empty() => return Some(Effect::Close),
            KeyCode::Char('q') => self.leaving = true,
            KeyCode::Char('?') | KeyCode::F(1) => self.help = true,
            KeyCode::Char('C') => self.colours = self.colours.next(),
            KeyCode::Tab => self.focus = self.focus.step(1),
            KeyCode::BackTab => self.focus = self.focus.step(Pane::ALL.len() - 1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll_by(1),
            KeyCode::Up | KeyCode::Char('k') => self.scroll_by(-1),
            KeyCode::PageDown => self.scroll_by(10),
            KeyCode::PageUp => self.scroll_by(-10),
            KeyCode::Home | KeyCode::Char('0') => self.scroll_by(isize::MIN + 1),
            KeyCode::End | KeyCode::Char('G') => self.scroll_by(isize::MAX),
            _ => {}
        }
        None
    }
}
