//! Screens on a forwarder in another process.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use sluicegate::customerio::sandbox::{Faults, Options, Sandbox};
use tokio::net::TcpListener;

use crate::program::{Running, Serving, run_on, sandbox, sluicegate, steady_place};
use crate::pty::{Terminal, program_without_umask};

/// A feed of made-up traffic, a sandbox, and a forwarder between them with its spool in `folder`.
pub struct Bench {
    folder: tempfile::TempDir,
    feed: Serving,
    /// The URL of the sandbox, and the program that serves it, unless the test does.
    sandbox: String,
    _sandbox: Option<Serving>,
    forwarder: Option<Running>,
    command: Command,
}

impl Bench {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// The same with more variables.
    fn with(more: &[(&str, &str)]) -> Self {
        let sandbox = sandbox(&[]);
        let url = sandbox.url.clone();
        Self {
            _sandbox: Some(sandbox),
            ..Self::towards(&url, more)
        }
    }

    /// The same towards another sandbox.
    fn towards(sandbox: &str, more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let events = folder.path().join("events.ndjson");
        let line = |n: u64| {
            format!(
                "{{\"event_type\":\"Step {}\",\"user_id\":\"u-{n}\",\"insert_id\":\"{n}\",\"time\":{}}}\n",
                n % 3,
                1_795_000_000_000 + n * 20
            )
        };
        fs::write(&events, (0..500).map(line).collect::<String>()).unwrap();
        let feed = Serving::start(
            sluicegate()
                .args([
                    "replay",
                    "--listen",
                    "127.0.0.1:0",
                    "--speed",
                    "1x",
                    "--loop",
                ])
                .arg(&events),
        );
        let mut command = run_on(&feed.url, sandbox);
        command.env("SLUICEGATE_SPOOL_FOLDER", folder.path().join("spool"));
        command.env("SLUICEGATE_VERIFY_APP_API_KEY", "app-key");
        command.envs(more.iter().copied());
        let forwarder = Some(Running::start(&mut command));
        let bench = Self {
            folder,
            feed,
            sandbox: sandbox.to_owned(),
            _sandbox: None,
            forwarder,
            command,
        };
        bench.wait_until_it_listens();
        bench
    }

    /// The settings of its forwarder.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SLUICEGATE_FEED_URL", self.feed.url.clone()),
            ("SLUICEGATE_CUSTOMERIO_SITE_ID", "site".to_owned()),
            ("SLUICEGATE_CUSTOMERIO_API_KEY", "key".to_owned()),
            ("SLUICEGATE_CUSTOMERIO_BASE_URL", self.sandbox.clone()),
            ("SLUICEGATE_SPOOL_FOLDER", self.spool()),
            ("SLUICEGATE_GATE", "open".to_owned()),
        ]
    }

    /// The process of its forwarder.
    pub fn pid(&self) -> u32 {
        self.forwarder.as_ref().unwrap().pid()
    }

    pub fn spool(&self) -> String {
        self.folder.path().join("spool").display().to_string()
    }

    fn wait_until_it_listens(&self) {
        let started = Instant::now();
        while !self.ctl(&["status"]) {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "it doesn't listen"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Runs `ctl` as the user `bob`. Returns whether it succeeded.
    pub fn ctl(&self, args: &[&str]) -> bool {
        let mut command = sluicegate();
        command.args(["ctl", "--spool", &self.spool()]).args(args);
        command
            .env("USER", "bob")
            .output()
            .unwrap()
            .status
            .success()
    }

    /// A screen that `ann` attaches.
    fn attach(&self, more: &[&str]) -> Terminal {
        let mut command = program_without_umask();
        command.args(["attach", "--spool", &self.spool()]);
        command.args(more);
        command.env("USER", "ann");
        Terminal::start(command)
    }
}

#[test]
fn two_screens_watch_one_forwarder_and_see_what_the_other_changes() {
    let bench = Bench::start();
    let mut ann = bench.attach(&[]);
    let mut other = bench.attach(&[]);
    ann.shows("OPEN");
    // Events with their stories.
    ann.shows("Step 1");
    other.shows("delivered");
    ann.press("g");
    ann.shows("Nothing more will be sent");
    ann.press("y");
    ann.shows("SHUT");
    other.shows("SHUT");
    other.shows("ann (the control socket): gate: shut");
    assert!(bench.ctl(&["gate", "open", "--yes"]));
    ann.shows("bob (the control socket): gate: open");
    // Each goes by itself, and the forwarder stays.
    ann.press("q");
    assert_eq!(ann.ends(), 0);
    other.shows("Step 2");
    assert!(bench.ctl(&["status"]));
    other.press("q");
    assert_eq!(other.ends(), 0);
    assert!(bench.ctl(&["status"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_retried_from_the_row_of_its_event() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let sandbox = Sandbox::start(listener, Options::default()).unwrap();
    sandbox.set_faults(Faults {
        refuse: Some("Step 2".to_owned()),
        ..Faults::default()
    });
    let bench = Bench::towards(&sandbox.url(), &[]);
    let mut ann = bench.attach(&[]);
    // No other event has the key in the footer.
    ann.press("/Step 1\r");
    ann.shows("delivered");
    ann.press("j");
    ann.waits_for("other keys", |text| !text.contains("R retry now"));
    ann.press("/Step 2\r");
    ann.press("j");
    ann.shows("R retry now");
    sandbox.set_faults(Faults::default());
    ann.press("R");
    ann.shows("1 dead letter will be tried again");
    // It is gone then.
    ann.waits_for("it is gone", |text| !text.contains("will be tried again"));
    ann.press("R");
    ann.shows("its dead letter is gone");
}

#[test]
fn customer_io_is_asked_through_the_forwarder_which_has_the_key() {
    let bench = Bench::start();
    let mut ann = bench.attach(&[]);
    ann.shows("delivered");
    ann.press("j\r");
    ann.shows("after receipt");
    ann.press("c");
    ann.shows("has a profile at Customer.io");
    ann.shows("event applied");
    ann.press("\x1b");
}

#[test]
fn filters_that_others_change_are_taken_over_and_those_of_the_screen_reach_the_forwarder() {
    let bench = Bench::start();
    let mut ann = bench.attach(&[]);
    ann.shows("Step 1");
    let file = bench.folder.path().join("filters.toml");
    let rule = "[[rules]]\nname = \"fresh\"\neffect = \"exclude\"\nwhen = \"has_user\"\n";
    fs::write(&file, rule).unwrap();
    assert!(bench.ctl(&["filters", "apply", &file.display().to_string()]));
    ann.shows("fresh");
    ann.shows("bob (the control socket): filters:");
    assert!(bench.ctl(&["filters", "undo"]));
    ann.waits_for("the rule is gone", |text| !text.contains("− fresh"));
    ann.press("q");
    assert_eq!(ann.ends(), 0);
}

#[test]
fn a_forwarder_that_is_killed_and_started_again_is_found_again() {
    let mut bench = Bench::start();
    let mut ann = bench.attach(&[]);
    ann.shows("Step 1");
    drop(bench.forwarder.take());
    ann.shows("what is shown is old");
    bench.forwarder = Some(Running::start(&mut bench.command));
    bench.wait_until_it_listens();
    ann.waits_for("it is back", |text| !text.contains("what is shown is old"));
    ann.shows("Step 2");
    ann.press("q");
    assert_eq!(ann.ends(), 0);
}

#[test]
fn a_screen_is_attached_by_ssh() {
    let bench = Bench::start();
    // A machine of our own: it runs what it is told to.
    let path = bench.folder.path().join("bin");
    fs::create_dir(&path).unwrap();
    let ssh = path.join("ssh");
    let script =
        "#!/bin/sh\nwhile [ \"$1\" != ops@forwarder ]; do shift; done\nshift\nexec sh -c \"$*\"\n";
    fs::write(&ssh, script).unwrap();
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
    symlink(env!("CARGO_BIN_EXE_sluicegate"), path.join("sluicegate")).unwrap();
    let mut command = program_without_umask();
    command.args([
        "attach",
        "--ssh",
        "ops@forwarder",
        "--spool",
        &bench.spool(),
    ]);
    let inherited = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{inherited}", path.display()));
    let mut ann = Terminal::start(command);
    ann.shows("OPEN");
    ann.shows("Step 1");
    ann.press("d");
    ann.press("y");
    ann.shows("DRY RUN");
    ann.press("q");
    assert_eq!(ann.ends(), 0);
}

#[test]
fn without_a_forwarder_it_says_how_to_start_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program_without_umask();
    let spool = Path::new(folder.path()).display().to_string();
    command.args(["attach", "--spool", &spool]);
    let mut alone = Terminal::start(command);
    alone.shows("no forwarder listens on");
    assert_eq!(alone.ends(), 2);
}

#[test]
fn a_viewer_sees_that_people_are_masked_and_by_whom() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("s.toml");
    let text = "[control]\nprivacy = true\n[control.viewers]\nwall = \"the-token-of-a-viewer\"\n";
    fs::write(&config, text).unwrap();
    let listen = steady_place().to_string();
    let _bench = Bench::with(&[
        ("SLUICEGATE_CONFIG", &config.display().to_string()),
        ("SLUICEGATE_CONTROL_LISTEN", &listen),
    ]);
    let mut command = program_without_umask();
    command.args(["attach", "--at", &format!("http://{listen}")]);
    command.env("SLUICEGATE_CONTROL_TOKEN", "the-token-of-a-viewer");
    let mut wall = Terminal::start(command);
    wall.shows("people masked by the forwarder");
    wall.shows("delivered");
    let screen = wall.shows("id•");
    assert!(!screen.contains("u-"), "{screen}");
    wall.press("P");
    wall.shows("the forwarder masks people for viewers (control.privacy)");
    wall.press("j\r");
    let screen = wall.shows("after receipt");
    assert!(!screen.contains("u-"), "{screen}");
    wall.escape();
    wall.press("q");
    assert_eq!(wall.ends(), 0);
}

#[test]
fn a_forwarder_of_a_newer_version_is_named_with_what_to_update() {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let place = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut asked = [0; 4_096];
            let _ = connection.read(&mut asked);
            let body = r#"{"protocol":1,"screen":7,"version":"9.1.0"}"#;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = connection.write_all((head + body).as_bytes());
        }
    });
    let mut command = program_without_umask();
    command.args(["attach", "--at", &format!("http://{place}")]);
    let mut older = Terminal::start(command);
    older.shows("sluicegate 9.1.0, which speaks version 7");
    older.shows("update sluicegate here");
    assert_eq!(older.ends(), 2);
}
