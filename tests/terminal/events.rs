//! Finding, inspecting, bookmarking and exporting events.

use crate::pty::{Terminal, demo_in};
use crate::rights;

#[test]
fn events_are_found_inspected_and_frozen() {
    let mut terminal = Terminal::open(&["demo", "--rate", "400"]);
    terminal.shows("→ Search Performed");
    terminal.press("/event_type == \"Search Performed\" && has_user");
    // The list follows the typing: only the whole text is a condition.
    terminal.shows("has_user   condition");
    terminal.press("\r");
    let is_row = |line: &&str| line.contains(" u-") && line.contains(':');
    let text = terminal.waits_for("a match", |text| {
        text.contains(" match event_type") && text.lines().any(|line| is_row(&line))
    });
    let mut rows = text.lines().filter(is_row);
    assert!(
        rows.all(|row| row.contains("Search Performed") || !row.contains("Song")),
        "{text}"
    );
    terminal.press(" ");
    terminal.shows("FROZEN");
    terminal.press("jj\r");
    terminal.shows("Raw event");
    terminal.shows("Decision");
    terminal.press("\t");
    terminal.shows("Mapped request");
    terminal.press("yc");
    terminal.shows("sent to the terminal's clipboard");
    let raw = terminal.raw.lock().unwrap().clone();
    // "curl -X POST 'http", for the clipboard, in base64.
    assert!(memchr::memmem::find(&raw, b"\x1b]52;c;Y3VybCAtWCBQT1NUICdodHRw").is_some());
    terminal.press("\x1b");
    terminal.shows("Violations");
    // What can be done is found by a few letters.
    terminal.press("\x10dltr");
    terminal.shows("dead letters: undelivered items");
    terminal.press("\r");
    terminal.shows("by reason and type");
}

#[test]
fn the_tour_of_finding_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo_in(folder.path());
    terminal.shows(" %   first attempt");
    // A regular expression, a bookmark, the way back to it, and a file of what was found.
    terminal.press("/~Product (Added|Viewed)\r");
    terminal.shows("match ~Product");
    terminal.press("jm");
    terminal.shows("bookmark set: ' returns to it");
    terminal.press("F'");
    terminal.shows("bookmark 1 of 1");
    terminal.press("X");
    terminal.shows("the events with a bookmark");
    terminal.press("m");
    terminal.shows("1 event written to bookmarked-");
    let files = std::fs::read_dir(folder.path()).unwrap();
    let file = files.map(|file| file.unwrap().path()).next().unwrap();
    let written = std::fs::read_to_string(file).unwrap();
    assert_eq!(written.lines().count(), 1);
    assert!(written.contains("Product "), "{written}");
    rights::assert_files_private(folder.path());
    // The story of one that a limit rejects.
    terminal.escape();
    terminal.press("]");
    terminal.press("\r");
    terminal.shows("Violations");
    terminal.shows("Decision");
    terminal.escape();
    // To a time, and to the properties of a type.
    terminal.press("@100ms\r");
    terminal.shows("events up to");
    terminal.escape();
    terminal.press("fE");
    terminal.shows("Properties ─ ");
    terminal.shows("% ");
    terminal.escape();
    // A condition that is met too often rings.
    terminal.press("Whas_user\t0\r");
    terminal.shows("/s over 10 s match has_user");
    let rang = b"\x1b]9;shop-demo: ";
    assert!(memchr::memmem::find(&terminal.raw.lock().unwrap(), rang).is_some());
    terminal.press("D");
    terminal.escape();
    // What people are called is not for everyone to see.
    terminal.press("F");
    terminal.press("P");
    terminal.shows("personal data hidden");
    let text = terminal.shows("id•");
    assert!(!text.contains(" u-0"), "{text}");
}
