//! The program as a process, and its output.
#![allow(dead_code, reason = "each test uses some of these fixtures")]

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};

use tempfile::TempDir;

/// Returns the program without the settings of this machine.
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

/// Returns a new state folder, so that nothing of an earlier run is sent. It is removed when the test's thread
/// ends: a spool reserves 24 MB, and a run of all tests makes hundreds.
pub fn state_home() -> PathBuf {
    thread_local! {
        static FOLDERS: RefCell<Vec<TempDir>> = const { RefCell::new(Vec::new()) };
    }
    let folder = TempDir::with_prefix_in("state-", env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().to_owned();
    FOLDERS.with_borrow_mut(|folders| folders.push(folder));
    path
}

/// A command that serves at a URL. It is killed when dropped.
pub struct Serving {
    child: Child,
    out: BufReader<ChildStdout>,
    /// The URL that it printed.
    pub url: String,
}

impl Serving {
    /// Starts the command and waits for its URL.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let url = loop {
            line.clear();
            let read = out.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended before it printed its URL");
            let mut words = line.split([' ', ',']);
            if let Some(url) = words.find(|word| word.contains("://")) {
                break url.to_owned();
            }
        };
        Self { child, out, url }
    }

    /// Returns its standard error, which must be piped.
    pub fn stderr(&mut self) -> ChildStderr {
        self.child.stderr.take().unwrap()
    }

    /// Returns the process ID, for signals.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM. Returns the exit code, and the output after the URL.
    pub fn end(mut self) -> (Option<i32>, String) {
        signal("TERM", self.child.id());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }

    /// Waits for its end. Returns the output after the URL.
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

/// A process that is killed at the end of the test.
pub struct Running(Child);

impl Running {
    /// Starts the process and discards its output.
    pub fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// Returns the process ID.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts `sandbox` on a free port.
pub fn sandbox(more: &[&str]) -> Serving {
    Serving::start(
        sluicegate()
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .args(more),
    )
}

/// Starts `replay` of a file on a free port, at full speed.
pub fn replay(file: &Path, more: &[&str]) -> Serving {
    Serving::start(
        sluicegate()
            .args(["replay", "--listen", "127.0.0.1:0", "--speed", "max"])
            .args(more)
            .arg(file),
    )
}

/// Returns `run` from a feed to a sandbox until it is idle, set up by the five variables alone.
pub fn run(feed: &str, sandbox: &str) -> Command {
    let mut command = run_on(feed, sandbox);
    command.args(["--exit-when-idle", "500ms"]);
    command
}

/// Returns `run` from a feed to a sandbox without an end, set up by the five variables alone.
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

/// Returns the JSON summary of `run`.
pub fn summary(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no summary: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Returns an address for a server that is restarted. Its port is below the range for outgoing
/// connections, one of which could take it meanwhile.
pub fn steady_place() -> std::net::SocketAddr {
    loop {
        let port = rand::random_range(12_000..32_000);
        if let Ok(listener) = std::net::TcpListener::bind(("127.0.0.1", port)) {
            return listener.local_addr().unwrap();
        }
    }
}

/// Sends GET, and returns the answer as JSON.
pub fn get(url: &str) -> serde_json::Value {
    request("GET", url, "")
}

/// Sends POST with JSON, and returns the answer as JSON.
pub fn post(url: &str, body: &str) -> serde_json::Value {
    request("POST", url, body)
}

/// Sends a request with JSON, and returns the answer as JSON.
pub fn request(method: &str, url: &str, body: &str) -> serde_json::Value {
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

/// Sends a signal with the shell's own `kill`: not every machine has `kill` as a program.
pub fn signal(name: &str, pid: u32) {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{name} {pid}")])
        .status()
        .unwrap();
    assert!(sent.success());
}
