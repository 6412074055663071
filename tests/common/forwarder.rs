//! `run` as a process, for tests with failing surroundings.
#![allow(dead_code, reason = "each test uses some of these fixtures")]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use sluicegate::customerio::sandbox::Sandbox;

use crate::common::numbers_of;
use crate::program::run_on;

/// Returns `run` on this spool, with quick retries and `more` variables.
pub fn forwarder(feed: &str, sandbox: &str, spool: &Path, more: &[(&str, &str)]) -> Command {
    let mut command = run_on(feed, sandbox);
    command
        .env("SLUICEGATE_SPOOL_FOLDER", spool)
        .env("SLUICEGATE_CUSTOMERIO_API_KEY", "key")
        .env("SLUICEGATE_DELIVERY_FIRST_DELAY", "5ms")
        .env("SLUICEGATE_DELIVERY_LONGEST_DELAY", "50ms")
        .env("SLUICEGATE_DELIVERY_FIRST_PROBE", "20ms")
        .env("SLUICEGATE_DELIVERY_LONGEST_PROBE", "100ms")
        .env("SLUICEGATE_FEED_RECONNECT_MIN", "10ms")
        .env("SLUICEGATE_FEED_RECONNECT_MAX", "50ms")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, value) in more {
        command.env(name, value);
    }
    command
}

/// Asserts that each person's events arrived once and in order.
pub fn each_persons_in_order(sandbox: &Sandbox, events: u64, people: u64) {
    for person in 0..people {
        let numbers = numbers_of(sandbox, &format!("u-{person}"));
        let expected: Vec<u64> = (person..events).step_by(people as usize).collect();
        assert!(numbers == expected, "u-{person}: {numbers:?}");
    }
}

/// Returns the standard error.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits for the end of a process. Panics after 60 seconds.
pub async fn ended(child: Child) -> Output {
    let waiting = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .unwrap()
        .unwrap()
}
