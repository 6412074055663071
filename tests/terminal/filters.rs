//! Changing the filters with keys, and what arrives at the destination.

use std::time::{Duration, Instant};

use crate::program::get;
use crate::pty::{Terminal, demo_in, watch};
use crate::rights;

/// The sandbox's address, as the header shows it.
fn sandbox_of(text: &str) -> String {
    let (_, rest) = text.split_once("sandbox ").unwrap();
    format!("http://{}", rest.split_whitespace().next().unwrap())
}

fn count_of(sandbox: &str, name: &str) -> u64 {
    get(&format!("{sandbox}/sandbox/counts"))["by_name"][name]
        .as_u64()
        .unwrap_or(0)
}

#[test]
fn a_type_that_is_toggled_off_stops_arriving_and_comes_back_when_toggled_on() {
    let mut terminal = Terminal::open(&["demo", "--rate", "600"]);
    let sandbox = sandbox_of(&terminal.shows("sandbox 127.0.0.1"));
    terminal.press("f");
    terminal.shows("toggle");
    let name = "Cart Viewed";
    let started = Instant::now();
    while count_of(&sandbox, name) < 20 {
        assert!(
            started.elapsed() < Duration::from_secs(15),
            "nothing arrives"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    // By name, the one without a name and $identify come first.
    terminal.press("tt");
    terminal.shows("[x] (no name)");
    terminal.shows("[x] $identify");
    terminal.press("\x1b[Hjj");
    std::thread::sleep(Duration::from_millis(200));
    terminal.press(" ");
    // A draft is measured on what came by, and changes nothing until it is applied.
    terminal.shows("1 change, not applied");
    terminal.waits_for("what the draft would change", |text| {
        let parts = ["on the last", "would be filtered", "[ ]*Cart Viewed"];
        parts.iter().all(|part| text.contains(part))
    });
    terminal.press("\r");
    terminal.shows("Applied: Cart Viewed off");
    std::thread::sleep(Duration::from_millis(1_500));
    let stopped = count_of(&sandbox, name);
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(count_of(&sandbox, name), stopped, "{}", terminal.text());
    terminal.press("u");
    terminal.shows("Undone: Cart Viewed on");
    let started = Instant::now();
    while count_of(&sandbox, name) == stopped {
        assert!(
            started.elapsed() < Duration::from_secs(15),
            "it does not come back:\n{}",
            terminal.text()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    terminal.press("q");
    terminal.shows("Quit?");
    terminal.press("y");
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.is_given_back());
}

#[test]
fn a_rule_is_written_with_its_error_under_the_caret_and_applied_whole() {
    let mut terminal = Terminal::open(&["demo", "--rate", "600"]);
    terminal.shows("feed live");
    terminal.press("r");
    terminal.shows("New rule");
    terminal.press("evnt_type == \"Product Viewed\"");
    terminal.shows("did you mean event_type?");
    terminal.press("\r");
    terminal.shows("rule not applied");
    terminal.press("\x01\x1b[C\x1b[Ce");
    terminal.shows("compiles");
    terminal.press("\r");
    terminal.shows("3 [x] − rule 3");
    terminal.shows("rule 3 “rule 3”");
}

#[test]
fn filters_are_saved_to_the_configuration_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.toml");
    std::fs::write(&path, "# kept\ngate = \"shut\"\n[[rules]]\nname = \"one\"\neffect = \"exclude\"\nwhen = \"has_user\"\non = false\n").unwrap();
    rights::open_to_all(&path);
    let mut terminal = watch(&path);
    let text = terminal.shows("feed down: connection refused");
    assert!(text.contains("SHUT") && text.contains("my-site"));
    terminal.press("1\rs");
    terminal.shows("filters saved to");
    let saved = std::fs::read_to_string(&path).unwrap();
    assert!(
        saved.contains("# kept") && saved.contains("on = true"),
        "{saved}"
    );
    assert!(!String::from_utf8_lossy(&terminal.raw.lock().unwrap()).contains("my-secret"));
    assert_eq!(rights::mode(&path), 0o600, "a key may stand in it");
}

#[test]
fn the_tour_of_the_filters() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo_in(folder.path());
    terminal.shows(" %   first attempt");
    // A preset becomes the draft, with a preview, before it is applied.
    terminal.press("S");
    terminal.shows("Filter presets");
    terminal.shows("From the active filters to “incident”");
    terminal.press("\r");
    terminal.shows("“incident” is now the draft");
    terminal.escape();
    terminal.shows("draft discarded");
    terminal.press("Sstour\r");
    terminal.shows("preset “tour” saved to");
    assert!(folder.path().join("sluicegate-demo.toml").exists());
    terminal.escape();
    // A rule tells what it is for and what it costs.
    terminal.press("fG");
    terminal.shows("country in [");
    terminal.press("kk");
    terminal.press("\x1b[H");
    for _ in 0..40 {
        terminal.press("j");
    }
    terminal.press("k");
    terminal.shows("our own people");
    terminal.shows("µs");
    // The rule that is off is drafted by its number, for a time, and told by the history.
    terminal.press("2");
    terminal.shows("draft");
    terminal.press("A");
    terminal.shows("apply for");
    terminal.press("\r");
    terminal.shows("ends in");
    terminal.press("H");
    terminal.shows("rule “eu only” on");
    terminal.press("X");
    terminal.shows("written to filter-changes");
    let files = std::fs::read_dir(folder.path()).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    let file = files.find(|file| file.extension().is_some_and(|ending| ending == "ndjson"));
    let file = file.unwrap();
    let written = std::fs::read_to_string(file).unwrap();
    assert!(written.contains("eu only"), "{written}");
    rights::assert_files_private(folder.path());
}

#[test]
fn escape_elsewhere_keeps_the_draft_and_undo_takes_back_a_step_or_the_discarding() {
    let mut terminal = Terminal::open(&["demo", "--rate", "200"]);
    terminal.shows("sandbox 127.0.0.1");
    terminal.press("fjj ");
    terminal.shows("1 change, not applied");
    terminal.press("j ");
    terminal.shows("2 changes, not applied");
    terminal.press("u");
    terminal.shows("1 change, not applied");
    terminal.press("\t");
    terminal.escape();
    terminal.shows("the draft stays: f goes to it");
    terminal.press("f");
    terminal.escape();
    terminal.shows("draft discarded (u brings it back)");
    terminal.press("u");
    terminal.shows("1 change, not applied");
    terminal.press("T");
    terminal.shows("Customer.io is not down");
}
