//! What an operator changes at one member reaches all.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use bytestring::ByteString;
use tempfile::TempDir;

use crate::common::{event, sandbox, until};
use crate::fixture::{Member, NatsServer, arrived, failing, group, shared};
use crate::program::sluicegate;
use sluicegate::customerio::sandbox::Faults;

fn ctl(folder: &Path, request: &[&str]) -> Output {
    sluicegate()
        .args(["ctl", "--spool"])
        .arg(folder)
        .args(request)
        .output()
        .unwrap()
}

fn shown(folder: &Path) -> String {
    out(&ctl(folder, &["filters", "show"]))
}

fn out(output: &Output) -> String {
    let all = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&all).into_owned()
}

/// Waits until the gate of the member with its files in `folder` has this mode.
async fn has_mode(folder: &Path, mode: &str) {
    let mode = format!("\"{mode}\"");
    until("the mode has reached the member", || {
        out(&ctl(folder, &["status", "--format", "json"])).contains(&mode)
    })
    .await;
}

/// Sets the mode at the member with its files in `folder`.
fn set_mode(folder: &Path, mode: &str) {
    let set = ctl(folder, &["gate", mode, "--yes"]);
    assert!(set.status.success(), "{}", out(&set));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn filters_that_are_changed_at_one_member_are_those_of_all() {
    let nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sandbox = sandbox(Faults::default()).await;
    let folders = [(); 3].map(|()| TempDir::new().unwrap());
    let _members =
        [&folders[0], &folders[1]].map(|folder| Member::in_folder(&nats.url(), &sandbox, folder));
    shared(publisher.connection(), 2).await;
    let file = folders[0].path().join("filters.toml");
    std::fs::write(
        &file,
        "unseen_types = \"off\"\n[types]\n\"Step\" = \"on\"\n",
    )
    .unwrap();
    let applied = ctl(
        folders[0].path(),
        &["filters", "apply", file.to_str().unwrap()],
    );
    assert!(applied.status.success(), "{}", out(&applied));
    until("the other member has the filters", || {
        shown(folders[1].path()).contains("unseen_types = \"off\"")
    })
    .await;
    let undone = ctl(folders[1].path(), &["filters", "undo"]);
    assert!(undone.status.success(), "{}", out(&undone));
    until("the first member has the former ones again", || {
        shown(folders[0].path()).contains("unseen_types = \"on\"")
    })
    .await;
    let applied = ctl(
        folders[1].path(),
        &["filters", "apply", file.to_str().unwrap()],
    );
    assert!(applied.status.success(), "{}", out(&applied));
    // A member that comes later has them too, and not its own configuration's.
    let _third = Member::in_folder(&nats.url(), &sandbox, &folders[2]);
    shared(publisher.connection(), 3).await;
    assert!(shown(folders[2].path()).contains("unseen_types = \"off\""));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_gate_that_is_shut_at_one_member_is_shut_at_all() {
    let nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sandbox = sandbox(Faults::default()).await;
    let folders = [(); 2].map(|()| TempDir::new().unwrap());
    let _members =
        [&folders[0], &folders[1]].map(|folder| Member::in_folder(&nats.url(), &sandbox, folder));
    shared(publisher.connection(), 2).await;
    set_mode(folders[1].path(), "shut");
    has_mode(folders[0].path(), "shut").await;
    let events: Vec<ByteString> = (0..20)
        .map(|n| event(&format!("u-{n}"), n).into())
        .collect();
    publisher.publish(&events).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(
        sandbox.counts().events,
        0,
        "the gate is shut at all members"
    );
    set_mode(folders[0].path(), "open");
    has_mode(folders[1].path(), "open").await;
    let events: Vec<ByteString> = (20..40)
        .map(|n| event(&format!("u-{n}"), n).into())
        .collect();
    publisher.publish(&events).await.unwrap();
    arrived(&sandbox, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_member_says_which_events_it_handed_over_with_their_partitions() {
    let nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sandbox = sandbox(failing(1.0)).await;
    let folders = [(); 2].map(|()| TempDir::new().unwrap());
    let first = Member::in_folder(&nats.url(), &sandbox, &folders[0]);
    shared(publisher.connection(), 1).await;
    let texts: Vec<ByteString> = (0..50)
        .map(|number| event(&format!("u-{number}"), number).into())
        .collect();
    publisher.publish(&texts).await.unwrap();
    let outcomes = |wanted: &str| {
        let listed = ctl(folders[0].path(), &["tail", "--recent", "--end"]);
        let listed = String::from_utf8(listed.stdout).unwrap();
        listed.lines().filter(|row| row.contains(wanted)).count()
    };
    until("all are received", || outcomes("\"sequence\"") == 50).await;
    assert_eq!(outcomes("handed_over"), 0);
    let second = Member::in_folder(&nats.url(), &sandbox, &folders[1]);
    shared(publisher.connection(), 2).await;
    until("about half of them are the second one's now", || {
        (10..40).contains(&outcomes("handed_over"))
    })
    .await;
    sandbox.set_faults(Faults::default());
    arrived(&sandbox, 50).await;
    let handed_over = outcomes("handed_over");
    until("the first one has delivered the others", || {
        outcomes("\"delivered\"") == 50 - handed_over
    })
    .await;
    for member in [first, second] {
        assert_eq!(member.end().await.code(), Some(0));
    }
}
