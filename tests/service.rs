//! The service manager's side of the program: what it is told over a real socket, and its units.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![cfg(unix)]

mod common;
#[path = "common/forwarder.rs"]
mod forwarder;
#[path = "common/hangup.rs"]
mod hangup;
#[path = "common/program.rs"]
mod program;

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use forwarder::forwarder;
use hangup::Logged;
use program::{signal, sluicegate};
use tempfile::TempDir;

/// A service manager with a watchdog of one second.
struct Manager {
    folder: TempDir,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        let wait = Some(Duration::from_millis(200));
        socket.set_read_timeout(wait).unwrap();
        Self { folder, socket }
    }

    fn start(&self, command: &mut Command) -> Logged {
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify"));
        command.env("WATCHDOG_USEC", "1000000");
        Logged::start(command)
    }

    fn receives(&self) -> Option<String> {
        let mut bytes = [0; 4_096];
        let length = self.socket.recv(&mut bytes).ok()?;
        Some(String::from_utf8(bytes[..length].to_vec()).unwrap())
    }

    /// Waits for a message that begins like this.
    fn hears(&self, begin: &str) -> String {
        let started = Instant::now();
        let mut others = Vec::new();
        while started.elapsed() < Duration::from_secs(20) {
            match self.receives() {
                Some(message) if message.starts_with(begin) => return message,
                other => others.extend(other),
            }
        }
        panic!("no {begin:?} in {others:?}");
    }

    /// What a service of one process tells: its start, its state, that it lives, a reload, its end.
    fn hears_all_of(&self, service: Logged, status: &str) {
        assert_eq!(self.hears("READY="), "READY=1\n");
        for _ in 0..3 {
            self.hears("WATCHDOG=1\n");
        }
        let line = self.hears("STATUS=");
        assert!(line.contains(status) && line.lines().count() == 1, "{line}");
        signal("HUP", service.pid());
        let reloading = self.hears("RELOADING=1\n");
        let at = reloading
            .lines()
            .find_map(|l| l.strip_prefix("MONOTONIC_USEC="));
        assert!(at.unwrap().parse::<u64>().unwrap() > 0, "{reloading}");
        self.hears("READY=1\n");
        signal("TERM", service.pid());
        self.hears("STOPPING=1\n");
        service.ends();
    }
}

#[test]
fn a_forwarder_tells_its_service_manager_that_it_runs_reloads_lives_and_ends() {
    let manager = Manager::new();
    let spool = manager.folder.path().join("spool");
    let mut command = forwarder("ws://127.0.0.1:1", "http://127.0.0.1:9", &spool, &[]);
    let service = manager.start(&mut command);
    manager.hears_all_of(service, "feed ");
}

#[test]
fn a_relay_tells_its_service_manager_that_it_runs_reloads_lives_and_ends() {
    let manager = Manager::new();
    let mut command = sluicegate();
    command.args(["relay", "--listen", "127.0.0.1:0"]);
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let write = |name: &str, text: String| {
        let path = manager.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    command.arg("--tls-cert");
    command.arg(write("cert.pem", certificate.cert.pem()));
    command.arg("--tls-key");
    command.arg(write("key.pem", certificate.signing_key.serialize_pem()));
    let service = manager.start(&mut command);
    manager.hears_all_of(service, "received 0");
}

#[test]
fn a_process_that_hangs_gives_no_sign_of_life() {
    let manager = Manager::new();
    let spool = manager.folder.path().join("spool");
    let mut command = forwarder("ws://127.0.0.1:1", "http://127.0.0.1:9", &spool, &[]);
    let service = manager.start(&mut command);
    manager.hears("WATCHDOG=1\n");
    signal("STOP", service.pid());
    // What it had sent before.
    while manager.receives().is_some() {}
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(manager.receives(), None);
    signal("CONT", service.pid());
    manager.hears("WATCHDOG=1\n");
}

#[test]
fn a_service_manager_that_is_gone_does_not_end_the_service() {
    let manager = Manager::new();
    let spool = manager.folder.path().join("spool");
    let mut command = forwarder("ws://127.0.0.1:1", "http://127.0.0.1:9", &spool, &[]);
    let socket: PathBuf = manager.folder.path().join("notify");
    std::fs::remove_file(&socket).unwrap();
    let mut service = manager.start(&mut command);
    service.line(&["cannot tell the service manager"]);
    service.line(&["feed "]);
    assert_eq!(service.ends(), 0);
}

/// The value of a setting of a unit.
fn unit_setting(unit: &str, name: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets");
    let text = std::fs::read_to_string(path.join(unit)).unwrap();
    let value = |line: &str| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned());
    text.lines().find_map(value)
}

/// The service manager gives a folder to the user of the unit that starts: a folder of two users would be
/// taken from the one that runs.
#[test]
fn units_with_one_folder_have_one_user() {
    let folder = |unit| unit_setting(unit, "StateDirectory").unwrap();
    // Without a name of its own, the user of a unit is named as the unit is.
    let user = |unit: &str| {
        let own = unit_setting(unit, "User");
        own.unwrap_or_else(|| unit.trim_end_matches(".service").to_owned())
    };
    let [forwarder, relay, audit] = [
        "sluicegate.service",
        "sluicegate-relay.service",
        "sluicegate-audit.service",
    ];
    assert_eq!(folder(forwarder), folder(audit));
    assert_eq!(user(forwarder), user(audit));
    assert_ne!(folder(forwarder), folder(relay));
    assert_ne!(user(forwarder), user(relay));
    let starts = unit_setting(relay, "ExecStart").unwrap();
    assert!(
        starts.contains(&format!("--folder %S/{} ", folder(relay))),
        "{starts}"
    );
}

/// The units, as `systemd-analyze` finds them.
#[test]
#[ignore = "needs systemd: .ci/interop"]
fn the_units_are_valid_and_hardened() {
    let folder = tempfile::tempdir().unwrap();
    let assets = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets");
    let units = ["sluicegate.service", "sluicegate-relay.service"];
    for unit in units {
        // The program is where the tests have it.
        let text = std::fs::read_to_string(assets.join(unit)).unwrap();
        let program = env!("CARGO_BIN_EXE_sluicegate");
        let text = text.replace("/usr/local/bin/sluicegate", program);
        std::fs::write(folder.path().join(unit), text).unwrap();
    }
    for unit in units {
        let analyze = |more: &[&str]| {
            let mut command = Command::new("systemd-analyze");
            command.args(more).arg(folder.path().join(unit));
            command.env("SYSTEMD_UNIT_PATH", format!("{}:", folder.path().display()));
            let output = command.output().unwrap();
            let said = [output.stdout, output.stderr].concat();
            (output.status.success(), String::from_utf8(said).unwrap())
        };
        let (valid, said) = analyze(&["verify", "--man=no"]);
        assert!(valid && !said.contains(unit), "{said}");
        // In tenths, of 100 where nothing is protected.
        let (safe, said) = analyze(&["security", "--offline=yes", "--threshold=20"]);
        assert!(safe, "{said}");
    }
}
