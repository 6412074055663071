//! Text from outside that would write a terminal or forge a log, through every field and into
//! every command's output, on a pipe and on a pseudo-terminal.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "common/program.rs"]
mod program;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use program::{Serving, replay, sluicegate, state_home};
use sluicegate::text::visible;

/// A colour, a write to the clipboard, C1 controls, DEL, line breaks that forge a line, marks of
/// direction and what can't be seen.
const HOSTILE: &str = "x\u{1b}[31m\u{1b}]52;c;aGk=\u{7}\u{9b}2J\u{9d}0;t\u{9c}\u{7f}\r\nFORGED\u{202e}\u{200b}\u{e0041}";

/// The same as the content of a JSON string: what JSON lets stand, as it is.
fn in_json() -> String {
    serde_json::to_string(HOSTILE)
        .unwrap()
        .trim_matches('"')
        .to_owned()
}

/// Fails where a terminal would obey anything in `bytes`, or a line was forged.
fn is_harmless(bytes: &[u8], what: &str) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|e| panic!("{what}: {e}"));
    for line in text.lines() {
        let obeyed = line.chars().find(|c| visible(*c) != *c);
        assert_eq!(obeyed, None, "{what}: {line:?}");
        assert!(!line.trim_start().starts_with("FORGED"), "{what}: {line:?}");
    }
    assert!(!text.is_empty(), "{what} says nothing");
}

/// What the program writes to a terminal, without the colours and line ends that are its own.
fn on_a_terminal(command: &Command) -> Vec<u8> {
    let mut same = CommandBuilder::new(command.get_program());
    same.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => same.env(name, value),
            None => same.env_remove(name),
        }
    }
    same.env("TERM", "xterm-256color");
    let pair = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut child = pair.slave.spawn_command(same).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut raw = Vec::new();
    let mut buffer = [0; 8192];
    // A pseudo-terminal ends with an error on Linux.
    while let Ok(n @ 1..) = reader.read(&mut buffer) {
        raw.extend_from_slice(&buffer[..n]);
    }
    child.wait().unwrap();
    let colour = regex::bytes::Regex::new(r"\x1b\[[0-9;]*m").unwrap();
    let plain = colour.replace_all(&raw, &b""[..]);
    let ends = regex::bytes::Regex::new(r"\r+\n").unwrap();
    ends.replace_all(&plain, &b"\n"[..]).into_owned()
}

/// Runs it on pipes and on a terminal; both have to be harmless. What the pipes carried.
fn harmless(command: &mut Command) -> String {
    let what = format!("{:?}", command.get_args().collect::<Vec<_>>());
    let output = command.output().unwrap();
    let all = [output.stdout, output.stderr].concat();
    is_harmless(&all, &what);
    is_harmless(&on_a_terminal(command), &format!("{what} on a terminal"));
    String::from_utf8(all).unwrap()
}

/// Events with hostile text in every place, some that break limits by it, and broken ones; in a
/// file whose name is hostile too.
fn archive(folder: &Path) -> PathBuf {
    let h = in_json();
    let now = sluicegate::amplitude::time::now();
    let long = "n".repeat(200);
    let event = |name: &str, user: &str, n: u32, more: &str| {
        format!(
            r#"{{"event_type":"{name}","user_id":"{user}","device_id":"{h}","insert_id":"{h}{n}","time":{now}{more}}}"#
        )
    };
    let lines = [
        event(
            &h,
            &h,
            1,
            &format!(r#","event_properties":{{"{h}":"{h}"}}"#),
        ),
        event(&h, &format!("{h}{long}"), 2, ""),
        event(&format!("{h}{long}"), "u-1", 3, ""),
        event(
            "a",
            "u-1",
            4,
            &format!(
                r#","user_properties":{{"{h}{long}":1,"{h}":"{}"}}"#,
                "v".repeat(2_000)
            ),
        ),
        event(
            "a",
            "u-1",
            5,
            &format!(r#","event_properties":{{"{h}":"{}"}}"#, "v".repeat(110_000)),
        ),
        format!(r#"{{"event_type":"a","user_id":"u-1","event_time":"{h}"}}"#),
        // Written to the very place where it breaks.
        format!("{{\"event_type\":\"{h}\" \u{9b}2J\u{1b}[31m\u{7f}\u{202e}"),
        format!(r#"{{"{h}":1}}"#),
    ];
    let name = HOSTILE.replace('/', "").replace("FORGED", "\nFORGED");
    let path = folder.join(format!("{name}.ndjson"));
    std::fs::write(&path, lines.join("\n")).unwrap();
    path
}

/// The host and port of a URL.
fn address_of(url: &str) -> String {
    let behind = url.split("://").nth(1).unwrap();
    behind.split('/').next().unwrap().to_owned()
}

/// A server that refuses each item of a batch with hostile words.
fn refusing() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let h = in_json();
    let body = format!(
        r#"{{"errors":[{{"batch_index":0,"reason":"{h}","field":"attributes.{h}","message":"{h}"}}]}}"#
    );
    let answer = format!(
        "HTTP/1.1 207 Multi-Status\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    serve(listener, answer);
    url
}

/// Answers every connection in the same way, once its request is there.
fn serve(listener: TcpListener, answer: String) {
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer_one(stream, &answer);
        }
    });
}

fn answer_one(mut stream: TcpStream, answer: &str) {
    let mut request = Vec::new();
    let mut buffer = [0; 8_192];
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        request.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            })
            .unwrap_or(0_usize);
        if body.len() >= length {
            break;
        }
    }
    let _ = stream.write_all(answer.as_bytes());
}

#[test]
fn lint_and_replay_say_nothing_that_a_terminal_obeys() {
    let folder = tempfile::tempdir().unwrap();
    let path = archive(folder.path());
    for format in ["text", "json"] {
        let told = harmless(sluicegate().args(["lint", "--format", format]).arg(&path));
        assert!(told.contains("id_too_long"), "{told}");
    }
    let missing = folder.path().join(HOSTILE.replace('/', ""));
    harmless(sluicegate().arg("lint").arg(missing));
    let served = replay(&path, &[]);
    let mut socket = TcpStream::connect(address_of(&served.url)).unwrap();
    let request = format!("GET /{} HTTP/1.1\r\n\r\n", "x\u{9b}\u{202e}");
    socket.write_all(request.as_bytes()).unwrap();
}

#[test]
fn a_run_its_summary_its_dead_letters_and_its_status_are_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let path = archive(folder.path());
    let server = refusing();
    for (log, format) in [("text", "text"), ("json", "json")] {
        let state = state_home();
        let feed = replay(&path, &["--loop"]);
        let mut command = on(&feed.url, &server);
        command
            .env("XDG_STATE_HOME", &state)
            .env("SLUICEGATE_MAPPING_SEND_USERS", "true")
            .env("SLUICEGATE_LOG", "sluicegate=debug")
            .env("SLUICEGATE_CUSTOMERIO_WORKSPACE", HOSTILE.replace('\n', ""))
            .args(["--for", "1s", "--log", log, "--format", format]);
        let told = harmless(&mut command);
        assert!(told.contains("violations"), "{told}");
        for more in [&["list"][..], &["show"]] {
            for format in [&[][..], &["--format", "json"]] {
                if more == ["show"] && !format.is_empty() {
                    continue;
                }
                let mut letters = sluicegate();
                letters.arg("dead-letters").args(more).args(format);
                let told = harmless(on_the_same(&mut letters, &feed, &server, &state));
                assert!(told.contains("attributes."), "{more:?}: {told}");
            }
        }
        for format in ["text", "json"] {
            let mut status = sluicegate();
            status.args(["status", "--format", format]);
            harmless(on_the_same(&mut status, &feed, &server, &state));
        }
    }
}

/// `run` from that feed to that server.
fn on(feed: &str, server: &str) -> Command {
    let mut command = sluicegate();
    command
        .arg("run")
        .env("SLUICEGATE_FEED_URL", feed)
        .env("SLUICEGATE_CUSTOMERIO_SITE_ID", "site")
        .env("SLUICEGATE_CUSTOMERIO_API_KEY", "key")
        .env("SLUICEGATE_CUSTOMERIO_BASE_URL", server)
        .env("SLUICEGATE_GATE", "open");
    command
}

/// With the settings of the run that was.
fn on_the_same<'c>(
    command: &'c mut Command,
    feed: &Serving,
    server: &str,
    state: &Path,
) -> &'c mut Command {
    command
        .env("XDG_STATE_HOME", state)
        .env("SLUICEGATE_FEED_URL", &feed.url)
        .env("SLUICEGATE_CUSTOMERIO_SITE_ID", "site")
        .env("SLUICEGATE_CUSTOMERIO_API_KEY", "key")
        .env("SLUICEGATE_CUSTOMERIO_BASE_URL", server)
}

#[test]
fn what_servers_answer_and_why_they_close_forges_no_line_of_the_log() {
    let long = HOSTILE.replace("\r\n", "\r\n ");
    for answer in [
        format!("HTTP/1.1 503 {HOSTILE}\r\n\r\n{HOSTILE}"),
        format!("HTTP/1.1 503 Down\r\nContent-Length: 400\r\n\r\n{HOSTILE}"),
        format!("HTTP/1.1 302 Found\r\nLocation: {long}\r\nContent-Length: 0\r\n\r\n"),
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<h1>{HOSTILE}</h1>"
        ),
        format!("{HOSTILE}\r\n\r\n"),
    ] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        serve(listener, answer);
        let folder = tempfile::tempdir().unwrap();
        let events = folder.path().join("events.ndjson");
        let now = sluicegate::amplitude::time::now();
        let event = format!(r#"{{"event_type":"a","user_id":"u","insert_id":"1","time":{now}}}"#);
        std::fs::write(&events, event).unwrap();
        let feed = replay(&events, &["--loop"]);
        for (feed, server) in [
            (format!("ws://{address}/"), "http://127.0.0.1:9".to_owned()),
            (feed.url.clone(), format!("http://{address}")),
        ] {
            for log in ["text", "json"] {
                let mut command = on(&feed, &server);
                command
                    .env("SLUICEGATE_LOG", "sluicegate=debug")
                    .env("SLUICEGATE_DELIVERY_DRAIN", "100ms")
                    .args(["--for", "300ms", "--log", log]);
                harmless(&mut command);
            }
        }
    }
}

#[test]
fn wrong_settings_and_usage_are_told_harmlessly() {
    let folder = tempfile::tempdir().unwrap();
    let h = in_json();
    for (n, file) in [
        format!("[feed]\nurl = \"{h}\"\n[mapping]\nexclude = [\"{h}\"]\n"),
        format!("\"{h}\" = 1\n"),
        format!("gate = \"{h}\"\n"),
        format!("[[rules]]\nname = \"{h}\"\neffect = \"exclude\"\nwhen = \"{h}\"\n"),
        format!("[types]\n\"{h}\" = \"{h}\"\n"),
        format!("[keys]\n\"{h}\" = [\"{h}\"]\n"),
        format!("[relay.webhook]\n\"{h}\" = \"{h}\"\n"),
        "gate = \u{9b}\u{202e}".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let path = folder.path().join(format!("{n}.toml"));
        std::fs::write(&path, file).unwrap();
        for command in [&["config", "check"][..], &["config", "show"], &["run"]] {
            harmless(sluicegate().args(command).arg("--config").arg(&path));
        }
    }
    harmless(
        sluicegate()
            .args(["config", "check"])
            .env("SLUICEGATE_GATE", HOSTILE),
    );
    for arguments in [
        &[HOSTILE][..],
        &["lint", "--format", HOSTILE],
        &["run", &format!("--{HOSTILE}")],
        &["run", "--config", &HOSTILE.replace('/', "")],
        &["sandbox", "--listen", HOSTILE],
    ] {
        harmless(sluicegate().args(arguments));
    }
}

#[test]
fn the_relays_log_is_harmless_whatever_is_sent_to_it() {
    for log in ["text", "json"] {
        let folder = tempfile::tempdir().unwrap();
        let err = folder.path().join("log");
        let mut command = sluicegate();
        command
            .args([
                "relay",
                "--listen",
                "127.0.0.1:0",
                "--headless",
                "--log",
                log,
            ])
            .env("SLUICEGATE_LOG", "sluicegate=debug")
            .stderr(Stdio::from(std::fs::File::create(&err).unwrap()));
        let relay = Serving::start(&mut command);
        let address = address_of(&relay.url);
        // HTTP itself allows no more in a header.
        let raw = "x\u{9b}2J\u{202e}";
        for (path, header, body) in [
            ("/webhook", format!("User-Agent: {raw}"), in_json()),
            (
                "/2/httpapi",
                format!("X-Forwarded-For: {raw}"),
                format!(
                    "{{\"api_key\":\"{}\",\"events\":[{{\"{}\":1}}]}}",
                    in_json(),
                    in_json()
                ),
            ),
            (
                "/nowhere\u{9b}2J\u{202e}",
                "A: b".to_owned(),
                raw.to_owned(),
            ),
            (
                "/feed?types=\u{9b}",
                format!("X-Client-Name: {raw}"),
                String::new(),
            ),
        ] {
            let mut socket = TcpStream::connect(&address).unwrap();
            let request = format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\n{header}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            socket.write_all(request.as_bytes()).unwrap();
            let mut answer = Vec::new();
            let _ = socket.read_to_end(&mut answer);
        }
        program::signal("TERM", relay.pid());
        let rest = relay.finish();
        is_harmless(format!("{rest}.").as_bytes(), "the relay");
        is_harmless(&std::fs::read(&err).unwrap(), "the relay's log");
    }
}
