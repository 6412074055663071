//! A project's past, from a server that answers as Amplitude's Export API does.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "common/program.rs"]
mod program;
#[cfg(unix)]
#[path = "common/rights.rs"]
mod rights;

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use program::sluicegate;
use secrecy::SecretString;
use sluicegate::amplitude::export::{Download, ExportError, Hour, HourResult, Project};
use tokio::net::TcpListener;

/// An export of one event, as Amplitude writes it: a zip of a gzip of lines.
fn export() -> Vec<u8> {
    let mut lines = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let event = r#"{"event_type":"Old","user_id":"u","event_time":"2025-11-25 09:10:00.000000","uuid":"1"}"#;
    lines.write_all(event.as_bytes()).unwrap();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default();
    zip.start_file("100001/100001_2025-11-25_9#0.json.gz", stored)
        .unwrap();
    zip.write_all(&lines.finish().unwrap()).unwrap();
    zip.finish().unwrap().into_inner()
}

type Asked = Arc<Mutex<Vec<String>>>;

async fn answer(
    State(asked): State<Asked>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    // "key:secret", in base64.
    if headers["authorization"] != "Basic a2V5OnNlY3JldA==" {
        return StatusCode::FORBIDDEN.into_response();
    }
    assert_eq!(query["start"], query["end"]);
    let hour = query["start"].clone();
    let mut asked = asked.lock().unwrap();
    asked.push(hour.clone());
    let before = asked.iter().filter(|h| **h == hour).count();
    match (hour.as_str(), before) {
        ("20251125T10", _) => StatusCode::NOT_FOUND.into_response(),
        // First it has no time, then what comes is cut off.
        ("20251125T11", 1) => (StatusCode::GATEWAY_TIMEOUT, "busy").into_response(),
        ("20251125T11", 2) => export()[..40].to_vec().into_response(),
        ("20251125T13", _) => (StatusCode::BAD_REQUEST, "more than 4 GB").into_response(),
        _ => export().into_response(),
    }
}

async fn amplitude() -> (String, Asked) {
    let asked = Asked::default();
    let app = axum::Router::new()
        .route("/api/2/export", axum::routing::get(answer))
        .with_state(asked.clone());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, asked)
}

fn download(server: &str, secret: &str, folder: &Path) -> Download {
    let project = Project {
        server: server.to_owned(),
        api_key: SecretString::from("key"),
        secret_key: SecretString::from(secret.to_owned()),
    };
    Download::new(project, folder, Duration::from_millis(1)).unwrap()
}

fn hour(text: &str) -> Hour {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_are_downloaded_once_and_what_fails_for_a_moment_is_asked_for_again() {
    let (server, asked) = amplitude().await;
    let folder = tempfile::tempdir().unwrap();
    let download = download(&server, "secret", folder.path());
    let size = export().len() as u64;
    for (text, expected) in [
        ("2025-11-25T09", HourResult::Downloaded(size)),
        ("2025-11-25T10", HourResult::Empty),
        ("2025-11-25T11", HourResult::Downloaded(size)),
        // There already, events or none.
        ("2025-11-25T09", HourResult::Present),
        ("2025-11-25T10", HourResult::Present),
    ] {
        assert_eq!(download.get(hour(text)).await.unwrap(), expected, "{text}");
    }
    let names = ["T09", "T10", "T11", "T11", "T11"].map(|hour| format!("20251125{hour}"));
    assert_eq!(*asked.lock().unwrap(), names);
    assert_eq!(
        std::fs::read(download.path(hour("2025-11-25T11"))).unwrap(),
        export()
    );
    let parts = std::fs::read_dir(folder.path()).unwrap();
    let parts = parts.filter(|f| f.as_ref().unwrap().path().extension().unwrap() == "part");
    assert_eq!(parts.count(), 0, "no half of a file is left");
    // What never will be is said at once.
    let too_much = download.get(hour("2025-11-25T13")).await.unwrap_err();
    let says = too_much.to_string();
    assert!(
        says.contains("400 for 20251125T13: more than 4 GB"),
        "{says}"
    );
    assert!(says.contains("export to Amazon S3"), "{says}");
    assert_eq!(asked.lock().unwrap().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_are_said_at_once() {
    let (server, _) = amplitude().await;
    let folder = tempfile::tempdir().unwrap();
    let error = download(&server, "wrong", folder.path())
        .get(hour("2025-11-25"))
        .await;
    assert!(matches!(error, Err(ExportError::Refused { status: 403 })));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_command_downloads_can_be_linted_and_played() {
    let (server, _) = amplitude().await;
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("past");
    let run = |start: &str, end: &str| {
        let mut command = sluicegate();
        command
            .args([
                "backfill", "--start", start, "--end", end, "--server", &server, "--to",
            ])
            .arg(&to)
            .env("AMPLITUDE_API_KEY", "key");
        command
    };
    let keyless = whole(run("2025-11-25T09", "2025-11-25T10")).await;
    let says = String::from_utf8_lossy(&keyless.stderr);
    assert!(says.contains("AMPLITUDE_SECRET_KEY is not set"), "{says}");
    assert_eq!(keyless.status.code(), Some(2));
    let backwards = whole(run("2025-11-25T10", "2025-11-25T09")).await;
    assert!(String::from_utf8_lossy(&backwards.stderr).contains("is before --start"));
    let mut command = run("2025-11-25T09", "2025-11-25T10");
    command.env("AMPLITUDE_SECRET_KEY", "secret");
    let done = whole(command).await;
    let says = String::from_utf8_lossy(&done.stdout);
    assert!(says.contains("2 hours: 1 downloaded"), "{says}");
    let mut lint = sluicegate();
    lint.arg("lint").arg(to.join("amplitude-20251125T09.zip"));
    let lint = whole(lint).await;
    let says = String::from_utf8_lossy(&lint.stdout);
    assert!(lint.status.success(), "{says}");
}

/// `backfill` of two hours with events, from that server, with these flags.
fn backfill(server: &str, to: &Path, more: &[&str]) -> Command {
    let mut command = sluicegate();
    command
        .args(["backfill", "--start", "2025-11-25T08"])
        .args(["--end", "2025-11-25T10", "--server", server, "--to"])
        .arg(to)
        .args(more)
        .envs([
            ("AMPLITUDE_API_KEY", "key"),
            ("AMPLITUDE_SECRET_KEY", "secret"),
            ("SLUICEGATE_CUSTOMERIO_SITE_ID", "site"),
            ("SLUICEGATE_CUSTOMERIO_API_KEY", "key-of-the-test"),
        ]);
    command
}

async fn whole(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_played_through_the_filters_in_dry_run_and_then_for_real_each_event_once() {
    let (server, _) = amplitude().await;
    let sandbox = program::sandbox(&[]);
    let folder = tempfile::tempdir().unwrap();
    let play = ["--play", "--format", "json", "--base-url", &sandbox.url];
    let counts = || program::get(&format!("{}/sandbox/counts", sandbox.url));
    let dry = whole(backfill(&server, folder.path(), &play)).await;
    let summary = |output: &Output| {
        let text = String::from_utf8_lossy(&output.stdout);
        // What was downloaded is said in front of it.
        let (_, json) = text.split_once('\n').unwrap();
        serde_json::from_str::<serde_json::Value>(json)
            .unwrap_or_else(|_| panic!("{text} {}", String::from_utf8_lossy(&output.stderr)))
    };
    let totals = &summary(&dry)["totals"];
    assert_eq!(
        (&totals["received"], &totals["dry_run"]),
        (&2.into(), &2.into())
    );
    assert_eq!(counts()["events"], 0);
    let real = [&play[..], &["--gate", "open"]].concat();
    for _ in 0..2 {
        let sent = whole(backfill(&server, folder.path(), &real)).await;
        let totals = &summary(&sent)["totals"];
        // Both hours hold the same event: the second time it is a duplicate.
        assert_eq!(
            (&totals["delivered"], &totals["rejected"]),
            (&1.into(), &1.into())
        );
        assert!(sent.status.success());
    }
    // The second time Customer.io knew it by its id; and it has the time at which it happened.
    assert_eq!(
        (&counts()["events"], &counts()["duplicates"]),
        (&1.into(), &1.into())
    );
    let events = program::get(&format!("{}/sandbox/people/u/events", sandbox.url));
    assert_eq!(events[0]["timestamp"], 1_764_061_800, "{events}");
    // The filters are those of the configuration.
    let mut off = backfill(&server, folder.path(), &real);
    off.env("SLUICEGATE_UNSEEN_TYPES", "off");
    let filtered = whole(off).await;
    assert_eq!(summary(&filtered)["totals"]["filtered"], 2);
    let wrong = ["--play", "--gate", "ajar"];
    let refused = whole(backfill(&server, folder.path(), &wrong)).await;
    let says = String::from_utf8_lossy(&refused.stderr);
    assert!(
        says.contains("flag --gate: gate: unknown variant"),
        "{says}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_served_as_a_feed() {
    let (server, _) = amplitude().await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = backfill(&server, folder.path(), &["--serve", "127.0.0.1:0"]);
    let serving = tokio::task::spawn_blocking(move || program::Serving::start(&mut command));
    let serving = serving.await.unwrap();
    let sandbox = program::sandbox(&[]);
    let mut forwarder = program::run(&serving.url, &sandbox.url);
    let output = tokio::task::spawn_blocking(move || forwarder.output().unwrap());
    let summary = program::summary(&output.await.unwrap());
    assert_eq!(summary["totals"]["received"], 2, "{summary}");
    let rest = tokio::task::spawn_blocking(move || serving.finish()).await;
    assert!(rest.unwrap().contains("played 2 events"));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_downloaded_is_for_its_owner_only() {
    let (server, _) = amplitude().await;
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("new/past");
    let downloaded = || {
        let command = rights::without_umask(&backfill(&server, &to, &[]));
        async { assert!(whole(command).await.status.success()) }
    };
    downloaded().await;
    let expected =
        ["T08.zip", "T09.zip", "T10.empty"].map(|hour| format!("amplitude-20251125{hour}"));
    assert_eq!(rights::assert_private(&folder.path().join("new")), expected);
    // What an earlier version left open to all is closed when it is used again.
    rights::open_to_all(&to.join(&expected[0]));
    downloaded().await;
    assert_eq!(rights::assert_private(&to), expected);
}
