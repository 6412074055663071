//! The log in JSON: names of fields that programs may rely on, as `assets/logs.md` has them.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![cfg(unix)]

mod common;
#[path = "common/forwarder.rs"]
mod forwarder;
#[path = "common/hangup.rs"]
mod hangup;
#[path = "common/program.rs"]
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use common::{event, feed, feed_at, nowhere, sandbox, until};
use forwarder::forwarder;
use hangup::Logged;
use serde_json::Value;
use sluicegate::customerio::sandbox::Faults;

/// Fields of every line.
const ALWAYS: [&str; 4] = ["timestamp", "level", "target", "message"];

/// A kind of messages, as it is documented.
#[derive(Debug, Default)]
struct Documented {
    levels: BTreeSet<String>,
    fields: BTreeSet<String>,
    sometimes: BTreeSet<String>,
}

/// The kinds of messages in the table of `assets/logs.md`.
fn documented() -> BTreeMap<String, Documented> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/logs.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, table) = text.split_once("| `kind` | level |").unwrap();
    let names = |cell: &str| -> Vec<(String, bool)> {
        let parts = cell.split(',').map(str::trim);
        let parts = parts.filter(|part| !part.is_empty());
        let name = |part: &str| part.trim_matches(['(', ')', '`']).to_owned();
        parts
            .map(|part| (name(part), part.starts_with('(')))
            .collect()
    };
    let mut kinds = BTreeMap::new();
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let mut found = Documented::default();
        found
            .levels
            .extend(names(cells[1]).into_iter().map(|(name, _)| name));
        for (name, is_optional) in names(cells[2]) {
            let set = if is_optional {
                &mut found.sometimes
            } else {
                &mut found.fields
            };
            set.insert(name);
        }
        kinds.insert(cells[0].trim_matches('`').to_owned(), found);
    }
    kinds
}

/// Compares each line with what is documented. Returns the kinds that were there.
fn check(lines: &[String], documented: &BTreeMap<String, Documented>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for text in lines {
        let line: BTreeMap<String, Value> =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        for name in ALWAYS {
            assert!(line[name].is_string(), "{name}: {text}");
        }
        let time = line["timestamp"].as_str().unwrap();
        assert!(
            time.parse::<jiff::Timestamp>().is_ok() && time.ends_with('Z'),
            "{text}"
        );
        let Some(kind) = line.get("kind") else {
            continue;
        };
        let kind = kind.as_str().unwrap();
        let about = documented
            .get(kind)
            .unwrap_or_else(|| panic!("{kind} is not documented: {text}"));
        let level = line["level"].as_str().unwrap();
        assert!(about.levels.contains(level), "{text}");
        let own: BTreeSet<String> = line
            .keys()
            .filter(|name| !ALWAYS.contains(&name.as_str()) && *name != "kind")
            .filter(|name| !about.sometimes.contains(*name))
            .cloned()
            .collect();
        assert_eq!(own, about.fields, "{text}");
        seen.insert(kind.to_owned());
    }
    seen
}

fn is(kind: &str) -> String {
    format!("\"kind\":\"{kind}\"")
}

fn logging_json(mut command: std::process::Command) -> Logged {
    Logged::start(command.args(["--log", "json"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_is_json_with_the_documented_fields() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("s.toml");
    let alert = "[[alerts]]\nname = \"no feed\"\nwhen = \"feed-down\"\nfor = \"0s\"\n";
    fs::write(&config, alert).unwrap();
    let config = config.display().to_string();
    let more = [("SLUICEGATE_CONFIG", config.as_str())];
    let (at, sandbox) = (nowhere(), sandbox(Faults::default()).await);
    let url = format!("ws://{at}/feed");
    let mut run = logging_json(forwarder(
        &url,
        &sandbox.url(),
        &dir.path().join("spool"),
        &more,
    ));
    run.line(&[&is("started")]);
    run.line(&[&is("alert")]);
    let server = feed_at(at).await;
    run.line(&[&is("feed_live")]);
    run.line(&["recovered"]);
    let refusing = Faults {
        refuse: Some("u-refused".to_owned()),
        ..Faults::default()
    };
    sandbox.set_faults(refusing);
    server.publish(&event("u-refused", 1)).await;
    run.line(&[&is("undelivered")]);
    let down = Faults {
        fail_share: 1.0,
        ..Faults::default()
    };
    sandbox.set_faults(down);
    server.publish(&event("u-1", 1)).await;
    run.line(&[&is("delivery_down")]);
    sandbox.set_faults(Faults::default());
    run.line(&[&is("delivery_up")]);
    until("it arrives", || !sandbox.events_of("u-1").is_empty()).await;
    let lines = run.lines();
    assert_eq!(run.ends(), 0);
    let documented = documented();
    let mut seen = check(&lines, &documented);

    // Customer.io refuses these credentials.
    let (feed, wrong) = (feed().await, [("SLUICEGATE_CUSTOMERIO_API_KEY", "wrong")]);
    let spool = dir.path().join("other");
    let mut run = logging_json(forwarder(&feed.url(), &sandbox.url(), &spool, &wrong));
    until("it reads the feed", || feed.clients() > 0).await;
    feed.publish(&event("u-2", 1)).await;
    run.line(&[&is("delivery_halted")]);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    seen.extend(check(&run.lines(), &documented));

    // These need a feed that can't resume, and an hour.
    let elsewhere = ["events_missed", "not_applied"];
    seen.extend(elsewhere.map(str::to_owned));
    let all: BTreeSet<String> = documented.into_keys().collect();
    assert_eq!(seen, all);
}

/// The kinds that the code writes.
fn in_code(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            in_code(&path, found);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let mut rest = text.split("kind = \"");
            rest.next();
            found.extend(rest.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
}

#[test]
fn every_kind_in_the_code_is_documented() {
    let mut found = BTreeSet::new();
    in_code(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    let all: BTreeSet<String> = documented().into_keys().collect();
    assert_eq!(found, all);
}
