//! A relay whose log is damaged: what is sound is served, what is lost is counted and told.

use std::fs::{self, File};
use std::io::Read as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::disk_damage::{PAGE_BYTES, damage_pages, file, noise, overwrite, settle};
use crate::http;
use crate::program::{Serving, get, sluicegate, steady_place};

/// Bytes that a message carries along, so that some thirty fill a page.
const FILLER: usize = 400;
/// Messages that are written before the damage.
const ALL: u64 = 3_000;

fn started(folder: &Path, place: SocketAddr) -> Serving {
    let mut command = sluicegate();
    let listen = place.to_string();
    command
        .args(["relay", "--headless", "--retain", "1h", "--listen", &listen])
        .arg("--folder")
        .arg(folder)
        .stderr(Stdio::piped());
    Serving::start(&mut command)
}

async fn send(place: SocketAddr, numbers: std::ops::Range<u64>, filler: usize) {
    let (http, url) = (http(), format!("http://{place}/webhook"));
    let filler = "x".repeat(filler);
    for first in numbers.clone().step_by(50) {
        let some = first..(first + 50).min(numbers.end);
        let event =
            |n| json!({"event_type": "A", "user_id": "u", "time": n, "x": filler}).to_string();
        let events: Vec<String> = some.map(event).collect();
        let body = format!("[{}]", events.join(","));
        let answer = http.post(&url).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}

/// The numbers of all messages that the relay serves, and a connection that goes on.
async fn served(place: SocketAddr) -> Vec<u64> {
    let asked = format!("ws://{place}/feed?last_received=");
    let (mut client, _) = connect_async(asked).await.unwrap();
    let mut numbers = Vec::new();
    while let Ok(Some(message)) =
        tokio::time::timeout(Duration::from_millis(1_500), client.next()).await
    {
        let Ok(Message::Text(text)) = message else {
            panic!("{message:?}")
        };
        let event: Value = serde_json::from_str(&text).unwrap();
        assert!(event["x"].as_str().unwrap().bytes().all(|b| b == b'x'));
        numbers.push(event["time"].as_u64().unwrap());
    }
    assert!(numbers.is_sorted());
    numbers
}

/// The damaged files that are kept; they are for their owner only.
fn kept(folder: &Path) -> Vec<String> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("messages.damaged-") {
            kept.push(name);
        } else {
            let known = ["lock", "messages.note", "control.sock"].contains(&name.as_str())
                || [
                    "messages.sqlite",
                    "messages.sqlite-wal",
                    "messages.sqlite-shm",
                ]
                .contains(&name.as_str());
            assert!(known, "{name} was left behind");
        }
    }
    kept
}

fn log_of(relay: &mut Serving) -> std::thread::JoinHandle<String> {
    let mut stderr = relay.stderr();
    std::thread::spawn(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).unwrap();
        log
    })
}

/// A log of [`ALL`] messages, all of them in the file itself.
async fn filled(place: SocketAddr) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let relay = started(folder.path(), place);
    send(place, 0..ALL, FILLER).await;
    drop(relay);
    settle(folder.path());
    folder
}

/// Starts on a damaged log, and checks that all is told and what is left is served; how many
/// messages are lost.
async fn checked(what: &str, folder: &Path, place: SocketAddr, all: u64) -> u64 {
    let mut relay = started(folder, place);
    let log = log_of(&mut relay);
    let health = get(&format!("http://{place}/healthz"));
    let lost = health["lost"].as_u64().unwrap();
    let told = health["damage"].as_str().unwrap_or_default().to_owned();
    assert!(
        told.contains("the damaged file is kept as"),
        "{what}: {health}"
    );
    let numbers = served(place).await;
    assert_eq!(numbers.len() as u64, all - lost, "{what}: {told}");
    // It goes on.
    send(place, all..all + 1, FILLER).await;
    assert_eq!(served(place).await.len(), numbers.len() + 1, "{what}");
    assert_eq!(
        kept(folder)
            .iter()
            .filter(|n| n.ends_with(".sqlite"))
            .count(),
        1
    );
    let (code, says) = relay.end();
    assert_eq!(code, Some(i32::from(lost > 0)), "{what}: {says}");
    let log = log.join().unwrap();
    let is_error = |line: &str| line.contains("ERROR") && line.contains("was damaged");
    assert!(log.lines().any(is_error), "{what}: {log}");
    // The new file is sound, and says nothing any more.
    let mut again = started(folder, place);
    let log = log_of(&mut again);
    let health = get(&format!("http://{place}/healthz"));
    assert_eq!(
        (&health["lost"], &health["damage"]),
        (&json!(0), &Value::Null),
        "{what}"
    );
    assert_eq!(again.end().0, Some(0), "{what}: {}", log.join().unwrap());
    lost
}

#[tokio::test(flavor = "multi_thread")]
async fn overwritten_pages_lose_only_their_messages() {
    let place = steady_place();
    let folder = filled(place).await;
    damage_pages(folder.path(), 4);
    let lost = checked("pages", folder.path(), place, ALL).await;
    assert!((1..=4 * 40).contains(&lost), "{lost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_file_is_read_up_to_its_end() {
    let place = steady_place();
    let folder = filled(place).await;
    let length = fs::metadata(file(folder.path())).unwrap().len();
    let db = File::options()
        .write(true)
        .open(file(folder.path()))
        .unwrap();
    db.set_len(length * 3 / 5 + 1_000).unwrap();
    let lost = checked("truncated", folder.path(), place, ALL).await;
    assert!((ALL / 3..ALL / 2).contains(&lost), "{lost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_file_loses_everything_and_is_reported() {
    let place = steady_place();
    let folder = filled(place).await;
    File::options()
        .write(true)
        .truncate(true)
        .open(file(folder.path()))
        .unwrap();
    assert_eq!(checked("empty", folder.path(), place, ALL).await, ALL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_its_header_or_first_page_loses_nothing() {
    let place = steady_place();
    for bytes in [100, PAGE_BYTES] {
        let folder = filled(place).await;
        overwrite(&file(folder.path()), 0, &noise(bytes));
        assert_eq!(checked("header", folder.path(), place, ALL).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_end_of_the_write_ahead_log_is_detected_and_kept() {
    let place = steady_place();
    let folder = filled(place).await;
    let relay = started(folder.path(), place);
    send(place, ALL..ALL + 400, FILLER).await;
    drop(relay);
    let log = folder.path().join("messages.sqlite-wal");
    let length = fs::metadata(&log).unwrap().len();
    overwrite(&log, length / 2, &noise(length - length / 2));
    let damaged = fs::read(&log).unwrap();
    let lost = checked("wal", folder.path(), place, ALL + 400).await;
    assert!((1..400).contains(&lost), "{lost}");
    let kept = kept(folder.path());
    let kept = kept.iter().find(|name| name.ends_with("-wal")).unwrap();
    assert_eq!(fs::read(folder.path().join(kept)).unwrap(), damaged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_loses_only_its_message() {
    let place = steady_place();
    let folder = filled(place).await;
    let mut bytes = fs::read(file(folder.path())).unwrap();
    // Pages that were split have its text a second time, where nothing is read any more.
    let text = format!(r#""time":{},"#, ALL / 2);
    let found: Vec<usize> = memchr::memmem::find_iter(&bytes, text.as_bytes()).collect();
    assert!(!found.is_empty());
    for at in found {
        bytes[at + text.len() + 100] ^= 0x01;
    }
    fs::write(file(folder.path()), bytes).unwrap();
    assert_eq!(checked("bit", folder.path(), place, ALL).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_found_by_a_read_is_repaired_in_operation() {
    let place = steady_place();
    let folder = filled(place).await;
    let relay = started(folder.path(), place);
    damage_pages(folder.path(), 2);
    let numbers = served(place).await;
    let health = get(&format!("http://{place}/healthz"));
    let lost = health["lost"].as_u64().unwrap();
    assert!((1..=2 * 40).contains(&lost), "{health}");
    assert_eq!(numbers.len() as u64, ALL - lost, "{health}");
    assert_eq!(served(place).await, numbers);
    send(place, ALL..ALL + 10, FILLER).await;
    assert_eq!(served(place).await.len(), numbers.len() + 10);
    assert_eq!(kept(folder.path()).len(), 1);
    assert_eq!(relay.end().0, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_found_by_a_write_is_repaired_and_the_write_succeeds() {
    let place = steady_place();
    let folder = filled(place).await;
    let relay = started(folder.path(), place);
    // So much that the pages of readers are not in memory any more.
    send(place, ALL..ALL + 600, 12_000).await;
    let db = Connection::open(file(folder.path())).unwrap();
    let root = "select rootpage from sqlite_schema where name = 'acknowledged'";
    let page: u64 = db.query_row(root, [], |row| row.get(0)).unwrap();
    drop(db);
    overwrite(
        &file(folder.path()),
        (page - 1) * PAGE_BYTES,
        &noise(PAGE_BYTES),
    );
    let id = uuid::Uuid::now_v7();
    let behind_all = format!("ws://{place}/feed?last_received={id}");
    let mut request = behind_all.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("x-client-name", "me".parse().unwrap());
    let (mut client, _) = connect_async(request).await.unwrap();
    let acknowledged = json!({ "message_id": id }).to_string();
    client.send(Message::text(acknowledged)).await.unwrap();
    // What is answered comes behind it.
    tokio::time::sleep(Duration::from_millis(300)).await;
    send(place, ALL + 600..ALL + 601, FILLER).await;
    let health = get(&format!("http://{place}/healthz"));
    assert!(
        health["damage"]
            .as_str()
            .is_some_and(|told| told.contains("none is lost")),
        "{health}"
    );
    assert_eq!(served(place).await.len() as u64, ALL + 601);
    let db = Connection::open(file(folder.path())).unwrap();
    let known: Vec<u8> = db
        .query_row("select id from acknowledged", [], |row| row.get(0))
        .unwrap();
    assert_eq!(known, id.as_bytes());
    drop(db);
    assert_eq!(relay.end().0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_client_positions_are_counted_and_reported() {
    let place = steady_place();
    let folder = filled(place).await;
    let relay = started(folder.path(), place);
    let mut request = format!("ws://{place}/feed").into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("x-client-name", "somebody".parse().unwrap());
    let (mut client, _) = connect_async(request).await.unwrap();
    let acknowledged = json!({ "message_id": uuid::Uuid::now_v7() }).to_string();
    client.send(Message::text(acknowledged)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(relay);
    settle(folder.path());
    let mut bytes = fs::read(file(folder.path())).unwrap();
    let at = memchr::memmem::rfind(&bytes, b"name:somebody").unwrap();
    bytes[at + 8] ^= 0x02;
    fs::write(file(folder.path()), bytes).unwrap();
    let relay = started(folder.path(), place);
    let health = get(&format!("http://{place}/healthz"));
    let told = health["damage"].as_str().unwrap();
    assert!(
        told.contains("none is lost, and the position of 1 client is lost"),
        "{told}"
    );
    assert_eq!(relay.end().0, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_that_is_killed_at_any_moment_loses_only_what_was_damaged() {
    let place = steady_place();
    let folder = filled(place).await;
    damage_pages(folder.path(), 4);
    let untouched = tempfile::tempdir().unwrap();
    for name in ["messages.sqlite", "messages.note"] {
        fs::copy(folder.path().join(name), untouched.path().join(name)).unwrap();
    }
    let lost = checked("once", untouched.path(), place, ALL).await;
    assert!(lost > 0);
    let log = tempfile::NamedTempFile::new().unwrap();
    for kill_after_ms in (5..200).step_by(5) {
        let mut relay = sluicegate()
            .args(["relay", "--headless", "--retain", "1h"])
            .args(["--listen", &place.to_string(), "--folder"])
            .arg(folder.path())
            .stderr(log.reopen().unwrap())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(kill_after_ms)).await;
        relay.kill().unwrap();
        relay.wait().unwrap();
    }
    let relay = started(folder.path(), place);
    assert_eq!(served(place).await.len() as u64, ALL - lost);
    let health = get(&format!("http://{place}/healthz"));
    let told = fs::read_to_string(log.path()).unwrap();
    let is_told = told.contains("was damaged") || health["lost"] == json!(lost);
    assert!(is_told, "{health} {told}");
    assert!(!kept(folder.path()).is_empty());
    drop(relay);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_manifest_the_loss_of_a_damaged_file_is_unknown() {
    let place = steady_place();
    let folder = filled(place).await;
    damage_pages(folder.path(), 4);
    fs::remove_file(folder.path().join("messages.note")).unwrap();
    let relay = started(folder.path(), place);
    let served = served(place).await.len() as u64;
    assert!((ALL - 160..ALL).contains(&served), "{served}");
    let health = get(&format!("http://{place}/healthz"));
    let told = health["damage"].as_str().unwrap();
    assert!(told.contains("an unknown number is lost"), "{told}");
    assert_eq!(relay.end().0, Some(1));
}
