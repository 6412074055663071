//! Files of events as they come: laid out over lines, cut, marked, packed by a Mac, damaged. What
//! the commands make of them, as processes.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "common/program.rs"]
mod program;

use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use program::{Serving, replay, run, sandbox, sluicegate, summary};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

fn event(number: u64) -> String {
    json!({
        "event_type": "Step", "user_id": "u-1", "insert_id": format!("i-{number}"), "device_id": "d",
        "time": sluicegate::amplitude::time::now(), "event_properties": {"name": "Jürgen"},
    })
    .to_string()
}

fn gz(text: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

fn file(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// An export as a Mac's Finder packs it again.
fn packed_by_finder(lines: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    zip.add_directory("100001/", options).unwrap();
    for (name, bytes) in [
        ("100001/.DS_Store", b"\0\0\0\x01Bud1".to_vec()),
        ("100001/3_2026-11-24.json.gz", gz(lines)),
        (
            "__MACOSX/100001/._3_2026-11-24.json.gz",
            b"\0\x05\x16\x07\0\x02".to_vec(),
        ),
    ] {
        zip.start_file(name, options).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn lint(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = sluicegate()
        .arg("lint")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Without a file it does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn report(arguments: &[&str], input: &[u8]) -> (Value, Option<i32>, String) {
    let output = lint(&[&["--format", "json"], arguments].concat(), input);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (report, output.status.code(), said)
}

#[test]
fn events_over_several_lines_and_behind_a_byte_order_mark_are_found_in_files_and_input() {
    let value: Value = serde_json::from_str(&event(1)).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let envelope = json!({"api_key": "k", "events": [value]});
    let envelope = serde_json::to_string_pretty(&envelope).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for (text, events) in [
        (pretty.clone(), 1),
        (envelope.clone(), 1),
        (format!("\u{feff}{pretty}\n{envelope}\n{pretty}"), 3),
        (format!("\u{feff}{}\n{}\n", event(1), event(2)), 2),
        (format!("[\n{pretty},\n{pretty}\n]\n"), 2),
    ] {
        let path = file(dir.path(), "events.json", &text);
        let (found, _, said) = report(&[path.to_str().unwrap()], b"");
        assert_eq!(
            (&found["events"], &found["malformed"]),
            (&json!(events), &json!(0)),
            "{said}"
        );
        let (found, _, _) = report(&["-"], text.as_bytes());
        assert_eq!(found["events"], events);
    }
}

#[test]
fn a_byte_order_mark_is_taken_off_the_configuration_and_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let key = file(dir.path(), "key", "\u{feff}key-of-the-test\r\n");
    let sandbox = Serving::start(
        sluicegate()
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .env("SLUICEGATE_CUSTOMERIO_SITE_ID", "site")
            .env("SLUICEGATE_CUSTOMERIO_API_KEY", "key-of-the-test"),
    );
    let events = file(dir.path(), "events.json", event(1));
    let feed = replay(&events, &[]);
    let settings = format!(
        "\u{feff}[feed]\nurl = \"{}\"\n\n[customerio]\nsite_id = \"site\"\napi_key_file = \"{}\"\nbase_url = \"{}\"\n",
        feed.url,
        key.display(),
        sandbox.url
    );
    let settings = file(dir.path(), "settings.toml", settings);
    let mut command = sluicegate();
    command
        .args([
            "run",
            "--format",
            "json",
            "--gate",
            "open",
            "--exit-when-idle",
            "500ms",
        ])
        .arg("--config")
        .arg(settings);
    let ran = command.output().unwrap();
    assert_eq!(summary(&ran)["totals"]["delivered"], 1);
}

#[test]
fn a_zip_that_a_mac_packed_is_read_and_places_name_its_member() {
    let dir = tempfile::tempdir().unwrap();
    let lines = format!("{}\n\n{}\n{{\"event_type\":NaN}}\n", event(1), event(2));
    let path = file(dir.path(), "export.zip", packed_by_finder(&lines));
    let (found, code, said) = report(&[path.to_str().unwrap()], b"");
    assert_eq!(
        (&found["events"], &found["malformed"]),
        (&json!(2), &json!(1)),
        "{found}"
    );
    let first = found["first_malformed"].as_str().unwrap();
    assert!(
        first.contains("export.zip:100001/3_2026-11-24.json.gz:4: byte 14:"),
        "{first}"
    );
    assert_eq!(said.matches("skipped").count(), 1, "{said}");
    assert!(
        said.contains("skipped 2 zip members that are not exports"),
        "{said}"
    );
    assert_eq!(code, Some(1));
    let sound = file(dir.path(), "sound.zip", packed_by_finder(&event(1)));
    assert_eq!(
        report(&[sound.to_str().unwrap()], b"").1,
        Some(0),
        "no fault of the export's"
    );
}

#[test]
fn a_torn_archive_keeps_its_report_and_the_others_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..3_000).map(event).collect();
    let whole = gz(&lines.join("\n"));
    let torn = file(dir.path(), "torn.json.gz", &whole[..whole.len() / 2]);
    let sound = file(dir.path(), "sound.json", event(9_000));
    let (torn, sound) = (torn.to_str().unwrap(), sound.to_str().unwrap());
    let (found, code, said) = report(&[torn, sound], b"");
    let events = found["events"].as_u64().unwrap();
    assert!((1_000..2_999).contains(&events), "{found}");
    assert!(
        said.contains("torn.json.gz:") && said.contains("is the download complete?"),
        "{said}"
    );
    assert_eq!(code, Some(1));
    let (_, code, said) = report(&["/nowhere.json"], b"");
    assert_eq!(code, Some(2), "{said}");
}

#[test]
fn a_line_that_is_cut_within_a_character_ends_no_player() {
    let dir = tempfile::tempdir().unwrap();
    let (first, whole, last) = (event(1), event(2), event(3));
    let cut = whole.find('ü').unwrap();
    // In the middle of its two bytes, and behind them.
    for end in [cut + 1, cut + 2] {
        let bytes = [
            first.as_bytes(),
            b"\n",
            &whole.as_bytes()[..end],
            b"\n",
            last.as_bytes(),
            b"\n",
            &whole.as_bytes()[..end],
        ];
        let path = file(dir.path(), "cut.ndjson", bytes.concat());
        let sandbox = sandbox(&[]);
        let feed = replay(&path, &[]);
        let ran = run(&feed.url, &sandbox.url).output().unwrap();
        assert_eq!(summary(&ran)["totals"]["delivered"], 2);
        let played = feed.finish();
        assert!(played.contains("played 2 events, 2 malformed"), "{played}");
    }
}

/// Waits for it to end; what it said on standard error, and its exit code.
fn ended(mut command: Command) -> (String, Option<i32>) {
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    (
        String::from_utf8_lossy(&output.stderr).into_owned(),
        output.status.code(),
    )
}

#[test]
fn what_can_not_be_read_is_played_as_far_as_it_can_and_ends_the_command_with_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..3_000).map(event).collect();
    let whole = gz(&lines.join("\n"));
    let torn = file(dir.path(), "torn.json.gz", &whole[..whole.len() / 2]);

    let sandbox = sandbox(&[]);
    let mut command = sluicegate();
    command
        .args(["replay", "--listen", "127.0.0.1:0", "--speed", "max"])
        .arg(&torn)
        .stderr(Stdio::piped());
    let mut feed = Serving::start(&mut command);
    let mut errors = feed.stderr();
    let ran = run(&feed.url, &sandbox.url).output().unwrap();
    assert!(summary(&ran)["totals"]["delivered"].as_u64().unwrap() > 1_000);
    let played = feed.finish();
    let mut said = String::new();
    errors.read_to_string(&mut said).unwrap();
    assert!(played.contains("played 1,"), "{played}");
    assert!(said.contains("not all was played: cannot read"), "{said}");

    let mut demo = sluicegate();
    demo.args([
        "demo",
        "--headless",
        "--for",
        "3s",
        "--speed",
        "1000x",
        "--from",
    ]);
    demo.arg(&torn);
    let (said, code) = ended(demo);
    assert!(said.contains("not all was played: cannot read"), "{said}");
    assert_eq!(code, Some(2), "{said}");
}

#[test]
fn an_event_that_is_larger_than_files_may_have_is_reported_and_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let large = event(2).replace("Jürgen", &"x".repeat(1 << 20));
    let path = file(
        dir.path(),
        "large.ndjson",
        format!("{}\n{large}\n{}\n", event(1), event(3)),
    );
    let path = path.to_str().unwrap();
    let (found, _, _) = report(&[path], b"");
    assert_eq!(
        (&found["events"], &found["malformed"]),
        (&json!(3), &json!(0))
    );
    let (found, code, _) = report(&[path, "--max-event-bytes", "500000"], b"");
    assert_eq!(
        (&found["events"], &found["malformed"]),
        (&json!(2), &json!(1))
    );
    let first = found["first_malformed"].as_str().unwrap();
    assert!(
        first.contains("large.ndjson:2: byte 0: an element of more than 500000 bytes"),
        "{first}"
    );
    assert_eq!(code, Some(1));
    let wrong = lint(&[path, "--max-event-bytes", "0"], b"");
    assert_eq!(wrong.status.code(), Some(2));
}

/// Reading what is made to be unpacked for ever takes neither memory nor time without end.
#[cfg(target_os = "linux")]
#[test]
fn a_small_zip_of_gigabytes_takes_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("1.json", SimpleFileOptions::default())
        .unwrap();
    zip.write_all(b"[").unwrap();
    let part = vec![b'x'; 1 << 20];
    for _ in 0..1_024 {
        zip.write_all(&part).unwrap();
    }
    zip.start_file("2.json", SimpleFileOptions::default())
        .unwrap();
    zip.write_all(event(1).as_bytes()).unwrap();
    let path = file(dir.path(), "bomb.zip", zip.finish().unwrap().into_inner());
    let limited = format!(
        "ulimit -v 2000000; exec {} lint --format json {}",
        env!("CARGO_BIN_EXE_sluicegate"),
        path.display()
    );
    let output = Command::new("sh").args(["-c", &limited]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("bomb.zip:1.json:1 unpacks to more than"),
        "{said}"
    );
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["events"], 1, "{said}");
}
