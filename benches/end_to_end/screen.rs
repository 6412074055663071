//! The program with its screen in a pseudo-terminal: how soon it answers keys, how many bytes it
//! writes, and what the screen costs the forwarding.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use sluicegate::text::grouped;

use super::Run;
use super::parts::Places;
use super::process::{peak_bytes, program, settings};

const COLUMNS: u16 = 120;
const ROWS: u16 = 34;
/// Keys that are pressed, each with its answer.
const KEYS: usize = 300;
/// What the help says, which a key opens and another closes.
const HELP: &str = "any other key closes";
/// The screen is looked at for so long.
const LOOKED: Duration = Duration::from_secs(10);

pub fn measure(run: Run) {
    let rate = if run.rate > 0 { run.rate } else { 20_000 };
    println!("{rate} events a second of 2 kB, {COLUMNS}x{ROWS}");
    println!(
        "{:<18}{:>22}{:>16}{:>16}",
        "frames a second", "key p50, p99, max ms", "kB/s written", "peak memory"
    );
    for frames in [30, 10] {
        let run = Run {
            rate,
            // More than the measurement takes.
            events: rate * 120,
            ..run
        };
        let sink = run.part("part:sink");
        let feed = run.part("part:feed");
        let mut screen = Screen::open(&feed.place, &sink.place, frames);
        screen.until(|text| text.contains("Throughput"));
        // Until the ring is full.
        std::thread::sleep(Duration::from_secs(5));
        let before = screen.written.load(Relaxed);
        std::thread::sleep(LOOKED);
        let written = screen.written.load(Relaxed) - before;
        let mut took = screen.press_keys();
        took.sort_unstable();
        let ms = |of: usize| took[(took.len() - 1) * of / 1_000].as_secs_f64() * 1e3;
        println!(
            "{frames:<18}{:>22}{:>16.1}{:>13.1} MB",
            format!("{:.1}, {:.1}, {:.1}", ms(500), ms(990), ms(1_000)),
            written as f64 / LOOKED.as_secs_f64() / 1e3,
            peak_bytes(screen.child.process_id().unwrap()) as f64 / 1e6
        );
    }
    cost(run);
}

/// What the screen costs the forwarding.
fn cost(run: Run) {
    let run = Run { rate: 0, ..run };
    let events = run.events;
    println!("\n{events} events as fast as they are taken");
    for round in 1..=3 {
        let without = events as f64 / run.measure(program).seconds;
        let sink = run.part("part:sink");
        let feed = run.part("part:feed");
        let started = Instant::now();
        let screen = Screen::open(&feed.place, &sink.place, 30);
        let all = format!("first attempt {}", grouped(events));
        screen.until(|text| text.contains(&all));
        let with = events as f64 / started.elapsed().as_secs_f64();
        let lost = (1.0 - with / without) * 100.0;
        println!("{round}: without a screen {without:.0}/s, with it {with:.0}/s: {lost:.1} % less");
    }
}

/// The program in a terminal of its own.
struct Screen {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    drawn: Arc<(Mutex<vt100::Parser>, Condvar)>,
    written: Arc<AtomicU64>,
    _spool: tempfile::TempDir,
}

impl Screen {
    fn open(feed: &str, sink: &str, frames: u32) -> Self {
        let size = PtySize {
            rows: ROWS,
            cols: COLUMNS,
            pixel_width: 0,
            pixel_height: 0,
        };
        let spool = tempfile::tempdir().unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_sluicegate"));
        command.args(["watch", "--open", "--theme", "dark"]);
        let places = Places {
            feed,
            sink,
            spool: spool.path(),
            events: 0,
        };
        for (name, value) in settings(&places) {
            command.env(name, value);
        }
        command.env("SLUICEGATE_SCREEN_FRAMES_PER_SECOND", frames.to_string());
        command.env("TERM", "xterm-256color");
        command.env("XDG_CONFIG_HOME", "/nonexistent");
        command.env("XDG_STATE_HOME", spool.path());
        let pair = native_pty_system().openpty(size).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let cells = |count| NonZero::new(count).unwrap();
        let parser = vt100::Parser::new(cells(ROWS), cells(COLUMNS), 0);
        let drawn = Arc::new((Mutex::new(parser), Condvar::new()));
        let written = Arc::new(AtomicU64::new(0));
        let (to_screen, count) = (drawn.clone(), written.clone());
        let mut reader = pair.master.try_clone_reader().unwrap();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                count.fetch_add(n as u64, Relaxed);
                let (screen, changed) = &*to_screen;
                screen.lock().unwrap().process(&buffer[..n]);
                changed.notify_all();
            }
        });
        Self {
            child,
            keys: pair.master.take_writer().unwrap(),
            master: pair.master,
            drawn,
            written,
            _spool: spool,
        }
    }

    /// Waits until the screen is so.
    fn until(&self, is_so: impl Fn(&str) -> bool) {
        let (screen, changed) = &*self.drawn;
        let mut screen = screen.lock().unwrap();
        let started = Instant::now();
        loop {
            let text = screen.screen().contents();
            if is_so(&text) {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(120), "{text}");
            let wait = Duration::from_secs(1);
            (screen, _) = changed.wait_timeout(screen, wait).unwrap();
        }
    }

    fn press_keys(&mut self) -> Vec<Duration> {
        let mut took = Vec::new();
        for n in 0..KEYS {
            // Not in step with the frames.
            std::thread::sleep(Duration::from_millis(20 + (n as u64 * 37) % 60));
            let opens = n % 2 == 0;
            let started = Instant::now();
            self.keys
                .write_all(if opens { b"?" } else { b"x" })
                .unwrap();
            self.keys.flush().unwrap();
            self.until(|text| text.contains(HELP) == opens);
            took.push(started.elapsed());
        }
        took
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.master.get_size();
    }
}
