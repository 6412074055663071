//! The end of the program: signals, suspension, and a closed window.

use std::time::Duration;

use portable_pty::CommandBuilder;

use crate::program::{get, replay, run_on, sandbox, signal};
use crate::pty::{Terminal, program_without_umask};

#[test]
fn the_terminal_is_given_back_on_sigterm_and_after_a_suspension() {
    let mut terminal = Terminal::open(&["demo"]);
    terminal.shows("feed live");
    let pid = terminal.child.process_id().unwrap();
    terminal.press("\x1a");
    terminal.until_given_back();
    // While it goes on, its clock writes every second.
    let written = || terminal.raw.lock().unwrap().len();
    std::thread::sleep(Duration::from_millis(200));
    let before = written();
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(written(), before, "it does not stop");
    signal("CONT", pid);
    terminal.shows("feed live");
    assert!(!terminal.is_given_back());
    signal("TERM", pid);
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.is_given_back());
}

#[test]
fn a_window_that_is_closed_drains_and_ends_without_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let events: Vec<String> = (0..1_000)
        .map(|n| format!(r#"{{"event_type":"Step","user_id":"u-{n}","insert_id":"{n}","time":1700000000000}}"#))
        .collect();
    let file = dir.path().join("events.ndjson");
    std::fs::write(&file, events.join("\n")).unwrap();
    // Slow enough that the window closes while requests are out.
    let slow = sandbox(&["--latency", "1500ms"]);
    let feed = replay(&file, &[]);
    let mut command = program_without_umask();
    command.arg("watch");
    command.env("SLUICEGATE_FEED_URL", &feed.url);
    command.env("SLUICEGATE_CUSTOMERIO_SITE_ID", "my-site");
    command.env("SLUICEGATE_CUSTOMERIO_API_KEY", "my-secret-key");
    command.env("SLUICEGATE_CUSTOMERIO_BASE_URL", &slow.url);
    command.env("SLUICEGATE_GATE", "open");
    let mut terminal = Terminal::start(command);
    terminal.shows("1,000 received, 1,000 accepted");
    terminal.close();
    assert_eq!(terminal.ends(), 0, "all was delivered, and nothing is left");
    let counts = get(&format!("{}/sandbox/counts", slow.url));
    assert_eq!(counts["events"], 1_000);
}

#[test]
fn a_forwarder_that_reads_no_keys_ends_with_its_terminal_too() {
    let sandbox = sandbox(&[]);
    let run = run_on("ws://127.0.0.1:1", &sandbox.url);
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", "exec \"$@\" </dev/null", "sh"]);
    command.arg(run.get_program());
    command.args(run.get_args());
    for (name, value) in run.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        }
    }
    let mut terminal = Terminal::start(command);
    terminal.shows("feed is down");
    // It reads its settings again while somebody sits before it, and goes on.
    signal("HUP", terminal.child.process_id().unwrap());
    terminal.shows("settings reloaded");
    terminal.close();
    assert_eq!(terminal.ends(), 0);
}
