//! A process that is sent SIGHUP, and the lines that it logs.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::program::signal;

/// A program whose log is read as it comes. It ends with the test.
pub struct Logged {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    /// Lines before this one were looked at.
    seen: usize,
}

impl Logged {
    /// Starts it; what it writes on standard output is lost.
    pub fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let read = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                read.lock().unwrap().push(line);
            }
        });
        Self {
            child,
            lines,
            seen: 0,
        }
    }

    /// Asks it to read its settings again; the next line of its log that holds one of `says`.
    pub fn reload(&mut self, says: &[&str]) -> String {
        self.seen = self.lines.lock().unwrap().len();
        signal("HUP", self.child.id());
        self.line(says)
    }

    /// The next line of its log that holds one of `says`; fails after 20 s.
    pub fn line(&mut self, says: &[&str]) -> String {
        let started = Instant::now();
        loop {
            let lines = self.lines.lock().unwrap();
            let new = lines.iter().enumerate().skip(self.seen);
            for (at, line) in new {
                if says.iter().any(|says| line.contains(says)) {
                    self.seen = at + 1;
                    return line.clone();
                }
            }
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "no line with {says:?} in {lines:#?}"
            );
            drop(lines);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits until it has.
    pub fn ends(mut self) -> i32 {
        signal("TERM", self.child.id());
        let status = self.child.wait().unwrap();
        status.code().unwrap_or(-1)
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
