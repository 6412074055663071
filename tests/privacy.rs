//! Files with events, people or keys in them are for their owner only, whatever the umask.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![cfg(unix)]

mod common;
#[path = "common/program.rs"]
mod program;
#[path = "common/rights.rs"]
mod rights;

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use program::{Running, Serving, get, post, replay, run, sandbox, sluicegate, summary};
use rights::{assert_private, mode, open_to_all, without_umask};
use sluicegate::customerio::sandbox::Faults;

const EVENT: &str = r#"{"event_type":"Signup","user_id":"u-1","insert_id":"i-1","time":1}"#;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn config_init_writes_a_file_for_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/folder/sluicegate.toml");
    let init = |more: &[&str]| {
        let mut command = sluicegate();
        command.arg("--config").arg(&path).args(["config", "init"]);
        let output = without_umask(command.args(more)).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    };
    init(&[]);
    assert_eq!(assert_private(&dir.path().join("new")), ["sluicegate.toml"]);
    // One that everybody could read is not left so.
    open_to_all(&path);
    open_to_all(path.parent().unwrap());
    let said = init(&["--force"]);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o777, "it is the operator's");
    assert!(said.contains("others can remove and replace"), "{said}");
}

#[test]
fn the_relays_log_is_for_its_owner_only_and_its_lock_follows_no_link() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("relay");
    let command = || {
        let mut command = sluicegate();
        command.args(["relay", "--headless", "--listen", "127.0.0.1:0"]);
        command.args(["--retain", "1h", "--folder"]).arg(&folder);
        without_umask(&command)
    };
    let relay = Serving::start(&mut command());
    let answer = post(&format!("{}/webhook", relay.url), EVENT);
    assert_eq!(answer["code"], 200);
    let names = assert_private(&folder);
    for name in ["lock", "messages.sqlite", "messages.sqlite-wal"] {
        assert!(names.iter().any(|n| n == name), "{names:?}");
    }
    // What an earlier version left open to all is closed, also after a kill.
    drop(relay);
    for entry in fs::read_dir(&folder).unwrap() {
        open_to_all(&entry.unwrap().path());
    }
    let relay = Serving::start(&mut command());
    assert_eq!(
        get(&format!("{}/healthz", relay.url))["fault"],
        serde_json::Value::Null
    );
    assert_private(&folder);
    drop(relay);
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::remove_file(folder.join("lock")).unwrap();
    std::os::unix::fs::symlink(&victim, folder.join("lock")).unwrap();
    let output = command().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("is a link"), "{}", said(&output));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

/// One event in, to a sandbox that refuses it.
async fn with_a_dead_letter(dir: &Path, spool: &Path) {
    let events = dir.join("events.ndjson");
    let now = sluicegate::amplitude::time::now();
    fs::write(&events, EVENT.replace(":1}", &format!(":{now}}}"))).unwrap();
    let refuse = Faults {
        refuse: Some("Signup".to_owned()),
        ..Faults::default()
    };
    let sandbox = common::sandbox(refuse).await;
    let feed = replay(&events, &[]);
    let mut command = run(&feed.url, &sandbox.url());
    command
        .args(["--record"])
        .arg(dir.join("recorded"))
        .env("SLUICEGATE_CUSTOMERIO_API_KEY", "key")
        .env("SLUICEGATE_SPOOL_FOLDER", spool);
    let output = without_umask(&command).output().unwrap();
    assert_eq!(summary(&output)["spool"]["letters"], 1, "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_the_spool_and_exported_dead_letters_are_for_their_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let spool = dir.path().join("new/spool");
    with_a_dead_letter(dir.path(), &spool).await;
    let names = assert_private(&dir.path().join("recorded"));
    assert!(
        names.len() == 1 && names[0].ends_with(".ndjson.zst"),
        "{names:?}"
    );
    let names = assert_private(&dir.path().join("new"));
    for name in ["spool.db", "spool.lock", "spool.tail", "status.json"] {
        assert!(names.iter().any(|n| n == name), "{names:?}");
    }
    let out = dir.path().join("letters.ndjson");
    for _ in 0..2 {
        let mut command = sluicegate();
        command.args(["dead-letters", "export", "--all", "--spool"]);
        command.arg(&spool).arg("--out").arg(&out);
        let output = without_umask(&command).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        assert_eq!(mode(&out), 0o600);
        assert!(fs::read_to_string(&out).unwrap().contains("u-1"));
        // The second time it is there, and everybody can read it.
        open_to_all(&out);
    }
    // The spool's lock follows no link, and empties nothing.
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::remove_file(spool.join("spool.lock")).unwrap();
    std::os::unix::fs::symlink(&victim, spool.join("spool.lock")).unwrap();
    let mut command = run("ws://127.0.0.1:1", "http://127.0.0.1:1");
    let output = command
        .env("SLUICEGATE_SPOOL_FOLDER", &spool)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("is a link"), "{}", said(&output));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[test]
fn while_it_runs_the_files_of_the_spool_and_of_a_recording_are_for_their_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, recorded) = (dir.path().join("spool"), dir.path().join("recorded"));
    let events = dir.path().join("events.ndjson");
    fs::write(&events, EVENT).unwrap();
    let sandbox = sandbox(&[]);
    let feed = replay(&events, &["--loop"]);
    let mut command = program::run_on(&feed.url, &sandbox.url);
    command
        .arg("--record")
        .arg(&recorded)
        .env("SLUICEGATE_SPOOL_FOLDER", &spool);
    let _running = Running::start(&mut without_umask(&command));
    let started = Instant::now();
    let is_there = |path: &Path| path.exists() && fs::read_dir(path).unwrap().count() > 0;
    while !(is_there(&recorded) && spool.join("status.json").exists()) {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "it writes nothing"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let names = assert_private(&spool);
    assert!(names.iter().any(|n| n == "spool.db-wal"), "{names:?}");
    assert!(assert_private(&recorded)[0].contains(".part"));
}
