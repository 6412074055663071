//! The `dead-letters` command beside a running forwarder.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![cfg(unix)]

mod common;
#[path = "common/forwarder.rs"]
mod forwarder;
#[path = "common/program.rs"]
mod program;

use std::path::Path;

use common::{event, feed, sandbox, until};
use forwarder::{ended, forwarder, said};
use program::{signal, sluicegate, summary};
use serde_json::Value;
use sluicegate::customerio::sandbox::Faults;

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_exported_and_retried_while_a_forwarder_runs() {
    let dir = tempfile::tempdir().unwrap();
    let refuse = Faults {
        refuse: Some("\"number\":3}".to_owned()),
        ..Faults::default()
    };
    let (feed, sandbox) = (feed().await, sandbox(refuse).await);
    let child = forwarder(&feed.url(), &sandbox.url(), dir.path(), &[])
        .spawn()
        .unwrap();
    for number in 0..6 {
        feed.publish(&event("u-0", number)).await;
    }
    let letters = |args: &[&str]| dead_letters(dir.path(), args);
    until("one is listed", || {
        letters(&["list"]).1.contains("discarded")
    })
    .await;
    let number = assert_listed_shown_and_exported(dir.path());
    let (code, refused) = letters(&["discard", "--all"]);
    assert!(code == Some(2) && refused.contains("--yes"), "{refused}");
    assert_eq!(letters(&["show", "999"]).0, Some(2));
    assert_eq!(letters(&["retry", "999"]).0, Some(1));
    assert_eq!(letters(&["retry"]).0, Some(2), "a choice is required");

    sandbox.set_faults(Faults::default());
    let (code, told) = letters(&["retry", &number]);
    assert!(
        code == Some(0) && told.contains("1 dead letter queued again"),
        "{told}"
    );
    until("it arrives", || sandbox.counts().events == 6).await;
    until("none is left", || {
        letters(&["list"]).1.contains("no dead letters")
    })
    .await;
    signal("TERM", child.id());
    let output = ended(child).await;
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(summary(&output)["spool"]["letters"], 0);
}

/// Runs `dead-letters`, and returns its exit code and output.
fn dead_letters(spool: &Path, args: &[&str]) -> (Option<i32>, String) {
    let mut command = sluicegate();
    command
        .arg("dead-letters")
        .args(&args[..1])
        .arg("--spool")
        .arg(spool);
    let output = command.args(&args[1..]).output().unwrap();
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned() + &said(&output),
    )
}

/// Checks `list`, `show` and `export` on the only dead letter, and returns its number.
fn assert_listed_shown_and_exported(spool: &Path) -> String {
    let letters = |args: &[&str]| dead_letters(spool, args);
    let listed = letters(&["list"]).1;
    assert!(
        listed.contains("1  discarded  Step")
            && listed.contains("attributes: invalid: the workspace"),
        "{listed}"
    );
    let rows: Value = serde_json::from_str(&letters(&["list", "--format", "json"]).1).unwrap();
    assert_eq!(rows[0]["count"], 1);
    let shown: Value = serde_json::from_str(&letters(&["show"]).1).unwrap();
    assert_eq!(
        (
            &shown["person"],
            &shown["request"]["batch"][0]["attributes"]["number"]
        ),
        (&"u-0".into(), &3.into())
    );
    let number = shown["number"].to_string();
    let (code, exported) = letters(&["export", "--all"]);
    assert_eq!(
        (code, serde_json::from_str::<Value>(&exported).unwrap()),
        (Some(0), shown)
    );
    number
}
