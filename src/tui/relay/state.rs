//! The state of a relay's screen, and its key presses. Plain data without a terminal.

use std::collections::VecDeque;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::config::Theme;
use crate::feed::server::ClientStatus;
use crate::relay::RelayStatus;
use crate::relay::sources::SourceStatus;
use crate::tui::relay::LogLine;
use crate::tui::relay::layout::{RelayPane, list_rows};

/// Time over which rates are averaged, in seconds.
const RATE_SECONDS: usize = 5;
/// Length of the history, in seconds.
const HISTORY_SECONDS: usize = 600;

/// Texts that do not change.
#[derive(Debug, Clone, Default)]
pub struct RelayLabels {
    /// The URL for senders.
    pub url: String,
    /// The URL of the feed.
    pub feed_url: String,
    /// The credentials that the relay asks for.
    pub asks: String,
}

/// A request of the screen to its loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayEffect {
    /// Close the screen.
    Close,
    /// Clear the terminal and draw everything.
    Redraw,
}

/// The state of a relay's screen.
#[derive(Debug, Clone)]
pub struct RelayState {
    /// Texts that do not change.
    pub labels: RelayLabels,
    /// The latest status of the relay.
    pub status: RelayStatus,
    /// The status once per second, the newest last.
    seconds: VecDeque<RelayStatus>,
    /// Received events per second, the oldest first.
    pub history: VecDeque<f64>,
    /// The log messages.
    pub lines: Vec<LogLine>,
    /// The pane with the focus.
    pub focus: RelayPane,
    /// The scroll position of each pane: the log from its end, the others from their start.
    scroll: [usize; 3],
    /// Whether the help is open.
    pub help: bool,
    /// Whether the question about quitting is open.
    pub leaving: bool,
    /// The colour theme.
    pub colours: Theme,
    /// The size of the terminal, in columns and rows.
    pub size: (u16, u16),
}

impl RelayState {
    /// The screen of a relay with this status.
    pub fn new(labels: RelayLabels, colours: Theme, status: RelayStatus, size: (u16, u16)) -> Self {
        Self {
            labels,
            seconds: VecDeque::from([status.clone()]),
            status,
            history: VecDeque::new(),
            lines: Vec::new(),
            focus: RelayPane::Sources,
            scroll: [0; 3],
            help: false,
            leaving: false,
            colours,
            size,
        }
    }

    /// Takes over a new status and the log messages.
    pub fn update(&mut self, status: RelayStatus, lines: Vec<LogLine>) {
        if let Some(last) = self.seconds.back()
            && status.at_ms.div_euclid(1_000) > last.at_ms.div_euclid(1_000)
        {
            let seconds = (status.at_ms - last.at_ms) as f64 / 1_000.0;
            let more = status.received.saturating_sub(last.received) as f64;
            self.history.push_back(more / seconds);
            if self.history.len() > HISTORY_SECONDS {
                self.history.pop_front();
            }
            self.seconds.push_back(status.clone());
            if self.seconds.len() > RATE_SECONDS + 1 {
                self.seconds.pop_front();
            }
        }
        self.status = status;
        self.lines = lines;
    }

    /// The growth of a counter per second, over the last seconds.
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

    /// Received events per second.
    pub fn rate_in(&self) -> f64 {
        self.rate(|status| Some(status.received))
    }

    /// Sent messages per second. Disconnected clients don't count.
    pub fn rate_out(&self) -> f64 {
        let clients = &self.status.clients;
        clients.iter().map(|client| self.rate_to(client)).sum()
    }

    /// Events per second of a sender.
    pub fn rate_of(&self, source: &SourceStatus) -> f64 {
        self.rate(|status| {
            let is_it = |row: &&SourceStatus| {
                (row.endpoint, row.address) == (source.endpoint, source.address)
                    && row.agent == source.agent
            };
            status.sources.iter().find(is_it).map(|row| row.events)
        })
    }

    /// Messages per second sent to a client.
    pub fn rate_to(&self, client: &ClientStatus) -> f64 {
        self.rate(|status| {
            let is_it =
                |row: &&ClientStatus| row.name == client.name && row.since_ms == client.since_ms;
            status.clients.iter().find(is_it).map(|row| row.sent)
        })
    }

    /// The visible rows of a list.
    pub fn shown(&self, pane: RelayPane) -> std::ops::Range<usize> {
        let (rows, room) = (self.rows(pane), list_rows(pane, self.size));
        let most = rows.saturating_sub(room);
        let scroll = self.scroll[pane as usize].min(most);
        let first = match pane {
            RelayPane::Log => most - scroll,
            RelayPane::Sources | RelayPane::Clients => scroll,
        };
        first..rows.min(first + room)
    }

    fn rows(&self, pane: RelayPane) -> usize {
        match pane {
            RelayPane::Sources => self.status.sources.len(),
            RelayPane::Clients => self.status.clients.len(),
            RelayPane::Log => self.lines.len(),
        }
    }

    fn scroll_by(&mut self, down: isize) {
        let room = list_rows(self.focus, self.size);
        let last = self.rows(self.focus).saturating_sub(room);
        let scroll = &mut self.scroll[self.focus as usize];
        // The log scrolls from its end.
        let by = if self.focus == RelayPane::Log {
            -down
        } else {
            down
        };
        *scroll = (*scroll).min(last).saturating_add_signed(by).min(last);
    }

    /// Handles a key.
    pub fn press(&mut self, key: KeyEvent) -> Option<RelayEffect> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c' | 'd') if ctrl => return Some(RelayEffect::Close),
            KeyCode::Char('l') if ctrl => return Some(RelayEffect::Redraw),
            _ if ctrl => return None,
            _ => {}
        }
        if self.leaving {
            self.leaving = false;
            let yes = matches!(key.code, KeyCode::Char('y' | 'q') | KeyCode::Enter);
            return yes.then_some(RelayEffect::Close);
        }
        if self.help {
            self.help = false;
            return None;
        }
        match key.code {
            // Quitting is confirmed while clients read the feed.
            KeyCode::Char('q') if self.status.clients.is_empty() => {
                return Some(RelayEffect::Close);
            }
            KeyCode::Char('q') => self.leaving = true,
            KeyCode::Char('?') | KeyCode::F(1) => self.help = true,
            KeyCode::Char('C') => self.colours = self.colours.next(),
            KeyCode::Tab => self.focus = self.focus.step(1),
            KeyCode::BackTab => self.focus = self.focus.step(RelayPane::ALL.len() - 1),
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
