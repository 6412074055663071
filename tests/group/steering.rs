//! What an operator changes at one member reaches all.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use bytestring::ByteString;
use tempfile::TempDir;

use crate::common::{event, sandbox, until};
use crate::fixture::{Member, NatsServer, arrived, group, shared};
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
    let output = ctl(folder, &["filters", "show"]);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn filters_and_the_gate_that_are_changed_at_one_member_reach_the_other() {
    let nats = NatsServer::start();
    let publisher = group(&nats.url(), 1).await;
    let sandbox = sandbox(Faults::default()).await;
    let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let start = |folder: &TempDir| {
        let folder = folder.path().to_str().unwrap();
        Member::with(
            &nats.url(),
            &sandbox,
            &[("SLUICEGATE_SPOOL_FOLDER", folder)],
        )
    };
    let _members = [start(&folders[0]), start(&folders[1])];
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
    assert!(
        applied.status.success(),
        "{}",
        String::from_utf8_lossy(&applied.stderr)
    );
    until("the other member has the filters", || {
        shown(folders[1].path()).contains("unseen_types = \"off\"")
    })
    .await;
    let shut = ctl(folders[1].path(), &["gate", "shut", "--yes"]);
    assert!(
        shut.status.success(),
        "{}",
        String::from_utf8_lossy(&shut.stderr)
    );
    until("the first member's gate is shut", || {
        let status = ctl(folders[0].path(), &["status", "--format", "json"]);
        String::from_utf8_lossy(&status.stdout).contains("\"shut\"")
    })
    .await;
    // A member that comes later has them too, and not its own configuration's.
    let later = TempDir::new().unwrap();
    let _third = start(&later);
    shared(publisher.connection(), 3).await;
    assert!(shown(later.path()).contains("unseen_types = \"off\""));
    let text = ByteString::from(event("u-1", 1));
    publisher
        .publish(std::slice::from_ref(&text))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(
        sandbox.counts().events,
        0,
        "the gate is shut at all members"
    );
    let open = ctl(later.path(), &["gate", "open", "--yes"]);
    assert!(
        open.status.success(),
        "{}",
        String::from_utf8_lossy(&open.stderr)
    );
    until("the first member's gate is open", || {
        let status = ctl(folders[0].path(), &["status", "--format", "json"]);
        String::from_utf8_lossy(&status.stdout).contains("\"open\"")
    })
    .await;
    let text = ByteString::from(event("u-1", 2));
    publisher
        .publish(std::slice::from_ref(&text))
        .await
        .unwrap();
    arrived(&sandbox, 1).await;
}
