//! A process that is reloaded by SIGHUP, and its log.
#![allow(dead_code, reason = "each test uses some of these fixtures")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::program::signal;

/// A process with its log. It is killed at the end of the test.
pub struct Logged {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    /// Number of lines that were searched already.
    seen: usize,
}

impl Logged {
    /// Starts the process and discards its standard output.
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

    /// Sends SIGHUP, and returns the next line of the log that contains one of `says`.
    pub fn reload(&mut self, says: &[&str]) -> String {
        self.seen = self.lines.lock().unwrap().len();
        signal("HUP", self.child.id());
        self.line(says)
    }

    /// Returns the next line of the log that contains one of `says`. Panics after 20 seconds.
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

    /// Returns the log so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Returns the number of lines of the log with a text.
    pub fn count(&self, says: &str) -> usize {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|line| line.contains(says)).count()
    }

    /// Returns the process ID.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM, waits for the end, and returns the exit code.
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
