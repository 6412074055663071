//! The terminal: taken over at the start, given back whatever happens.

use std::io::{self, Stdout, Write as _, stdout};
use std::sync::Once;

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    SetTitle, disable_raw_mode, enable_raw_mode,
};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;

use super::state::State;
use super::theme::Theme;
use super::view;

/// The terminal while the screen is open. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Screen {
    terminal: ratatui::Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal over.
    pub fn open(title: &str) -> io::Result<Self> {
        restore_on_panic();
        enter()?;
        // Nothing from outside may end the title and go on as a command.
        let title: String = title.chars().map(super::widget::text::visible).collect();
        execute!(stdout(), SetTitle(title))?;
        let terminal = ratatui::Terminal::new(CrosstermBackend::new(stdout()))?;
        Ok(Self { terminal })
    }

    /// Its size, in columns and rows.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|size| (size.width, size.height))
    }

    /// Draws the screen in one synchronized update, so that no half of it is ever seen.
    pub fn draw(&mut self, state: &State, theme: &Theme) -> io::Result<()> {
        execute!(stdout(), BeginSynchronizedUpdate)?;
        let drawn = self
            .terminal
            .draw(|frame| view::draw(frame, state, theme))
            .map(|_| ());
        execute!(stdout(), EndSynchronizedUpdate)?;
        drawn
    }

    /// Forgets what is drawn, so that all of it is drawn again. (`Terminal::clear` would ask the
    /// terminal where its cursor is, and fail where nothing answers.)
    pub fn clear(&mut self) -> io::Result<()> {
        let (width, height) = self.size()?;
        self.terminal.resize(Rect::new(0, 0, width, height))
    }

    /// Gives the terminal back, stops the process as Ctrl-Z does, and takes the terminal over
    /// again when it goes on.
    #[cfg(unix)]
    pub fn suspend(&mut self) -> io::Result<()> {
        leave()?;
        signal_hook::low_level::raise(signal_hook::consts::SIGSTOP)?;
        enter()?;
        self.clear()
    }

    /// There is no such thing here.
    #[cfg(not(unix))]
    pub fn suspend(&mut self) -> io::Result<()> {
        self.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone can't be given back.
        let _ = leave();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide)
}

fn leave() -> io::Result<()> {
    let written = execute!(
        stdout(),
        EndSynchronizedUpdate,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    let raw = disable_raw_mode();
    stdout().flush()?;
    written.and(raw)
}

/// A panic's message has to be readable, and the shell usable after it.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let _ = leave();
            before(info);
        }));
    });
}
