//! The terminal: set up at the start, restored in any case.

use std::io::{self, Stdout, Write, stdout};
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

/// The terminal while the screen is open. Dropping it restores the terminal.
#[derive(Debug)]
pub struct Screen {
    terminal: ratatui::Terminal<CrosstermBackend<Tty>>,
    /// Whether the terminal was closed.
    is_gone: Arc<AtomicBool>,
}

/// Standard output until the terminal is closed, when writing fails. Later output is dropped, because
/// an error would only be reported on a standard error that is closed as
/// well.
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
    /// Sets the terminal up.
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

    /// The size of the terminal, in columns and rows.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|size| (size.width, size.height))
    }

    /// Draws the screen in one synchronized update, so that no half frame is visible. Returns whether
    /// the terminal is still open.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<bool> {
        execute!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(draw).map(|_| ());
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        if self.is_gone.load(Relaxed) {
            // The terminal is closed: its size is unknown.
            return Ok(false);
        }
        drawn.map(|()| true)
    }

    /// Sets the title of the terminal.
    pub fn set_title(&mut self, title: &str) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), SetTitle(plain(title)))
    }

    /// Receives mouse events, or leaves the mouse to the terminal.
    pub fn take_mouse(&mut self, take: bool) -> io::Result<()> {
        let backend = self.terminal.backend_mut();
        if take {
            execute!(backend, EnableMouseCapture)
        } else {
            execute!(backend, DisableMouseCapture)
        }
    }

    /// Rings the bell, and sends a notification: OSC 9, or OSC 777 to terminals of the rxvt family,
    /// which know only that.
    pub fn notify(&mut self, message: &str) -> io::Result<()> {
        let message = plain(message);
        let is_urxvt = std::env::var("TERM").is_ok_and(|term| term.starts_with("rxvt"));
        let sequence = if is_urxvt {
            format!("\x1b]777;notify;sluicegate;{message}\x07\x07")
        } else {
            format!("\x1b]9;{message}\x07\x07")
        };
        self.terminal.backend_mut().write_all(sequence.as_bytes())?;
        std::io::Write::flush(self.terminal.backend_mut())
    }

    /// Sends a text to the clipboard of the terminal (OSC 52). The terminal does not confirm
    /// it.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(
            self.terminal.backend_mut(),
            CopyToClipboard::to_clipboard_from(text)
        )
    }

    /// Forgets the drawn frame, so that the next one is drawn in full. (`Terminal::clear` would ask the
    /// terminal for its cursor position, and fail without an answer.)
    pub fn clear(&mut self) -> io::Result<()> {
        let (width, height) = self.size()?;
        self.terminal.resize(Rect::new(0, 0, width, height))
    }

    /// Restores the terminal, stops the process as Ctrl-Z does, and sets the terminal up again when the
    /// process continues.
    #[cfg(unix)]
    pub fn suspend(&mut self) -> io::Result<()> {
        leave()?;
        signal_hook::low_level::raise(signal_hook::consts::SIGSTOP)?;
        enter()?;
        self.clear()
    }

    /// Not supported on this platform.
    #[cfg(not(unix))]
    pub fn suspend(&mut self) -> io::Result<()> {
        self.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A closed terminal can't be restored.
        let _ = leave();
        IS_OPEN.store(false, Relaxed);
        let mut said = ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner);
        for panic in said.drain(..) {
            let _ = writeln!(io::stderr(), "{panic}");
        }
    }
}

/// The initial colour theme: the configured one, or dark or light by the background of the terminal.
/// Call it before the screen is open: the terminal answers as if keys were pressed.
pub fn colours(asked: config::Theme) -> config::Theme {
    match asked {
        config::Theme::Auto if is_light() => config::Theme::Light,
        config::Theme::Auto => config::Theme::Dark,
        named => named,
    }
}

/// Whether the terminal reports a light background. A terminal without an answer counts as
/// dark.
fn is_light() -> bool {
    let mut options = QueryOptions::default();
    // Maximum time for an answer over a slow connection.
    options.timeout = Duration::from_millis(500);
    matches!(theme_mode(options), Ok(ThemeMode::Light))
}

/// Removes control characters, so that no text from outside can end the sequence.
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
/// The messages of tasks that panicked while a screen was open.
static ELSEWHERE: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Maximum messages kept.
const KEPT_PANICS: usize = 20;

/// After a panic in the thread of the screen, the message must be readable and the shell usable. A
/// panic in another thread doesn't end the screen; its message would be drawn over it, and is kept
/// until the screen closes.
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
