//! The audit by one key, from the ledger of the running forwarder and the hours in the folder.

use serde_json::json;

use crate::program;
use crate::pty::{Terminal, program_without_umask};

/// An event of an export.
fn event(number: u32, event_type: &str) -> String {
    let at = format!("2026-11-25 09:10:{number:02}.000000");
    let event = json!({
        "event_type": event_type,
        "user_id": "u",
        "device_id": "d",
        "$insert_id": format!("i-{number}"),
        "event_time": at,
        "client_event_time": at,
    });
    event.to_string() + "\n"
}

#[test]
fn what_did_not_arrive_is_found_and_opened_or_told_from_the_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = program::sandbox(&[]);
    let faults = format!("{}/sandbox/faults", sandbox.url);
    program::request("PUT", &faults, r#"{"refuse":"Refused"}"#);
    let received = [event(1, "Bought"), event(2, "Refused Type")].concat();
    let file = dir.path().join("feed.ndjson");
    std::fs::write(&file, &received).unwrap();
    let feed = program::replay(&file, &[]);
    let mut command = program_without_umask();
    command.args(["watch", "--open", "--feed-url", &feed.url]);
    command.args(["--base-url", &sandbox.url]);
    command.env("SLUICEGATE_CUSTOMERIO_SITE_ID", "my-site");
    command.env("SLUICEGATE_CUSTOMERIO_API_KEY", "my-secret-key");
    command.cwd(dir.path());
    let mut terminal = Terminal::start(command);
    terminal.shows("dead letters 1");
    terminal.press("B");
    terminal.shows("no hours of an export are in");
    let folder = dir.path().join("amplitude-export");
    std::fs::create_dir(&folder).unwrap();
    let export = [received, event(3, "Lost Type")].concat();
    std::fs::write(folder.join("amplitude-20261125T09.zip"), export).unwrap();
    terminal.press("B");
    terminal.shows("3 in the export, 1 missing, 1 undelivered");
    terminal.press("\r");
    terminal.shows("Enter inspects");
    terminal.press("j\r");
    terminal.shows("the ledger says: missing");
    // The refused event is still in memory.
    terminal.press("k\r");
    terminal.shows("Decision");
    terminal.escape();
    terminal.shows("Enter inspects");
}
