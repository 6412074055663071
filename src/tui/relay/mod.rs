//! The screen of a relay: senders, clients and their lag, usage of ring and log, log messages.

pub mod layout;
pub mod lines;
mod lists;
pub mod state;
pub mod view;

use std::future::Future;
use std::io;
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
pub use lines::{LogLine, LogLines};
use state::{RelayEffect, RelayLabels, RelayState};
use tokio::time::MissedTickBehavior;

use crate::relay::Relay;
use crate::tui::terminal::screen as terminal;
use crate::tui::terminal::screen::Screen;
use crate::tui::widget::theme::Theme;
use crate::{config, signals};

/// Interval of updates.
const LOOK: Duration = Duration::from_millis(250);

/// The arguments that the screen is opened with.
#[derive(Debug)]
pub struct Opening {
    /// The relay.
    pub relay: Relay,
    /// The log messages.
    pub lines: LogLines,
    /// The credentials that the relay asks for.
    pub asks: &'static str,
    /// The `screen` section of the configuration.
    pub look: config::Screen,
}

/// Opens the screen until the operator quits, a signal arrives, or the terminal is closed. `hung_up`
/// completes when the terminal is closed.
pub async fn run(opening: Opening, hung_up: impl Future<Output = ()>) -> io::Result<()> {
    let Opening {
        relay,
        lines,
        asks,
        look,
    } = opening;
    let colours = terminal::colours(look.theme);
    let mut screen = Screen::open(&format!("sluicegate relay {}", relay.url()))?;
    let labels = RelayLabels {
        url: relay.url(),
        feed_url: relay.feed_url(),
        asks: asks.to_owned(),
    };
    let mut state = RelayState::new(labels, colours, relay.status(), screen.size()?);
    let mut keys = EventStream::new();
    let mut terminations = signals::terminations();
    let mut look_again = tokio::time::interval(LOOK);
    look_again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(hung_up);
    loop {
        let effect = tokio::select! {
            key = keys.next() => match key {
                Some(Ok(Event::Key(key))) => state.press(key),
                Some(Ok(_)) => None,
                Some(Err(_)) | None => return Ok(()),
            },
            _ = look_again.tick() => {
                state.update(relay.status(), lines.all());
                None
            }
            Some(()) = terminations.recv() => return Ok(()),
            () = &mut hung_up => return Ok(()),
        };
        match effect {
            Some(RelayEffect::Close) => return Ok(()),
            Some(RelayEffect::Redraw) => screen.clear()?,
            None => {}
        }
        // The event of a resize may be missing, when a key came at the same moment.
        state.size = screen.size().unwrap_or(state.size);
        let theme = Theme::of(state.colours, look.ascii);
        if !screen.draw(|frame| view::draw(frame, &state, &theme))? {
            return Ok(());
        }
    }
}
