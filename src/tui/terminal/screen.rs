//! The terminal: taken over at the start, given back whatever happens.

use std::io::{
    Stdout, Write, stdout, {self},
};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::execute;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    SetTitle, disable_raw_mode, enable_raw_mode,
};
use ratatui::Frame;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use terminal_colorsaurus::{QueryOptions, ThemeMode, theme_mode};

use crate::config;

/// The terminal while the screen is open. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Screen {
    terminal: ratatui::Terminal<CrosstermBackend<Tty>>,
    /// Whether the terminal was closed.
    is_gone: Arc<AtomicBool>,
}

/// Standard output until it can't be written any more, which is when the terminal was closed.
/// From then on it takes everything, like a screen that nobody looks at: what writes here would
/// only complain on a standard error that is just as closed.
#[derive(Debug)]
struct Tty {
    out: Stdout,
    is_gone: Arc<AtomicBool>,
}

impl Tty {
    fn unless_gone<T>(&mut self, otherwise: T, write: impl Fn(&mut Stdout) -> io::Result<T>) -> T {
        while !self.is_gone.load(Relaxed) {
            match write(&mut self.out) {
                Ok(done) => return done,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.is_gone.store(true, Relaxed),
            }
        }
        otherwise
    }
}

impl Write for Tty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.unless_gone(bytes.len(), |out| out.write(bytes)))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_gone((), Stdout::flush);
        Ok(())
    }
}

impl Screen {
    /// Takes the terminal over.
    pub fn open(title: &str) -> io::Result<Self> {
        keep_panics_off_the_screen();
        enter()?;
        IS_OPEN.store(true, Relaxed);
        execute!(stdout(), SetTitle(plain(title)))?;
        let is_gone = Arc::new(AtomicBool::new(false));
        let tty = Tty {
            out: stdout(),
            is_gone: is_gone.clone(),
        };
        let terminal = ratatui::Terminal::new(CrosstermBackend::new(tty))?;
        Ok(Self { terminal, is_gone })
    }

    /// Its size, in columns and rows.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|size| (size.width, size.height))
    }

    /// Draws the screen in one synchronized update, so that no half of it is ever seen. Tells
    /// whether there still is a terminal to draw it on.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<bool> {
        execute!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(draw).map(|_| ());
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        if self.is_gone.load(Relaxed) {
            // Its size could not be had, which is no news.
            return Ok(false);
        }
        drawn.map(|()| true)
    }

    /// Says something else in the terminal's title.
    pub fn set_title(&mut self, title: &str) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), SetTitle(plain(title)))
    }

    /// Takes the mouse, or hands it back to the terminal.
    pub fn take_mouse(&mut self, take: bool) -> io::Result<()> {
        let backend = self.terminal.backend_mut();
        if take {
            execute!(backend, EnableMouseCapture)
        } else {
            execute!(backend, DisableMouseCapture)
        }
    }

    /// Rings the bell, and asks the terminal for a notification: OSC 9, or OSC 777 where the
    /// terminal is of the family that knows only that.
    pub fn notify(&mut self, says: &str) -> io::Result<()> {
        let says = plain(says);
        let is_urxvt = std::env::var("TERM").is_ok_and(|term| term.starts_with("rxvt"));
        let asks = if is_urxvt {
            format!("\x1b]777;notify;sluicegate;{says}\x07\x07")
        } else {
            format!("\x1b]9;{says}\x07\x07")
        };
        self.terminal.backend_mut().write_all(asks.as_bytes())?;
        std::io::Write::flush(self.terminal.backend_mut())
    }

    /// Hands a text to the terminal for its clipboard (OSC 52). Whether it takes it, it does not
    /// say.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(
            self.terminal.backend_mut(),
            CopyToClipboard::to_clipboard_from(text)
        )
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
        IS_OPEN.store(false, Relaxed);
        let mut said = ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner);
        for panic in said.drain(..) {
            let _ = writeln!(io::stderr(), "{panic}");
        }
    }
}

/// The colours to begin with: those that are asked for, or dark or light as the terminal says that
/// it is. Before the screen is open: the terminal answers on the keyboard's side.
pub fn colours(asked: config::Theme) -> config::Theme {
    match asked {
        config::Theme::Auto if is_light() => config::Theme::Light,
        config::Theme::Auto => config::Theme::Dark,
        named => named,
    }
}

/// Whether the terminal says that its background is light. One that says nothing is taken for
/// dark, as most are.
fn is_light() -> bool {
    let mut options = QueryOptions::default();
    // Over a slow line an answer takes its time; the screen may wait so long at the most.
    options.timeout = Duration::from_millis(500);
    matches!(theme_mode(options), Ok(ThemeMode::Light))
}

/// Nothing from outside may end a title and go on as a command.
fn plain(title: &str) -> String {
    title
        .chars()
        .map(crate::tui::widget::text::visible)
        .collect()
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide)
}

fn leave() -> io::Result<()> {
    let written = execute!(
        stdout(),
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    let raw = disable_raw_mode();
    stdout().flush()?;
    written.and(raw)
}

/// Whether a screen is open.
static IS_OPEN: AtomicBool = AtomicBool::new(false);
/// What tasks said that panicked while a screen was open.
static ELSEWHERE: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// This many of them are kept.
const KEPT_PANICS: usize = 20;

/// Where the screen's own thread panics, the message has to be readable, and the shell usable
/// after it. A panic elsewhere doesn't end the screen, which may be told of it and go on: its
/// message would be drawn across, and is kept until the screen closes.
fn keep_panics_off_the_screen() {
    static ONCE: Once = Once::new();
    let screens = std::thread::current().id();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !IS_OPEN.load(Relaxed) {
                before(info);
            } else if std::thread::current().id() == screens {
                let _ = leave();
                before(info);
            } else {
                let mut said = ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner);
                if said.len() < KEPT_PANICS {
                    said.push(crate::text::in_lines(&info.to_string()));
                }
            }
        }));
    });
}
