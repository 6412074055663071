//! A relay's own small screen: who sends, who reads and how far each is behind, how full ring
//! and log are, what happened.

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
pub use lines::{Lines, LogLine};
use state::{Effect, Labels, State};
use tokio::time::MissedTickBehavior;

use crate::relay::Relay;
use crate::tui::terminal::screen as terminal;
use crate::tui::terminal::screen::Screen;
use crate::tui::widget::theme::Theme;
use crate::{config, signals};

/// How the relay stands is looked up this often.
const LOOK: Duration = Duration::from_millis(250);

/// What the screen is opened with.
#[derive(Debug)]
pub struct Opening {
    /// The relay.
    pub relay: Relay,
    /// Where the log goes.
    pub lines: Lines,
    /// What it asks of those who send and read.
    pub asks: &'static str,
    /// What it looks like.
    pub look: config::Screen,
}

/// Opens the screen until the operator leaves, a signal comes, or the terminal is gone, which
/// `hung_up` may tell too.
pub async fn run(opening: Opening, hung_up: impl Future<Output = ()>) -> io::Result<()> {
    let Opening {
        relay,
        lines,
        asks,
        look,
    } = opening;
    let colours = terminal::colours(look.theme);
    let mut screen = Screen::open(&format!("sluicegate relay {}", relay.url()))?;
    let labels = Labels {
        url: relay.url(),
        feed_url: relay.feed_url(),
        asks: asks.to_owned(),
    };
    let mut state = State::new(labels, colours, relay.status(), screen.size()?);
    let mut keys = EventStream::new();
    let mut terminations = signals::terminations();
    let mut look_again = tokio::time::interval(LOOK);
    look_again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(hung_up);
    loop {
        let effect = tokio::select! {
            key = keys.next() => match key {
                Some(Ok(Event::Key(key))) => state.press(key),
                Some(Ok(Event::Resize(columns, rows))) => {
                    state.size = (columns, rows);
                    None
                }
                Some(Ok(_)) => None,
                Some(Err(_)) | None => return Ok(()),
            },
            _ = look_again.tick() => {
                state.stand(relay.status(), lines.all());
                None
            }
            Some(()) = terminations.recv() => return Ok(()),
            () = &mut hung_up => return Ok(()),
        };
        match effect {
            Some(Effect::Close) => return Ok(()),
            Some(Effect::Redraw) => screen.clear()?,
            None => {}
        }
        let theme = Theme::of(state.colours, look.ascii);
        if !screen.draw(|frame| view::draw(frame, &state, &theme))? {
            return Ok(());
        }
    }
}
