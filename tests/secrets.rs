//! Secrets of the settings are in no output and in no file.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod common;
#[path = "common/program.rs"]
mod program;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use program::sluicegate;

/// Parts of the secrets that [`with_secrets`] sets: plain, percent-encoded and in base64.
const SECRETS: [&str; 9] = [
    "s3cret-user",
    "s3cret-pass",
    "s3cret%2Dpass",
    "s3cret-query",
    "s3cret-header",
    "s3cret-proxy",
    "s3cret-key",
    "czNjcmV0",
    "s3cr",
];

/// Starts a feed that refuses every first connection and redirects every second one to a URL with a
/// secret. Returns its address.
fn feed() -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let place = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let mut reader = BufReader::new(stream);
            let mut line = String::new();
            while line != "\r\n" {
                line.clear();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    break;
                }
            }
            let answer = if number % 2 == 0 {
                "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
            } else {
                "HTTP/1.1 302 Found\r\nLocation: ?token=s3cret-query\r\nContent-Length: 0\r\n\r\n"
            };
            let _ = reader.get_mut().write_all(answer.as_bytes());
        }
    });
    place
}

fn with_secrets(command: &mut Command, place: &str) {
    let variables = [
        (
            "URL",
            format!("ws://s3cret-user:s3cret%2Dpass@{place}/feed?token=s3cret-query&s3cret-query"),
        ),
        (
            "PROXY",
            "http://bob:s3cret-proxy@proxy.test:3128".to_owned(),
        ),
    ];
    for (name, value) in variables {
        command.env(format!("SLUICEGATE_FEED_{name}"), value);
    }
    command
        .env("SLUICEGATE_CUSTOMERIO_SITE_ID", "site")
        .env("SLUICEGATE_CUSTOMERIO_API_KEY", "s3cret-key-of-this-test")
        .env(
            "SLUICEGATE_CUSTOMERIO_PROXY",
            "socks5://bob:s3cret-proxy@proxy.test",
        )
        .env("SLUICEGATE_CUSTOMERIO_BASE_URL", "http://127.0.0.1:9");
}

fn assert_hidden(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).replace("s3cr…", "");
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} is in {what}:\n{text}");
    }
}

fn assert_folder_hides(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            assert_folder_hides(&path);
        } else {
            assert_hidden(&path.display().to_string(), &std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn secrets_are_in_no_log_no_status_no_configuration_and_no_file() {
    let (place, dir) = (feed(), tempfile::tempdir().unwrap());
    let config = dir.path().join("s.toml");
    let headers = "[feed.headers]\nX-Client-Name = \"s3cret-header\"\nX-Short = \"s3cr\"\n";
    std::fs::write(&config, headers).unwrap();
    let state = dir.path().join("state");
    let run = |args: &[&str]| {
        let mut command = sluicegate();
        with_secrets(&mut command, &place);
        command.env("XDG_STATE_HOME", &state);
        command.arg("--config").arg(&config).args(args);
        command
    };
    for log in ["text", "json"] {
        let args = ["run", "--gate", "open", "--log", log, "--for", "3s"];
        let mut command = run(&args);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        for format in ["text", "json"] {
            let output = run(&["status", "--format", format]).output().unwrap();
            let shown = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(shown.contains("/feed?token=…&…"), "{shown}");
            assert_hidden("the status", &output.stdout);
        }
        let output = child.wait_with_output().unwrap();
        let shown = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(shown.contains("redirects to ws://127.0.0.1:"), "{shown}");
        assert!(shown.contains("check feed.token"), "{shown}");
        assert_hidden("the log", &output.stderr);
        assert_hidden("the summary", &output.stdout);
    }
    for args in [
        &["config", "show"][..],
        &["config", "show", "--changed"],
        &["config", "check"],
    ] {
        let output = run(args).output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_hidden(&format!("{args:?}"), &output.stdout);
        assert_hidden(&format!("{args:?}"), &output.stderr);
        if args[1] == "show" {
            assert!(shown.contains("X-Client-Name"), "names stay: {shown}");
            assert!(
                shown.contains("feed.proxy = \"http://…@proxy.test:3128\""),
                "{shown}"
            );
        }
    }
    assert_folder_hides(&state);
}

#[test]
fn secrets_are_not_in_the_spool_and_not_in_a_trace_log() {
    let dir = tempfile::tempdir().unwrap();
    let (archive, state) = (dir.path().join("a.ndjson"), dir.path().join("state"));
    std::fs::write(&archive, common::event("u-12345", 1)).unwrap();
    let serving = program::replay(&archive, &[]);
    let place = serving
        .url
        .trim_start_matches("ws://")
        .trim_end_matches('/')
        .to_owned();
    let mut command = sluicegate();
    with_secrets(&mut command, &place);
    command
        .env("XDG_STATE_HOME", &state)
        .env("SLUICEGATE_LOG", "trace");
    let args = ["run", "--gate", "open", "--format", "json", "--for", "3s"];
    let output = command.args(args).output().unwrap();
    let summary = program::summary(&output);
    assert_eq!(summary["totals"]["received"], 1, "{summary}");
    assert_hidden("the log", &output.stderr);
    assert_folder_hides(&state);
}

/// Variables of settings with an invalid value that contains a secret.
const INVALID: &[(&str, &str)] = &[
    (
        "FEED_URL",
        "http://bob:s3cret-pass@host/?token=s3cret-query",
    ),
    (
        "FEED_URL",
        "ws://bob:s3cret-pass@host:x/?token=s3cret-query",
    ),
    (
        "FEED_URL",
        "ws://bob:s3cret-pass/x@host/?token=s3cret-query",
    ),
    ("FEED_URL", "\"ws://bob:s3cret-pass@host/\""),
    ("FEED_URL", "ws://host/#s3cret-query"),
    ("FEED_URL", "ws://bob:s3cret-pass%00@host/"),
    ("FEED_PROXY", "ftp://bob:s3cret-proxy@host"),
    ("FEED_PROXY", "http://bob:s3cret-proxy@host/path"),
    ("CUSTOMERIO_PROXY", "socks4://bob:s3cret-proxy@host"),
    ("CUSTOMERIO_BASE_URL", "http://bob:s3cret-pass@host"),
    ("CUSTOMERIO_BASE_URL", "http://host/?token=s3cret-query"),
    ("CUSTOMERIO_API_KEY", "s3cret-key\n"),
    ("CUSTOMERIO_API_KEY", "s3cret\u{1}-key"),
    ("FEED_TOKEN", "'s3cret-key'"),
    ("RELAY_PASS_TO", "https://bob:s3cret-pass@host"),
];

#[test]
fn errors_about_variables_contain_no_secrets() {
    for (name, value) in INVALID {
        for args in [&["config", "check"][..], &["run", "--for", "1s"]] {
            let mut command = sluicegate();
            with_secrets(&mut command, "127.0.0.1:9");
            command.env_remove("SLUICEGATE_FEED_PROXY");
            let variable = format!("SLUICEGATE_{name}");
            let output = command.env(&variable, value).args(args).output().unwrap();
            assert_eq!(
                output.status.code().unwrap_or(0).min(1),
                1,
                "{name}={value}"
            );
            let shown = [output.stdout, output.stderr].concat();
            assert_hidden(&format!("{args:?} with {name}={value}"), &shown);
            assert!(
                String::from_utf8_lossy(&shown).contains(&variable),
                "{}",
                String::from_utf8_lossy(&shown)
            );
        }
    }
}

#[test]
fn errors_about_the_file_contain_no_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("s.toml");
    for text in [
        "[customerio]\napi_key = [\"s3cret-key\"]",
        "[feed.headers]\nX = [\"s3cret-header\"]",
        "[feed]\nurl = {a = \"s3cret-query\"}",
    ] {
        std::fs::write(&config, text).unwrap();
        let mut command = sluicegate();
        let output = command
            .arg("--config")
            .arg(&config)
            .args(["config", "check"])
            .output()
            .unwrap();
        assert_hidden(text, &[output.stdout, output.stderr].concat());
    }
}
