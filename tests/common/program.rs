//! The program itself: its commands as processes, and what they print.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The program, with nothing of this machine's own settings.
pub fn sluicegate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SLUICEGATE_")) {
        command.env_remove(name);
    }
    command
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("XDG_STATE_HOME", state_home())
        .stdin(Stdio::null());
    command
}

/// A folder that no other run has had: nothing of an earlier one may be sent.
pub fn state_home() -> PathBuf {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let (pid, run) = (std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
    let now = sluicegate::amplitude::time::now();
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("state-{now}-{pid}-{run}"))
}

/// A server of ours that runs until it is dropped.
pub struct Serving {
    child: Child,
    out: BufReader<ChildStdout>,
    /// Where it serves.
    pub url: String,
}

impl Serving {
    /// Starts it and waits until it says where it serves.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let url = loop {
            line.clear();
            let read = out.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended before it said where it serves");
            let mut words = line.split([' ', ',']);
            if let Some(url) = words.find(|word| word.contains("://")) {
                break url.to_owned();
            }
        };
        Self { child, out, url }
    }

    /// What it writes on standard error, where that was piped.
    pub fn stderr(&mut self) -> ChildStderr {
        self.child.stderr.take().unwrap()
    }

    /// Its process, for signals.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end; its exit code, and what it printed since.
    pub fn end(mut self) -> (Option<i32>, String) {
        signal("TERM", self.child.id());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }

    /// Waits until it ends by itself; what it printed since.
    pub fn finish(mut self) -> String {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        self.child.wait().unwrap();
        rest
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process that ends with the test, also where that fails.
pub struct Running(Child);

impl Running {
    /// Starts it, and hears nothing of what it says.
    pub fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn sandbox(more: &[&str]) -> Serving {
    Serving::start(
        sluicegate()
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .args(more),
    )
}

pub fn replay(file: &Path, more: &[&str]) -> Serving {
    Serving::start(
        sluicegate()
            .args(["replay", "--listen", "127.0.0.1:0", "--speed", "max"])
            .args(more)
            .arg(file),
    )
}

/// `run` from that feed to that sandbox until all is done, by the five variables alone.
pub fn run(feed: &str, sandbox: &str) -> Command {
    let mut command = run_on(feed, sandbox);
    command.args(["--exit-when-idle", "500ms"]);
    command
}

/// The same for as long as it is let.
pub fn run_on(feed: &str, sandbox: &str) -> Command {
    let mut command = sluicegate();
    command
        .args(["run", "--format", "json"])
        .env("SLUICEGATE_FEED_URL", feed)
        .env("SLUICEGATE_CUSTOMERIO_SITE_ID", "site")
        .env("SLUICEGATE_CUSTOMERIO_API_KEY", "key-of-the-test")
        .env("SLUICEGATE_CUSTOMERIO_BASE_URL", sandbox)
        .env("SLUICEGATE_GATE", "open");
    command
}

pub fn summary(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no summary: {}", String::from_utf8_lossy(&output.stderr)))
}

/// An address for a server that ends and comes back: below the ports that the system gives to
/// connections, one of which would have it meanwhile.
pub fn steady_place() -> std::net::SocketAddr {
    loop {
        let port = rand::random_range(12_000..32_000);
        if let Ok(listener) = std::net::TcpListener::bind(("127.0.0.1", port)) {
            return listener.local_addr().unwrap();
        }
    }
}

/// GET, as JSON.
pub fn get(url: &str) -> serde_json::Value {
    asked("GET", url, "")
}

/// POST of JSON; the answer, as JSON.
pub fn post(url: &str, body: &str) -> serde_json::Value {
    asked("POST", url, body)
}

fn asked(method: &str, url: &str, body: &str) -> serde_json::Value {
    use std::io::Write;
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} /{path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|_| panic!("{url} answers {answer}"))
}

/// Sends a signal by the shell, which every machine has; `kill` as a program it need not have.
pub fn signal(name: &str, pid: u32) {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{name} {pid}")])
        .status()
        .unwrap();
    assert!(sent.success());
}
