//! Disks that are full, or can't be written to. Those that need a disk of their own are ignored
//! unless asked for, as few surroundings let one be made: `.ci/disk` runs them.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![cfg(unix)]

mod common;
#[path = "common/forwarder.rs"]
mod forwarder;
#[path = "common/hangup.rs"]
mod hangup;
#[path = "common/program.rs"]
mod program;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{event, feed, sandbox, until};
use forwarder::{each_persons_in_order, ended, forwarder, said};
use hangup::Logged;
use program::signal;
use sluicegate::customerio::sandbox::Faults;
use sluicegate::ledger::{Note, Reader, Selection};

/// The same command on a disk of its own, which is gone with it.
fn on_a_disk(command: &Command, mount: &Path, options: &str) -> Command {
    let tried = Command::new("unshare").args(["-rm", "true"]).output();
    let tried = tried.unwrap_or_else(|error| panic!("there is no unshare(1) here: {error}"));
    let why = String::from_utf8_lossy(&tried.stderr);
    assert!(tried.status.success(), "no disk can be made here: {why}");
    let mut inside = Command::new("unshare");
    let script = format!(
        "mount -t tmpfs -o {options} none {} && exec \"$@\"",
        mount.display()
    );
    inside.args(["-rm", "sh", "-c", &script, "sh"]);
    inside.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => inside.env(name, value),
            None => inside.env_remove(name),
        };
    }
    inside
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    inside
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a disk of its own, by unshare(1): .ci/disk"]
async fn a_full_disk_stops_the_feed_and_loses_nothing() {
    const EVENTS: u64 = 40_000;
    let dir = tempfile::tempdir().unwrap();
    let down = Faults {
        fail_share: 1.0,
        ..Faults::default()
    };
    let (feed, sandbox) = (feed().await, sandbox(down).await);
    let command = forwarder(&feed.url(), &sandbox.url(), &dir.path().join("spool"), &[]);
    let mut command = on_a_disk(&command, dir.path(), "size=40m");
    command.env("SLUICEGATE_LOG", "sluicegate=info");
    let publishing = {
        let feed = feed.clone();
        tokio::spawn(async move {
            let large = format!(r#""note":"{}","number""#, "x".repeat(1_800));
            for number in 0..EVENTS {
                let event = event(&format!("u-{}", number % 31), number);
                feed.publish(&event.replace(r#""number""#, &large)).await;
            }
        })
    };
    let child = command.spawn().unwrap();
    // These are more than twice what the disk holds.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!publishing.is_finished(), "the feed is not held back");
    assert_eq!(sandbox.counts().events, 0);
    sandbox.set_faults(Faults::default());
    until("all arrive", || sandbox.counts().events == EVENTS).await;
    publishing.await.unwrap();
    // The program is its grandchild's only child: the signal goes to both.
    signal("TERM", child.id());
    let output = ended(child).await;
    let said = said(&output);
    assert!(said.contains("is full: make room on it"), "{said}");
    assert!(said.contains("the spool can be written again"), "{said}");
    each_persons_in_order(&sandbox, EVENTS, 31);
}

/// Fills the disk with a file.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    while file.write_all(&[0; 4_096]).is_ok() {}
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a disk of its own, by unshare(1): .ci/disk"]
async fn a_ledger_on_a_full_disk_is_told_once_and_goes_on_with_the_number_of_lost_rows() {
    let dir = tempfile::tempdir().unwrap();
    let disk = dir.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let (feed, sandbox) = (feed().await, sandbox(Faults::default()).await);
    let (spool, ledger) = (dir.path().join("spool"), disk.display().to_string());
    let more = [("SLUICEGATE_LEDGER_FOLDER", ledger.as_str())];
    let command = forwarder(&feed.url(), &sandbox.url(), &spool, &more);
    let mut run = Logged::start(&mut on_a_disk(&command, &disk, "size=2m"));
    let mut events = 0;
    let mut send = async |count: u64| {
        for number in events..events + count {
            feed.publish(&event(&format!("u-{}", number % 31), number))
                .await;
        }
        events += count;
        until("all arrive", || sandbox.counts().events == events).await;
        // The ledger writes ten times a second, and tries again each second.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
    };
    send(500).await;
    // The disk is seen through the process alone.
    let inside = format!("/proc/{}/root{ledger}", run.pid());
    let filler = Path::new(&inside).join("filler");
    fill(&filler);
    for _ in 0..4 {
        send(500).await;
    }
    run.line(&["can't be written: No space left on device"]);
    fs::remove_file(&filler).unwrap();
    run.line(&["the ledger can be written again"]);
    send(500).await;
    let told = |says: &str| run.count(says);
    assert_eq!(told("can't be written"), 1, "it is told once");
    assert_eq!(told("can be written again"), 1);
    let mut rows = 0;
    let reader = Reader::open(Path::new(&inside)).unwrap();
    let notes = reader.read(&Selection::All, |_, _| rows += 1).unwrap();
    let lost: Vec<u64> = notes
        .iter()
        .filter_map(|noted| match noted.note {
            Note::Lost { rows, .. } => Some(rows),
            _ => None,
        })
        .collect();
    assert_eq!(lost.len(), 1, "{notes:?}");
    // Each event has a row for its decision and one for its outcome.
    assert_eq!(rows + lost[0], 2 * events, "{lost:?} are lost");
    assert!(lost[0] > 2_000, "{lost:?} are lost");
    assert_eq!(run.ends(), 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a disk of its own, by unshare(1): .ci/disk"]
async fn a_disk_that_can_not_be_written_to_is_told_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let spool = dir.path().join("spool");
    let command = forwarder("ws://127.0.0.1:1", "http://127.0.0.1:1", &spool, &[]);
    let mut command = on_a_disk(&command, dir.path(), "ro");
    let output = ended(command.spawn().unwrap()).await;
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(
        said.contains("cannot use the spool's folder") && said.contains("set spool.folder"),
        "{said}"
    );
    assert!(said.contains("Read-only file system"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_the_place_of_the_spools_folder_is_told_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let spool = dir.path().join("spool");
    std::fs::write(&spool, "").unwrap();
    let mut command = forwarder("ws://127.0.0.1:1", "http://127.0.0.1:1", &spool, &[]);
    let output = ended(command.spawn().unwrap()).await;
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(said.contains("cannot use the spool's folder"), "{said}");
}
