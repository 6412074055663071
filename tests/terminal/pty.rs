//! The program in a pseudo-terminal.
#![allow(dead_code, reason = "each test uses some of this")]

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::program::state_home;

/// The program in a terminal of its own.
pub struct Terminal {
    pub child: Box<dyn Child + Send + Sync>,
    /// Until it is closed.
    pub window: Option<Window>,
    pub screen: Arc<Mutex<vt100::Parser>>,
    pub raw: Arc<Mutex<Vec<u8>>>,
}

pub struct Window {
    pub master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    /// Reads what the program writes, until it is told that the window closes.
    reader: JoinHandle<()>,
    closes: Arc<AtomicBool>,
}

pub const SIZE: PtySize = PtySize {
    rows: 34,
    cols: 120,
    pixel_width: 0,
    pixel_height: 0,
};

/// The program where the umask takes no rights away: what it writes is private all the same.
pub fn program_without_umask() -> CommandBuilder {
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", "umask 000 && exec \"$@\"", "sh"]);
    command.arg(env!("CARGO_BIN_EXE_sluicegate"));
    command
}

pub fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

impl Terminal {
    pub fn open(args: &[&str]) -> Self {
        let mut command = program_without_umask();
        command.args(args);
        Self::start(command)
    }

    pub fn start(mut command: CommandBuilder) -> Self {
        command.env("TERM", "xterm-256color");
        command.env("XDG_CONFIG_HOME", "/nonexistent");
        if command.get_env("XDG_STATE_HOME").is_none() {
            command.env("XDG_STATE_HOME", state_home());
        }
        let pair = native_pty_system().openpty(SIZE).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(
            cells(SIZE.rows),
            cells(SIZE.cols),
            0,
        )));
        let raw = Arc::new(Mutex::new(Vec::new()));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (to_screen, to_raw) = (screen.clone(), raw.clone());
        let closes = Arc::new(AtomicBool::new(false));
        let told = closes.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(n @ 1..) = reader.read(&mut buffer)
                && !told.load(Relaxed)
            {
                // First the bytes: a test that sees the text also finds what came with it.
                to_raw.lock().unwrap().extend_from_slice(&buffer[..n]);
                to_screen.lock().unwrap().process(&buffer[..n]);
            }
        });
        let keys = pair.master.take_writer().unwrap();
        let window = Window {
            master: pair.master,
            keys,
            reader,
            closes,
        };
        Self {
            child,
            window: Some(window),
            screen,
            raw,
        }
    }

    pub fn resize(&self, cols: u16, rows: u16) {
        let mut screen = self.screen.lock().unwrap();
        screen.screen_mut().set_size(cells(rows), cells(cols));
        drop(screen);
        let master = &self.window.as_ref().unwrap().master;
        master.resize(PtySize { rows, cols, ..SIZE }).unwrap();
    }

    pub fn press(&mut self, keys: &str) {
        let window = self.window.as_mut().unwrap();
        window.keys.write_all(keys.as_bytes()).unwrap();
        window.keys.flush().unwrap();
    }

    /// Presses Esc, and no key so soon after it that both are taken for one.
    pub fn escape(&mut self) {
        self.press("\x1b");
        std::thread::sleep(Duration::from_millis(150));
    }

    /// Closes the window, as its button does.
    pub fn close(&mut self) {
        let window = self.window.take().unwrap();
        window.closes.store(true, Relaxed);
        // The screen's clock writes every second, and so the reader sees it and goes.
        window.reader.join().unwrap();
    }

    pub fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen shows a text. Returns the whole screen.
    pub fn shows(&self, expected: &str) -> String {
        self.waits_for(expected, |text| text.contains(expected))
    }

    /// Waits until the delivery pane counts a dead letter, or more: they come by many in a moment.
    pub fn shows_a_dead_letter(&self) {
        self.waits_for("a dead letter", |text| {
            let mut counts = text.split("dead letters ").skip(1);
            counts.any(|rest| rest.starts_with(|it: char| ('1'..='9').contains(&it)))
        });
    }

    /// Waits until the screen meets a condition, which `name` describes. Returns the whole screen.
    pub fn waits_for(&self, name: &str, is_met: impl Fn(&str) -> bool) -> String {
        let started = Instant::now();
        loop {
            let text = self.text();
            if is_met(&text) {
                return text;
            }
            assert!(
                started.elapsed() < Duration::from_secs(15),
                "{name:?} never came up in\n{text}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the program has ended; its exit code.
    pub fn ends(&mut self) -> u32 {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                std::thread::sleep(Duration::from_millis(50));
                return status.exit_code();
            }
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "it does not end:\n{}",
                self.text()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the program wrote may still be on its way through the pseudo-terminal.
    pub fn until_given_back(&self) {
        let started = Instant::now();
        while !self.is_given_back() {
            assert!(
                started.elapsed() < Duration::from_secs(5),
                "the terminal is not given back"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn is_given_back(&self) -> bool {
        let raw = self.raw.lock().unwrap();
        let ends_with = |on: &[u8], off: &[u8]| {
            let last = |what| memchr::memmem::rfind(&raw, what);
            last(off).is_some() && last(off) > last(on)
        };
        ends_with(b"\x1b[?1049h", b"\x1b[?1049l") && ends_with(b"\x1b[?25l", b"\x1b[?25h")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `watch` with this configuration, and no feed.
pub fn watch(config: &Path) -> Terminal {
    let mut command = program_without_umask();
    command.args(["watch", "--feed-url", "ws://127.0.0.1:1", "--config"]);
    command.arg(config);
    command.env("SLUICEGATE_CUSTOMERIO_SITE_ID", "my-site");
    command.env("SLUICEGATE_CUSTOMERIO_API_KEY", "my-secret-key");
    Terminal::start(command)
}

/// The demonstration, writing its files into `folder`.
pub fn demo_in(folder: &Path) -> Terminal {
    let mut command = program_without_umask();
    command.args(["demo", "--rate", "500"]);
    command.env_remove("XDG_STATE_HOME");
    command.cwd(folder);
    Terminal::start(command)
}
