//! Reloads and the end of a forwarder, sockets that are left, and the documented example.

use std::fs;
use std::process::Command;

use sluicegate::control::socket;

use crate::bench::{Bench, is_done, out};
use crate::common::until;
use crate::forwarder::{ended, forwarder, said};
use crate::program::Running;

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarder_is_reloaded_and_drained_and_its_socket_goes_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("s.toml");
    fs::write(&config, "[delivery]\nattempts = 7\n").unwrap();
    let shown = config.display().to_string();
    let mut bench = Bench::start(&[("SLUICEGATE_CONFIG", &shown)]).await;
    fs::write(&config, "[delivery]\nattempts = 8\n").unwrap();
    let reloaded = bench.ctl(&["reload"]);
    assert!(
        out(&reloaded).contains("delivery.attempts applied"),
        "{reloaded:?}"
    );
    fs::write(&config, "attempts = nonsense").unwrap();
    let refused = bench.ctl(&["reload"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("nothing is changed"), "{refused:?}");
    let unasked = bench.ctl(&["drain"]);
    assert!(said(&unasked).contains("add --yes"), "{unasked:?}");
    assert!(is_done(&bench.ctl(&["drain", "--yes"])));
    let output = ended(bench.child.take().unwrap()).await;
    assert!(output.status.success(), "{output:?}");
    assert!(!socket::path(&bench.spool()).exists());
    let gone = bench.ctl(&["status"]);
    assert_eq!(gone.status.code(), Some(2));
    assert!(said(&gone).contains("no forwarder listens on"), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_a_killed_forwarder_left_is_taken_over() {
    let mut bench = Bench::start(&[]).await;
    let mut child = bench.child.take().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(socket::path(&bench.spool()).exists());
    let gone = bench.ctl(&["status"]);
    assert!(said(&gone).contains("no forwarder listens on"), "{gone:?}");
    let mut command = forwarder(&bench.feed.url(), &bench.sandbox.url(), &bench.spool(), &[]);
    let _again = Running::start(&mut command);
    until("it answers", || bench.ctl(&["status"]).status.success()).await;
}

/// The client in `assets/control.md`, as it stands there.
#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_documentation_works() {
    let text = include_str!("../../assets/control.md");
    let start = text.find("```python\n").unwrap() + "```python\n".len();
    let script = &text[start..start + text[start..].find("```").unwrap()];
    let bench = Bench::start(&[]).await;
    bench.publish("u-1", 0..3).await;
    bench.received(3).await;
    let python = Command::new("python3").arg("--version").output();
    assert!(
        python.is_ok_and(|found| found.status.success()),
        "this test needs python3"
    );
    let mut example = Command::new("python3");
    let example = example
        .args(["-c", script])
        .arg(socket::path(&bench.spool()));
    let output = example.output().unwrap();
    let said = out(&output);
    assert!(said.contains("gate open, 3 events received"), "{output:?}");
    assert!(said.contains("Step u-1 accepted"), "{said}");
}
