//! The commands of the program that need no feed: settings, lint, demo, and what they print.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "common/program.rs"]
mod program;

use std::io::Write as _;
use std::process::Stdio;

use program::{run, sluicegate};
use serde_json::Value;

#[test]
fn all_wrong_settings_are_reported_at_once_with_a_fix() {
    let output = sluicegate().arg("run").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for part in [
        "feed.url is not set",
        "SLUICEGATE_CUSTOMERIO_SITE_ID=",
        "customerio.api_key is not set",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let output = run("ws://localhost:1", "http://localhost:1")
        .env("SLUICEGATE_GATES", "open")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean SLUICEGATE_GATE?"));
}

#[test]
fn secrets_are_never_shown() {
    let output = run("ws://localhost:1", "http://localhost:1")
        .env("SLUICEGATE_LOG", "trace")
        .args(["--for", "300ms"])
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(!String::from_utf8_lossy(&said).contains("key-of-the-test"));
    let mut show = sluicegate();
    show.args(["config", "show"])
        .env("SLUICEGATE_CUSTOMERIO_API_KEY", "key-of-the-test");
    let shown = String::from_utf8(show.output().unwrap().stdout).unwrap();
    assert!(!shown.contains("key-of-the-test"));
    assert!(
        shown.contains(r#"customerio.api_key = "key-…""#)
            && shown.contains("environment SLUICEGATE_CUSTOMERIO_API_KEY"),
        "{shown}"
    );
}

#[test]
fn config_init_writes_a_file_that_check_and_show_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/sluicegate.toml");
    let config = |args: &[&str]| {
        sluicegate()
            .arg("--config")
            .arg(&path)
            .arg("config")
            .args(args)
            .output()
            .unwrap()
    };
    assert!(config(&["init"]).status.success());
    assert_eq!(
        config(&["init"]).status.code(),
        Some(2),
        "it does not write over a file"
    );
    let checked = config(&["check"]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&checked.stdout).contains("3 problems"));
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("gate = \"shut\"", "gate = \"ajar\"");
    std::fs::write(&path, text).unwrap();
    let checked = config(&["check"]);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(
        said.contains("sluicegate.toml:11: gate: unknown variant `ajar`"),
        "{said}"
    );
}

#[test]
fn lint_reports_by_limit_and_type_and_exits_with_1_if_any_rejects() {
    let events = [
        r#"{"event_type":"Ok","user_id":"u-1","event_time":"2025-06-30 03:37:52.846000","uuid":"1"}"#,
        r#"{"event_type":"Long","user_id":"u-1","event_time":"2025-06-30 03:37:52.846000","uuid":"2","user_properties":{"bio":"@"}}"#,
        r#"{"event_type":"Bad\u001b[31m","user_id":"undefined","event_time":"2025-06-30 03:37:52.846000","uuid":"3"}"#,
        "oops",
    ];
    let text = events.join("\n").replace('@', &"x".repeat(1_500));
    let lint = |input: &str, args: &[&str]| {
        let mut child = sluicegate()
            .arg("lint")
            .arg("-")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    };
    let table = lint(&text, &[]);
    assert_eq!(table.status.code(), Some(1));
    let said = String::from_utf8(table.stdout).unwrap();
    assert!(
        said.contains("3 events read, 1 malformed; 1 would be rejected, 1 with warnings"),
        "{said}"
    );
    assert!(
        said.contains("attribute_value_too_long") && said.contains("standard input:2")
            || said.contains("-:2"),
        "{said}"
    );
    assert!(
        !said.contains('\u{1b}'),
        "nothing from an event reaches the terminal as a command"
    );
    let json: Value = serde_json::from_slice(&lint(&text, &["--format", "json"]).stdout).unwrap();
    assert_eq!(
        json["violations"]["id_invalid"]["Bad\u{1b}[31m"]["path"],
        "user_id"
    );
    assert_eq!(lint(events[0], &[]).status.code(), Some(0));
}

#[test]
fn watch_without_a_terminal_says_what_to_do_instead() {
    let output = sluicegate().arg("watch").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(says.contains("watch needs a terminal") && says.contains("sluicegate run"));
}

#[test]
fn demo_without_a_terminal_runs_headless_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let output = sluicegate()
        .args(["demo", "--for", "3s", "--rate", "400"])
        .current_dir(dir.path())
        .env("TMPDIR", dir.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.lines()
            .filter(|line| line.starts_with("feed live"))
            .count()
            >= 2,
        "{said}"
    );
    assert!(
        said.contains("the sandbox received") && said.contains("delivery rate"),
        "{said}"
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
